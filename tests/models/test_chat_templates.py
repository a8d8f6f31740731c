"""Templates without a system role: its text stands before the user's; all others are left as they are."""

import pytest
from random_models import CHATML, FAMILIES, GEMMA2, save_random_model, tokenizer_of

from lab_helpers.models.chat_templates import fold_system_text, takes_system_text
from lab_helpers.models.generation import generate, make_conversation
from lab_helpers.models.language_models import load_chat_tokenizer, load_language_model
from lab_helpers.tuning.sft import prompt_completion
from lab_helpers.tuning.template_checks import find_lost_turns

SYSTEM, QUESTION = "Answer briefly.", "Where is the filter?"
# Gemma 2's own words (google/gemma-2-2b-it): roles must alternate, and content is trimmed.
GEMMA2_AS_PUBLISHED = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
)
DEAF = "{% for m in messages %}{% if m.role != 'system' %}[{{ m.role }}] {{ m.content }}\n{% endif %}{% endfor %}"


def gemma(template: str = GEMMA2_AS_PUBLISHED):
    tokenizer = tokenizer_of("Gemma2")
    tokenizer.chat_template = template
    return tokenizer


def render(tokenizer, *turns: tuple[str, str], **options) -> str:
    messages = [{"role": role, "content": content} for role, content in turns]
    return tokenizer.apply_chat_template(messages, tokenize=False, **options)


@pytest.mark.parametrize("template", [GEMMA2_AS_PUBLISHED, GEMMA2], ids=["published", "short"])
def test_gemmas_refusal_becomes_a_longer_question(template):
    tokenizer = gemma(template)
    plain = render(tokenizer, ("user", f"{SYSTEM}\n\n{QUESTION}"), ("assistant", "Here."))
    with pytest.raises(Exception, match="System role not supported"):
        render(tokenizer, ("system", SYSTEM), ("user", QUESTION))
    assert fold_system_text(tokenizer)
    turns = ("system", SYSTEM), ("user", QUESTION), ("assistant", "Here.")
    assert render(tokenizer, *turns) == plain
    assert render(tokenizer, *turns[:2], add_generation_prompt=True).endswith("<start_of_turn>model\n")  # fmt: skip


def test_without_a_system_message_nothing_changes():
    tokenizer, untouched = gemma(), gemma()
    fold_system_text(tokenizer)
    for turns in (
        [("user", QUESTION)],
        [("user", QUESTION), ("assistant", "Here."), ("user", "Thanks.")],
    ):
        assert render(tokenizer, *turns) == render(untouched, *turns)


def test_a_system_message_alone_is_what_the_user_says():
    tokenizer = gemma()
    fold_system_text(tokenizer)
    assert render(tokenizer, ("system", SYSTEM)) == render(tokenizer, ("user", SYSTEM))


def test_a_template_that_drops_the_system_text_without_a_word_is_mended_too():
    tokenizer = gemma(DEAF)
    assert not takes_system_text(tokenizer)
    assert fold_system_text(tokenizer)
    assert render(tokenizer, ("system", SYSTEM), ("user", QUESTION)) == f"[user] {SYSTEM}\n\n{QUESTION}\n"  # fmt: skip


@pytest.mark.parametrize("family", ["Llama", "Qwen2", "Qwen3", "Mistral"])
def test_a_template_that_takes_it_is_left_alone(family):
    tokenizer = tokenizer_of(family)
    assert not fold_system_text(tokenizer)
    assert tokenizer.chat_template == FAMILIES[family][3]


@pytest.mark.parametrize("template", ["{{ 1 / 0 }}", {"default": CHATML, "tool_use": CHATML}])
def test_what_cannot_be_mended_stays(template):
    tokenizer = gemma(template)
    assert not fold_system_text(tokenizer)
    assert tokenizer.chat_template == template


def test_it_holds_in_replies_and_in_trainings(tmp_path):
    """Loaded by the course, Gemma 2 answers an instruction, and rows with one are learned whole."""
    folder = str(save_random_model(tmp_path, "Gemma2"))
    model, tokenizer = load_language_model(folder)
    replies = generate(model, tokenizer, [make_conversation(QUESTION, SYSTEM)], max_new_tokens=2)
    longer = generate(model, tokenizer, [make_conversation(QUESTION)], max_new_tokens=2)
    assert replies.prompt_tokens[0] > longer.prompt_tokens[0]
    row = prompt_completion([{"question": QUESTION, "answer": "Here."}])[0]
    row["prompt"].insert(0, {"role": "system", "content": SYSTEM})
    assert find_lost_turns(row, tokenizer) == []
    assert SYSTEM in load_chat_tokenizer(folder).apply_chat_template(row["prompt"], tokenize=False)
