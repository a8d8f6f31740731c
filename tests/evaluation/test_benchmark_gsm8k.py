"""Word problems: what a base and a chat model are asked, and what becomes of their replies."""

import re

import pytest

from lab_helpers.evaluation.benchmarks import gsm8k, prompts
from lab_helpers.evaluation.benchmarks.formats import WordProblem
from lab_helpers.evaluation.benchmarks.gsm8k import solve
from lab_helpers.models.generation import Replies, continue_texts
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput

pytestmark = pytest.mark.usefixtures("one_thread")

ITEMS = [
    WordProblem("1", "2 lamps and 3 lamps?", "2+3 = 5\n#### 5", "5"),
    WordProblem("2", "9 boxes less 2?", "9-2 = 7\n#### 7", "7"),
]


@pytest.fixture(scope="module")
def chat(tiny_chat_model, one_thread):
    return load_language_model(str(tiny_chat_model))


def planted(monkeypatch, name: str, texts: list[str], ended: list[bool]):
    """In the place of the model's replies; returns the list of what was asked."""
    asked: list = []

    def reply(model, tokenizer, given, *arguments, **options):
        asked.extend(given)
        return Replies(texts, 9, 1.0, [3] * len(texts), ended)

    monkeypatch.setattr(gsm8k, name, reply)
    return asked


def test_a_base_model_goes_on_after_the_question(chat, monkeypatch):
    asked = planted(monkeypatch, "continue_texts", [" 2+3 = 5\n#### 5", " 7 or 8"], [True, False])
    one, two = solve(*chat, ITEMS)
    assert asked == [f"Question: {item.question}\nAnswer:" for item in ITEMS]
    assert (one.strict, one.flexible, one.ended) == ("5", "5", True)
    assert (two.strict, two.flexible, two.ended) == (None, "8", False)


def test_examples_are_shown_with_their_solutions(chat, monkeypatch):
    asked = planted(monkeypatch, "continue_texts", [""], [True])
    solve(*chat, ITEMS[1:], examples=ITEMS[:1], language="ja")
    assert asked == [
        "質問:2 lamps and 3 lamps?\n答え:2+3 = 5\n#### 5\n\n質問:9 boxes less 2?\n答え:"
    ]


def test_a_chat_model_is_asked_in_turns(chat, monkeypatch):
    asked = planted(monkeypatch, "generate", ["#### 7"], [True])
    (solution,) = solve(*chat, ITEMS[1:], chat=True, examples=ITEMS[:1])
    assert [turn["role"] for turn in asked[0]] == ["user", "assistant", "user"]
    assert asked[0][1]["content"] == ITEMS[0].solution
    assert solution.strict == "7"


def test_a_model_that_never_stops_is_cut_and_counted(chat):
    found = solve(*chat, ITEMS, max_new_tokens=12)
    assert [solution.ended for solution in found] == [False, False]
    texts = [prompts.problem(item, "en")[0] for item in ITEMS]
    cut = continue_texts(*chat, texts, 12, stop=prompts.STOP["en"])
    assert [solution.reply for solution in found] == cut.texts
    assert cut.tokens == 24


def test_a_prompt_without_room_for_the_solution_is_refused(chat):
    with pytest.raises(BadInput, match=r"problem 2 needs \d+ tokens, and the model reads 1024"):
        solve(*chat, ITEMS, max_new_tokens=1020)


def test_a_stop_string_ends_the_text_and_is_not_in_it(chat):
    model, tokenizer = chat
    texts = ["Question: the lamp?\nAnswer:", "Question: is the heater warm or cold?\nAnswer:"]
    free = continue_texts(model, tokenizer, texts, 24)
    assert free.ended == [False, False]
    marks = re.findall("[a-z]{3}", free.texts[0])
    mark = next(mark for mark in marks if mark not in free.texts[1])
    stopped = continue_texts(model, tokenizer, texts, 24, stop=(mark,))
    for before, text, ended in zip(free.texts, stopped.texts, stopped.ended, strict=True):
        assert text == before.split(mark)[0]
        assert ended == (mark in before)
    assert stopped.ended == [True, False]
    alone = continue_texts(model, tokenizer, texts[:1], 24, stop=(mark,))
    assert alone.tokens < 24
    assert stopped.tokens == alone.tokens + 24, "the padding after a stop string is not counted"
