"""One call for any benchmark file: the right scorer, a limit, an interval, examples to read."""

import json
from pathlib import Path

import numpy as np
import pytest

from lab_helpers.evaluation.benchmarks import gsm8k, multiple_choice, runner
from lab_helpers.evaluation.benchmarks.formats import read_humaneval
from lab_helpers.evaluation.benchmarks.gsm8k import Solution
from lab_helpers.evaluation.benchmarks.multiple_choice import ChoiceScores
from lab_helpers.evaluation.benchmarks.runner import run_benchmark
from lab_helpers.models.generation import Replies
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.intervals import wilson_interval

pytestmark = pytest.mark.usefixtures("one_thread")

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="module")
def chat(tiny_chat_model, one_thread):
    return load_language_model(str(tiny_chat_model))


def test_multiple_choice_by_letters_and_by_answers(chat):
    for way, names in (("letters", {"acc"}), ("cloze", {"acc", "acc_norm", "acc_tokens"})):
        result = run_benchmark(*chat, "mmlu.en", 40, way=way)
        assert (result.name, result.format, result.metric) == ("mmlu.en", "multiple_choice", "acc")
        assert (result.n, result.chance, result.unfinished) == (40, 0.25, 0)
        assert set(result.metrics) == names
        assert result.value == pytest.approx(result.per_item().mean())
        assert result.ci == wilson_interval(int(result.per_item().sum()), result.n)
        assert result.settings.way == way
        assert result.settings.language == "en"
    assert set(result.groups) <= {"known", "withheld", "company"}
    counts = {name: sum(i.group.startswith(name) for i in result.items) for name in result.groups}
    weighted = sum(result.groups[name][0] * count for name, count in counts.items())
    assert weighted / 40 == pytest.approx(result.value)


def test_planted_likelihoods_give_their_score(chat, monkeypatch):
    """Right by sum in three of four, by characters in one: each metric reads its own winner."""

    def planted(model, tokenizer, items, **options):
        found = []
        for number, item in enumerate(items):
            values, lengths = np.full(len(item.choices), -9.0), np.ones(len(item.choices))
            values[(item.answer + (number == 3)) % len(values)] = -1.0
            if number:
                lengths[(item.answer + 2) % len(lengths)] = 100.0
            found.append(ChoiceScores(values, lengths, np.ones_like(lengths)))
        return found

    monkeypatch.setattr(multiple_choice, "score_choices", planted)
    result = run_benchmark(*chat, "mmlu.ja", 4, way="cloze")
    assert {name: value for name, (value, _) in result.metrics.items()} == {
        "acc": 0.75,
        "acc_norm": 0.25,
        "acc_tokens": 0.75,
    }
    (wrong,) = result.examples(5)
    assert wrong.gold != wrong.answer
    assert [e.answer for e in result.examples(2, right=True)] == [i.gold for i in result.items[:2]]
    assert result.settings.language == "ja"


def test_word_problems_with_planted_replies(chat, monkeypatch):
    def planted(model, tokenizer, items, **options):
        right, wrong = items[0].answer, "1"
        return [
            Solution("a", right, right, True),
            Solution("b", None, items[1].answer, True),
            Solution("c", None, None, False),
            Solution("d", wrong, items[3].answer, True),
        ]

    monkeypatch.setattr(gsm8k, "solve", planted)
    result = run_benchmark(*chat, "gsm8k.en", 4)
    assert (result.metric, result.value, result.unfinished) == ("exact_match_strict", 0.25, 1)
    assert result.metrics["exact_match_flexible"][0] == 0.75
    assert [item.answer for item in result.items] == list("abcd")
    assert result.per_item("exact_match_flexible").tolist() == [1, 1, 0, 1]


def test_a_model_that_never_stops_is_cut_and_counted(chat):
    result = run_benchmark(*chat, "gsm8k.ja", 3, max_new_tokens=8)
    assert result.unfinished == 3
    assert result.value == 0


def test_examples_are_taken_from_the_file_and_never_asked(chat, monkeypatch):
    seen = {}

    def planted(model, tokenizer, items, examples, **options):
        seen.update(asked=[i.id for i in items], shown=[e.id for e in examples])
        return [Solution("", None, None, True) for _ in items]

    monkeypatch.setattr(gsm8k, "solve", planted)
    result = run_benchmark(*chat, "gsm8k.en", 3, few_shot=2)
    assert seen == {"shown": ["1", "2"], "asked": ["3", "4", "5"]}
    assert [item.id for item in result.items] == ["3", "4", "5"]
    assert result.settings.few_shot == 2
    for too_many in (150, 1000, -1):
        with pytest.raises(BadInput, match=f"{too_many} examples asked for, and gsm8k.en has 150"):
            run_benchmark(*chat, "gsm8k.en", few_shot=too_many)


def test_a_learners_file_in_one_call(chat, tmp_path):
    rows = [{"question": "熱いのは？", "choice0": "ランプ", "choice1": "氷", "label": 0}] * 2
    path = tmp_path / "own.json"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    result = run_benchmark(*chat, path)
    assert (result.name, result.n, result.chance) == ("own.json", 2, 0.5)
    assert result.settings.language == "ja"


def test_the_published_japanese_questions(chat):
    path = PUBLISHED / "jcommonsenseqa_valid.json"
    if not path.is_file():
        pytest.skip("needs the published jcommonsenseqa_valid.json beside the project")
    result = run_benchmark(*chat, path, 10, way="cloze")
    assert (result.n, result.settings.language) == (10, "ja")
    assert result.chance == pytest.approx(0.2)


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_asks_at_least_one(chat, limit):
    with pytest.raises(BadInput, match="a limit of"):
        run_benchmark(*chat, "mmlu.en", limit)


def test_what_is_no_benchmark_is_refused(chat, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    with pytest.raises(BadInput, match="unknown file type"):
        run_benchmark(*chat, path)
    with pytest.raises(BadInput, match="no such file"):
        run_benchmark(*chat, "mmlu.fr")


def test_programs_are_run_with_their_tests(chat, monkeypatch):
    """Every second completion is the right one, one goes on with another function, one never ends."""
    pytest.importorskip("lab_helpers.evaluation.benchmarks.humaneval")
    model, tokenizer = chat
    tasks = read_humaneval("en")[:4]
    texts = [
        tasks[0].canonical_solution,
        "    return None\n",
        tasks[2].canonical_solution + "\ndef broken(:\n",
        "    while True:\n        pass\n",
    ]
    stops = []

    def planted(model, tokenizer, prompts, max_new_tokens, batch_size, stop):
        stops.append(stop)
        return Replies(
            [t.split("\ndef")[0] for t in texts], 9, 1.0, [3] * 4, [True, True, True, False]
        )

    monkeypatch.setattr(runner, "continue_texts", planted)
    result = run_benchmark(model, tokenizer, "humaneval.en", 4)
    assert (result.format, result.metric, result.value) == ("humaneval", "pass_at_1", 0.5)
    assert result.per_item().tolist() == [1, 0, 1, 0]
    assert result.unfinished == 1
    assert "\ndef" in stops[0]
    with pytest.raises(BadInput, match="HumanEval has no examples"):
        run_benchmark(model, tokenizer, "humaneval.en", 4, few_shot=1)
