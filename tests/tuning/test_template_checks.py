"""What a template cannot write is left out by name, and what it can is kept."""

import json

import pytest

from lab_helpers.models.language_models import load_chat_tokenizer
from lab_helpers.tuning.masks import ids_and_labels
from lab_helpers.tuning.template_checks import (
    count_unused_parts,
    select_rendered_rows,
    template_lines,
)

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


def test_calls_that_a_template_cannot_write_cost_the_row_and_tools_only_themselves(tokenizer):
    rows = [PLAIN, WITH_TOOLS, CALLING]
    kept, lost = select_rendered_rows(rows, tokenizer)
    assert kept == [PLAIN, WITH_TOOLS]
    assert lost == {"tool_calls": 1}
    unused = count_unused_parts(kept, tokenizer)
    assert unused == {"tools": 1}
    said = template_lines(lost, unused)
    assert "1 rows are left out" in said[0]
    assert "'tools' of 1 rows is not used" in said[1]


def test_a_call_whose_tool_the_question_names_is_lost_all_the_same(tokenizer):
    asked = [{"role": "user", "content": "What is the price?"}]
    row = {**CALLING, "prompt": asked, "tools": None}
    assert select_rendered_rows([row], tokenizer) == ([], {"tool_calls": 1})


def test_thoughts_that_the_template_leaves_out_are_counted_and_the_row_stays(tokenizer):
    thought = [{**PLAIN["completion"][0], "reasoning_content": "A kettle, so 118."}]
    row = {**PLAIN, "completion": thought}
    assert select_rendered_rows([row], tokenizer)[0] == [row]
    assert count_unused_parts([PLAIN, row], tokenizer) == {"reasoning_content": 1}
    tokenizer.chat_template = TOOL_TEMPLATE.replace("{{ m.content }}", "{{ m.reasoning_content }}{{ m.content }}")  # fmt: skip
    assert count_unused_parts([row], tokenizer) == {}


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
