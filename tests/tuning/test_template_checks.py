"""What a template cannot write is left out by name, and what it can is kept."""

import json

import pytest

from lab_helpers.models.language_models import load_chat_tokenizer
from lab_helpers.tuning.masks import ids_and_labels
from lab_helpers.tuning.template_checks import select_rendered_rows, template_lines

TOOLS = [{"type": "function", "function": {"name": "price", "parameters": {}}}]
CALL = {"type": "function", "function": {"name": "price", "arguments": {"of": "kettle"}}}
PLAIN = {
    "prompt": [{"role": "user", "content": "How much?"}],
    "completion": [{"role": "assistant", "content": "118 yen."}],
}
WITH_TOOLS = {**PLAIN, "tools": json.dumps(TOOLS)}
CALLING = {**WITH_TOOLS, "completion": [{"role": "assistant", "content": "", "tool_calls": [CALL]}]}
TOOL_TEMPLATE = (
    "{% if tools %}{{ tools | tojson }}\n{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function | tojson }}{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture
def tokenizer(tiny_chat_model):
    return load_chat_tokenizer(str(tiny_chat_model))


def test_a_template_without_tools_loses_them_and_says_so(tokenizer):
    kept, reasons = select_rendered_rows([PLAIN, WITH_TOOLS, CALLING], tokenizer)
    assert kept == [PLAIN]
    assert reasons == {"tools": 2, "tool_calls": 1}
    assert "2 rows" in template_lines(reasons)[0]


def test_a_template_that_knows_tools_writes_them_into_the_training_text(tokenizer):
    tokenizer.chat_template = TOOL_TEMPLATE
    rows = [PLAIN, WITH_TOOLS, CALLING]
    assert select_rendered_rows(rows, tokenizer) == (rows, {})
    plain, shown, called = (tokenizer.decode(ids_and_labels(tokenizer, row)[0]) for row in rows)
    assert "price" not in plain
    assert shown.count('"price"') == 1
    assert called.count('"price"') == 2


def test_a_template_that_drops_the_system_message_loses_the_row(tokenizer):
    tokenizer.chat_template = "{% for m in messages if m.role != 'system' %}{{ m.content }}{% endfor %}"  # fmt: skip
    row = {**PLAIN, "prompt": [{"role": "system", "content": "Be polite."}, *PLAIN["prompt"]]}
    assert select_rendered_rows([PLAIN, row], tokenizer) == ([PLAIN], {"system": 1})


def test_a_template_that_refuses_loses_the_whole_conversation(tokenizer):
    tokenizer.chat_template = "{{ raise_exception('no') }}"
    assert select_rendered_rows([PLAIN], tokenizer) == ([], {"the whole conversation": 1})
