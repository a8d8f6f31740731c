"""The label mask against TRL's own preparation, the loss against torch's, accumulation against one batch."""

import copy

import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from trl import SFTConfig, SFTTrainer

from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.masks import (
    IGNORED,
    MODES,
    accumulated_loss,
    ids_and_labels,
    label_mask,
    marks_the_assistant,
    masked_loss,
    pad_batch,
    token_mask,
)

pytestmark = pytest.mark.usefixtures("one_thread")

TALK = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Is the lamp warm?"},
    {"role": "assistant", "content": "It is."},
    {"role": "user", "content": "ヒーターは動きますか。"},
    {"role": "assistant", "content": "はい、動きます。"},
]
PAIR = {"prompt": TALK[:-1], "completion": TALK[-1:]}
MESSAGES = {"messages": TALK}
TEXT = {"text": "The lamp is warm."}
PLAIN = {"prompt": "Is the lamp warm? ", "completion": "It is."}
FORMS = {
    "pair": (PAIR, {}, None),
    "pair, everything": (PAIR, {"completion_only_loss": False}, "everything"),
    "pair, assistant": (PAIR, {"assistant_only_loss": True}, "assistant_only"),
    "messages": (MESSAGES, {}, None),
    "messages, assistant": (MESSAGES, {"assistant_only_loss": True}, "assistant_only"),
    "text": (TEXT, {}, None),
    "plain pair": (PLAIN, {}, None),
    "plain pair, everything": (PLAIN, {"completion_only_loss": False}, "everything"),
}


@pytest.fixture(scope="module")
def model_and_tokenizer(tiny_chat_model):
    return load_language_model(str(tiny_chat_model))


@pytest.fixture(scope="module")
def tokenizer(model_and_tokenizer):
    return model_and_tokenizer[1]


@pytest.mark.parametrize("form", FORMS)
def test_ids_and_labels_are_trls(model_and_tokenizer, form, tmp_path):
    model, tokenizer = model_and_tokenizer
    row, options, mode = FORMS[form]
    trainer = SFTTrainer(
        model,
        args=SFTConfig(
            output_dir=str(tmp_path), use_cpu=True, bf16=False, report_to="none", **options
        ),
        train_dataset=Dataset.from_list([row]),
        processing_class=tokenizer,
    )
    theirs = trainer.train_dataset[0]
    ids, labels = ids_and_labels(tokenizer, row, mode)
    assert ids == list(theirs["input_ids"])
    assert labels == list(theirs["labels"])


def test_a_padded_batch_is_trls(tokenizer):
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    rows = [
        {"input_ids": ids, "labels": labels}
        for ids, labels in (ids_and_labels(tokenizer, row) for row in (PAIR, MESSAGES, PLAIN))
    ]
    theirs = DataCollatorForLanguageModeling(pad_token_id=tokenizer.pad_token_id)(rows)
    ours = pad_batch(rows, tokenizer.pad_token_id)
    for name, values in ours.items():
        assert torch.equal(values, theirs[name]), name


def test_padding_with_the_end_token_leaves_real_ends_their_label():
    batch = pad_batch([{"input_ids": [5, 2], "labels": [IGNORED, 2]}, {"input_ids": [5, 6, 2], "labels": [5, 6, 2]}], 2)  # fmt: skip
    assert batch["labels"].tolist() == [[IGNORED, 2, IGNORED], [5, 6, 2]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]


def test_label_mask_by_hand():
    assert label_mask([7, 8], [7, 8, 9, 2]) == [-100, -100, 9, 2]
    assert label_mask([], [5]) == [5]


def test_the_prompt_is_silent_and_the_end_is_heard(tokenizer):
    ids, labels = ids_and_labels(tokenizer, PAIR)
    heard = [i for i, label in zip(ids, labels, strict=True) if label != IGNORED]
    assert tokenizer.decode(heard) == "はい、動きます。<|im_end|>\n"
    assert tokenizer.eos_token_id in heard


@pytest.mark.parametrize("mode", MODES)
def test_the_tokens_of_a_mask_spell_the_conversation(tokenizer, mode):
    tokens = token_mask(tokenizer, TALK, mode)
    assert "".join(t.text for t in tokens) == tokenizer.apply_chat_template(TALK, tokenize=False)
    heard = "".join(t.text for t in tokens if t.heard)
    assert (
        heard
        == {
            "completion_only": "はい、動きます。<|im_end|>\n",
            "assistant_only": "It is.<|im_end|>はい、動きます。<|im_end|>",
            "everything": tokenizer.apply_chat_template(TALK, tokenize=False),
        }[mode]
    )


def test_a_template_with_and_without_marks(tokenizer):
    assert marks_the_assistant(tokenizer)
    bare = copy.deepcopy(tokenizer)
    bare.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    assert not marks_the_assistant(bare)
    bare.chat_template = "{%- generation -%}x{%- endgeneration -%}"
    assert marks_the_assistant(bare)


# The loss


@given(st.integers(0, 10**6))
def test_the_masked_loss_is_torchs(seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn((3, 7, 11), generator=generator)
    labels = torch.randint(0, 11, (3, 7), generator=generator)
    labels[torch.rand((3, 7), generator=generator) < 0.5] = IGNORED
    labels[0, 3] = 4
    theirs = torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, 11), labels[:, 1:].reshape(-1), ignore_index=IGNORED
    )
    assert masked_loss(logits, labels).item() == pytest.approx(theirs.item(), rel=1e-5)


def test_the_masked_loss_is_the_models(model_and_tokenizer):
    model, tokenizer = model_and_tokenizer
    ids, labels = (torch.tensor([row]) for row in ids_and_labels(tokenizer, PAIR))
    with torch.inference_mode():
        found = model(input_ids=ids, labels=labels)
    assert masked_loss(found.logits, labels).item() == pytest.approx(found.loss.item(), rel=1e-5)


def test_accumulated_is_the_loss_of_one_batch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn((4, 9, 6), generator=generator)
    labels = torch.randint(0, 6, (4, 9), generator=generator)
    for row, silent in enumerate((2, 7, 5, 3)):
        labels[row, :silent] = IGNORED
    tokens = [int((row[1:] != IGNORED).sum()) for row in labels]
    sums = [float(masked_loss(logits[i : i + 1], labels[i : i + 1])) * tokens[i] for i in range(4)]
    whole = float(masked_loss(logits, labels))
    assert accumulated_loss(sums, tokens) == pytest.approx(whole, rel=1e-5)
    means = [total / count for total, count in zip(sums, tokens, strict=True)]
    assert sum(means) / 4 != pytest.approx(whole, rel=1e-2)
