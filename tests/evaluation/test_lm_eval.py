"""The field's harness gives our numbers, offline: likelihoods on Kotori, extraction on planted replies."""

import json
import sys

import pytest
import torch

from lab_helpers.evaluation.benchmarks.formats import read_gsm8k
from lab_helpers.evaluation.benchmarks.lm_eval import run_lm_eval, task_names
from lab_helpers.evaluation.benchmarks.runner import run_benchmark
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput, MissingDependency

pytestmark = pytest.mark.usefixtures("one_thread")

# English replies, and what the strict and the flexible filter make of them where the answer is {a}.
REPLIES = [
    "It is {a}.\n#### {a}",
    "First 2, then {a}.",
    "#### {a}\nQuestion: What is 7?\n#### 7",
    "It is {a}, not 999999.",
    "There is nothing to count.",
    "#### 999999\nOr rather ${a}",
]


@pytest.fixture(scope="module")
def kotori(one_thread):
    return load_language_model("kotori")


@pytest.fixture
def harness():
    pytest.importorskip("lm_eval", reason="lm-eval, the [eval] extra, is not installed")


def test_there_is_a_task_for_each_set_and_language():
    assert task_names() == [
        f"{name}_{language}"
        for name in ("gsm8k", "mmlu_cloze", "mmlu_letters")
        for language in ("en", "ja")
    ]


@pytest.mark.usefixtures("harness")
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("few_shot", [0, 2])
@pytest.mark.parametrize("way", ["letters", "cloze"])
def test_multiple_choice_equals_lm_eval(kotori, way, few_shot, language):
    task = f"mmlu_{way}_{language}"
    theirs = run_lm_eval(*kotori, [task], limit=60, few_shot=few_shot)[task]
    result = run_benchmark(*kotori, f"mmlu.{language}", 60, way=way, few_shot=few_shot)
    assert theirs.keys() == ({"acc"} if way == "letters" else {"acc", "acc_norm"})
    for metric, value in theirs.items():
        assert result.metrics[metric][0] == pytest.approx(value)
    if way == "cloze":
        assert 0.5 < theirs["acc"] < 1, "neither all nor nothing is right: the comparison can fail"


def scripted(model, tokenizer, replies: dict[str, str]):
    """``model.generate`` that writes the planted reply to the last question of each prompt."""

    def generate(input_ids, **options):
        written = []
        for row in input_ids:
            prompt = tokenizer.decode(row, skip_special_tokens=True)
            question = prompt.rpartition("Question: ")[2].removesuffix("\nAnswer:")
            written.append(
                tokenizer(f" {replies[question]}")["input_ids"] + [tokenizer.eos_token_id]
            )
        width = max(map(len, written))
        padded = [row + [tokenizer.pad_token_id] * (width - len(row)) for row in written]
        return torch.cat([input_ids, torch.tensor(padded)], dim=1)

    return generate


@pytest.mark.usefixtures("harness")
@pytest.mark.parametrize("few_shot", [0, 2])
def test_word_problems_equal_lm_eval(kotori, monkeypatch, few_shot):
    model, tokenizer = kotori
    problems = read_gsm8k("en")
    replies = {
        p.question: REPLIES[i % len(REPLIES)].format(a=p.answer) for i, p in enumerate(problems)
    }
    monkeypatch.setattr(model, "generate", scripted(model, tokenizer, replies))
    theirs = run_lm_eval(*kotori, ["gsm8k_en"], limit=24, few_shot=few_shot)["gsm8k_en"]
    result = run_benchmark(*kotori, "gsm8k.en", 24, few_shot=few_shot)
    assert theirs == {name: pytest.approx(value) for name, (value, _) in result.metrics.items()}
    assert theirs["exact_match_strict"] == pytest.approx(8 / 24)
    assert theirs["exact_match_flexible"] == pytest.approx(16 / 24)


@pytest.mark.usefixtures("harness")
def test_kotoris_own_replies_equal_lm_eval(kotori):
    model, _ = kotori
    before = model.generation_config.max_new_tokens
    found = run_lm_eval(*kotori, ["gsm8k_en", "gsm8k_ja"], limit=8)
    assert model.generation_config.max_new_tokens == before
    for language in ("en", "ja"):
        result = run_benchmark(*kotori, f"gsm8k.{language}", 8)
        assert found[f"gsm8k_{language}"] == {
            name: pytest.approx(value) for name, (value, _) in result.metrics.items()
        }


@pytest.mark.usefixtures("harness")
def test_a_learners_file_takes_the_place_of_the_shipped_one(kotori, tmp_path):
    path = tmp_path / "own.jsonl"
    row = {"question": "Japan has which city as its capital?", "choices": ["Tokyo", "Havana"]}
    path.write_text("\n".join(json.dumps(row | {"answer": a}) for a in (0, 0, 1)), encoding="utf-8")
    found = run_lm_eval(*kotori, ["mmlu_cloze_en"], data={"mmlu_cloze_en": path})
    assert found["mmlu_cloze_en"]["acc"] == pytest.approx(2 / 3)
    with pytest.raises(BadInput, match="no such file"):
        run_lm_eval(*kotori, ["mmlu_cloze_en"], data={"mmlu_cloze_en": tmp_path / "none.jsonl"})


def test_an_unknown_task_is_refused(kotori):
    with pytest.raises(BadInput, match=r"no lm-eval task 'hellaswag'.*mmlu_cloze_en"):
        run_lm_eval(*kotori, ["hellaswag"])


def test_without_the_extra_the_way_out_is_told(kotori, monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval.evaluator", None)
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    with pytest.raises(MissingDependency, match=r"\[eval\].*run_benchmark"):
        run_lm_eval(*kotori, ["gsm8k_en"])
