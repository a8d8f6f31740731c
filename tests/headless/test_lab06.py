"""Lab 06: the steps on a tiny model, what they measure, leaks, files of the learner's own, `labs eval`'s core."""

import dataclasses
import json
import math
import sys

import numpy as np
import pytest
import torch

from lab_helpers.cli.run import _check_data
from lab_helpers.course.record import Run
from lab_helpers.data.preferences import shipped_pairs
from lab_helpers.evaluation.benchmarks.formats import Program, read_gsm8k, read_humaneval
from lab_helpers.evaluation.benchmarks.gsm8k import Solution
from lab_helpers.evaluation.contamination import contaminated
from lab_helpers.evaluation.sandbox import Verdict
from lab_helpers.labs.lab06 import benchmarks as lab06_benchmarks
from lab_helpers.labs.lab06 import customers as lab06_house
from lab_helpers.labs.lab06 import dashboard as lab06_dashboard
from lab_helpers.labs.lab06 import judges as lab06_judges
from lab_helpers.labs.lab06 import leaks as lab06_leak
from lab_helpers.labs.lab06 import models as lab06_models
from lab_helpers.labs.lab06 import own_data as lab06
from lab_helpers.labs.lab06 import texts as lab06_text
from lab_helpers.labs.lab06.examination import Exam, examine
from lab_helpers.labs.shared import preference_models as lab05_start
from lab_helpers.labs.shared.preference_models import Questions
from lab_helpers.models.compared_models import ComparedModels, named
from lab_helpers.models.generation import Replies
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.profiles import load_profile

pytestmark = pytest.mark.usefixtures("one_thread")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the full sandbox needs Linux")

SMALL = {
    "sft_rows": 6, "sft_epochs": 1, "sft_batch_size": 3, "pairs": 6, "batch_size": 3, "questions": 5, "facts": 4,
    "text_pairs": 3, "gold_pairs": 8, "judge_pairs": 8, "mmlu_items": 40, "gsm8k_items": 3, "humaneval_items": 2,
    "new_tokens": 8, "leak_items": 3, "leak_epochs": 1, "leak_tokens": 8, "latency_replies": 2, "latency_tokens": 4,
    "own_items": 3, "own_new_tokens": 8, "max_length": 1024,
}  # fmt: skip


def run_of(folder, model="kotori", data=None, **sizes) -> Run:
    profile = load_profile("tiny")
    tables = profile.tables | {"lab06": profile.lab("06") | SMALL | sizes}
    return Run("06", dataclasses.replace(profile, tables=tables), 0, folder, str(model), data)


def all_steps(run: Run, patch) -> Run:
    """Every step; only two hostile programs, as the whole suite has a test of its own."""
    from lab_helpers.evaluation.sandbox import escapes

    some = [p for p in escapes.hostile_programs() if p.name in ("fork bomb", "saying passed")]
    patch.setattr(escapes, "hostile_programs", lambda: some)
    patch.setattr(lab05_start, "NEW_TOKENS", 8)
    patch.setattr(lab06_house, "FACT_TOKENS", 8)
    for step in lab06.STEPS:
        step.work(run)
    return run


@pytest.fixture(scope="module")
def whole(tiny_chat_model, tmp_path_factory, one_thread):
    run = run_of(tmp_path_factory.mktemp("lab06"), tiny_chat_model)
    with pytest.MonkeyPatch.context() as patch:
        return all_steps(run, patch)


@on_linux
def test_the_headline_metrics_are_all_measured(whole):
    wanted = {
        "bleu_abs_diff", "rouge_l_abs_diff", "meteor_abs_diff", "rouge_ja_default", "rouge_ja_tokenized",
        "judge_agreement", "judge_position_bias", "hallucination_rate_base", "hallucination_rate_sft",
        "hallucination_rate_dpo", "sandbox_escapes", "mmlu_mini_above_chance", "mmlu_mini_ci_width",
        "leak_score_gain", "leak_detection_recall",
    }  # fmt: skip
    assert wanted <= set(whole.metrics)
    assert all(math.isfinite(whole.metrics[name]) for name in wanted)
    assert json.loads(json.dumps(whole.metrics)) == whole.metrics


@on_linux
def test_every_claim_of_the_lab_gets_a_verdict(whole):
    verdicts = {row["id"]: row["verdict"] for row in whole.record()["claims"]}
    assert set(verdicts) == {"34", "37", "38"}
    assert "not measured yet" not in verdicts.values()


@on_linux
def test_figures_tables_and_the_page_are_kept(whole):
    figures = ("japanese", "declining", "hallucination", "differences", "judges", "mmlu", "leak", "bars", "radar")  # fmt: skip
    assert all((whole.folder / f"{name}.png").is_file() for name in figures)
    page = (whole.folder / "dashboard.html").read_text(encoding="utf-8")
    assert "Models side by side" in page
    assert "モデルの比較" in page
    assert {"sandbox", "benchmarks", "leak", "leaks found", "dashboard", "judges"} <= set(
        whole.tables
    )
    assert {row["program"] for row in whole.tables["sandbox"]} == {"fork bomb", "saying passed"}


# Texts


def test_by_hand_is_the_library_and_japanese_breaks_by_default(tmp_path):
    found = lab06_text.largest_differences(run_of(tmp_path, text_pairs=20))
    assert max(found.values()) <= 1e-9
    summary = lab06_text.japanese_summary(lab06_text.japanese_rows())
    assert summary["rouge_ja_default"] == 0.0
    assert summary["rouge_ja_tokenized"] == 1.0
    assert summary["rouge_ja_unrelated_default"] == 1.0
    assert summary["rouge_ja_unrelated_tokenized"] < 0.5
    assert 0 == summary["bleu_ja_reworded_13a"] < summary["bleu_ja_reworded_mecab"]


@pytest.mark.parametrize("spoken", ["en", "ja"])
def test_a_wrong_number_costs_less_overlap_than_another_tone(spoken, tmp_path):
    rows, found = lab06_text.blindness(run_of(tmp_path, language=spoken))
    assert found["rouge_l_wrong_fact"] > found["rouge_l_right_fact"] + 0.1
    assert len(rows) == 4


# The candidates


def test_base_and_adapters_share_one_set_of_weights(whole, tiny_chat_model):
    models = ComparedModels.load(
        str(tiny_chat_model),
        {"v1.0/sft": whole.folder / "sft_adapter", "dpo": whole.folder / "adapter"},
    )
    ids = torch.tensor([[5, 8, 13]])
    with torch.inference_mode():
        logits = {name: model(ids).logits for name, model in models}
        untouched = load_language_model(str(tiny_chat_model))[0](ids).logits
        again = {name: model(ids).logits for name, model in models}
    assert models.names == list(logits) == ["base", "v1.0/sft", "dpo"]
    assert torch.equal(logits["base"], untouched)
    assert not torch.allclose(logits["v1.0/sft"], untouched, atol=1e-4)
    assert not torch.allclose(logits["dpo"], logits["v1.0/sft"], atol=1e-6)
    assert all(torch.equal(logits[name], again[name]) for name in logits)


def test_without_adapters_there_is_the_base_alone(tiny_chat_model):
    assert [name for name, _ in ComparedModels.load(str(tiny_chat_model), {})] == ["base"]


def test_an_adapter_of_another_base_is_refused(whole, tiny_chat_model, tmp_path):
    model, tokenizer = load_language_model(str(tiny_chat_model))
    with torch.no_grad():
        model.get_input_embeddings().weight.add_(1.0)
    model.save_pretrained(tmp_path / "other")
    tokenizer.save_pretrained(tmp_path / "other")
    with pytest.raises(BadInput, match="another base"):
        ComparedModels.load(str(tmp_path / "other"), {"sft": whole.folder / "sft_adapter"})


def test_adapters_are_named_so_that_they_can_be_told_apart(tmp_path):
    folders = [tmp_path / "a" / "adapter", tmp_path / "b" / "adapter", tmp_path / "polite"]
    assert list(named(folders)) == ["a/adapter", "b/adapter", "polite"]
    assert list(named([tmp_path / "run" / "adapter"])) == ["run/adapter"]
    with pytest.raises(BadInput, match="same name"):
        named([tmp_path / "polite", tmp_path / "polite"])


def test_without_the_first_step_the_others_say_what_is_missing(tmp_path, tiny_chat_model):
    with pytest.raises(BadInput, match="trains the models first"):
        lab06_models.candidates(run_of(tmp_path, tiny_chat_model))


# Declining and comparing


def test_declining_is_scored_as_a_classification():
    pairs = shipped_pairs("en").test[:4]
    asked = Questions(pairs, [True, True, True, False], "en")
    no = "We do not have this information."
    right, done = lab06_house.decisions(asked, {"m": ["Yes.", no, "3 kg.", no]})
    rows = {row["model"]: row for row in lab06_house.decision_rows(right, done)}
    assert rows["always answers"] == {"model": "always answers", "accuracy": 0.75, "precision": 0, "recall": 0, "f1": 0}  # fmt: skip
    assert rows["m"]["precision"] == 0.5
    assert rows["m"]["recall"] == 1.0
    assert rows["m"]["f1"] == pytest.approx(2 / 3)
    assert lab06_house.decision_matrices(right, done)["m"].tolist() == [[2, 1], [0, 1]]


def test_a_difference_is_ours_minus_theirs_with_its_interval():
    items = {"tone": {"sft": np.array([0.0] * 30), "dpo": np.array([1.0] * 24 + [0.0] * 6)}}
    (row,) = lab06_house.comparison_rows(items)
    assert row["difference"] == pytest.approx(0.8)
    assert row["low"] > 0.5
    assert row["p"] < 0.001
    found = lab06_house.comparison_metrics([row])
    assert found["tone_dpo_minus_sft_ci"] == [row["low"], row["high"]]


def test_scores_go_to_their_model_and_intervals_with_them():
    metrics = {"mmlu_base": 0.5, "mmlu_base_ci": [0.4, 0.6], "mmlu_sft": 0.4, "mmlu_drop_sft": 0.1}
    found = lab06_dashboard.scores_of(metrics, ["base", "sft"])
    assert found["base"] == {"mmlu": 0.5, "mmlu_ci": [0.4, 0.6]}
    assert found["sft"]["mmlu"] == 0.4


# Judges


def test_policy_and_learned_judge_never_share_a_pair(tmp_path):
    run = run_of(tmp_path, pairs=128, judge_pairs=96)
    pairs = lab06_models.house_pairs(run)
    main = pairs.of(*lab05_start.MAIN_REASONS).train
    assert not [p for p in main[-96:] if p in lab05_start.main_pairs(run, pairs)]


def test_the_gold_has_every_reason_and_the_best_judge_is_the_one_that_agrees(tmp_path):
    gold = lab06_judges.gold(run_of(tmp_path, gold_pairs=40))
    assert {p.reason for p in gold} == {"tone", "fact", "honesty", "length"}
    metrics = {"judge_agreement": 0.5, "likelihood_judge_agreement": 0.2, "learned_judge_agreement": 0.8}  # fmt: skip
    assert lab06_judges.best_judge(metrics) == "learned_judge"


# The leak


@pytest.fixture(params=["en", "ja"])
def leaking(request, tmp_path):
    run = run_of(tmp_path, language=request.param, leak_items=8, sft_rows=40)
    return run, lab06_leak.halves(run)


def test_the_halves_are_twins_of_each_other(leaking):
    _, items = leaking
    assert len(items.leaked) == len(items.fresh)
    assert not set(items.leaked) & set(items.fresh)


def test_every_copy_is_found_no_fresh_item_is_accused_and_the_file_can_be_mended(leaking):
    run, items = leaking
    rows = lab06_leak.detection_rows(run, items)
    found = lab06_leak.detection_metrics(run, rows)
    assert found["leak_detection_recall"] == 1.0
    assert found["leak_false_alarms"] == 0
    assert found["leak_detection_recall_reworded"] == 0.0
    counts = lab06_leak.mended(run, items)
    assert counts == {"leak_rows": 40 + len(items.leaked), "leak_rows_mended": 40}
    clean = ["\n".join(row.values()) for row in lab06_leak.training_rows(run, [])]
    test = [lab06_leak.as_text(i, run.settings["language"])["prompt"] for i in items.leaked]
    assert contaminated(test, clean) == []


def test_a_reworded_leak_has_the_problems_own_numbers_or_words():
    """They are about the same problems, so that going undetected means something."""
    from lab_helpers.evaluation.replies import numbers

    for spoken, texts in lab06_leak.REWORDED.items():
        for item, text in zip(read_gsm8k(spoken), texts, strict=False):
            assert item.question != text
            shared = numbers(item.question) & numbers(text)
            assert shared or spoken == "en"


def test_solved_keeps_the_order_of_a_mixed_list(monkeypatch, tmp_path):
    problems, programs = read_gsm8k("en")[:2], read_humaneval("en")[:2]
    monkeypatch.setattr(
        lab06_leak.gsm8k, "solve",
        lambda m, t, items, **_: [Solution("", item.answer if i else None, None, True) for i, item in enumerate(items)],
    )  # fmt: skip
    monkeypatch.setattr(
        lab06_leak, "continue_texts", lambda *_, **__: Replies(["right", "wrong"], 1, 1.0, [])
    )
    monkeypatch.setattr(
        lab06_leak, "evaluate",
        lambda tasks, texts: [Verdict("passed" if text == "right" else "failed") for text in texts],
    )  # fmt: skip
    mixed = [programs[0], problems[0], problems[1], programs[1]]
    assert lab06_leak.solved(run_of(tmp_path), None, None, mixed).tolist() == [1, 0, 1, 0]


def test_gains_are_counted_by_half():
    before = {"leaked": np.zeros(10), "fresh": np.zeros(10)}
    after = {"leaked": np.array([1.0] * 9 + [0.0]), "fresh": np.array([1.0] + [0.0] * 9)}
    found = lab06_leak.leak_metrics(before, after)
    assert found["leak_score_gain"] == pytest.approx(0.9)
    assert found["leak_score_gain_fresh"] == pytest.approx(0.1)
    assert found["leak_p_value"] < 0.01


# Where the sandbox is weaker


def test_nothing_of_a_model_runs_before_its_user_agrees(monkeypatch, tmp_path, tiny_chat_model):
    def refuse(*_):
        raise BadInput("the sandbox is weaker", "Use Linux.")

    def ran(*_, **__):
        raise AssertionError("a program ran")

    monkeypatch.setattr(lab06_benchmarks, "require_leave", refuse)
    monkeypatch.setattr(lab06_benchmarks, "escapes", ran)
    run = run_of(tmp_path, tiny_chat_model)
    lab06.sandbox(run)
    assert "weaker" in run.tables["sandbox"][0]["not run"]
    assert "sandbox_escapes" not in run.metrics
    assert not any(isinstance(item, Program) for item in lab06_leak.halves(run).leaked)
    found = lab06_benchmarks.shipped_results(run, ComparedModels.load(str(tiny_chat_model), {}))
    assert set(found) == {"mmlu", "mmlu_letters", "gsm8k"}


# Files of the learner's own


@pytest.fixture
def word_problems(tmp_path):
    path = tmp_path / "mine.jsonl"
    rows = [{"question": f"What is {i} and {i}?", "answer": f"<<{i}+{i}={2 * i}>>\n#### {2 * i}"} for i in range(5)]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def choices_file(folder):
    path = folder / "quiz.jsonl"
    row = {"question": "Is the lamp warm?", "choices": ["yes", "no"], "answer": 0}
    path.write_text("\n".join([json.dumps(row)] * 4), encoding="utf-8")
    return path


def test_a_benchmark_of_ones_own_stands_on_the_dashboard(word_problems, whole, tiny_chat_model):
    run = run_of(whole.folder, tiny_chat_model, word_problems)
    found = lab06_benchmarks.own_results(run, lab06_models.candidates(run))
    assert list(found) == ["own"]
    assert {name: result.n for name, result in found["own"].items()} == {
        "base": 3,
        "sft": 3,
        "dpo": 3,
    }
    metrics = whole.metrics | lab06_benchmarks.result_metrics(found)
    board = lab06_dashboard.lab_dashboard(metrics)
    assert "own" in {metric.name for metric in board.metrics}


def test_multiple_choice_of_ones_own_is_asked_in_both_ways(tmp_path, tiny_chat_model):
    run = run_of(tmp_path, tiny_chat_model, choices_file(tmp_path))
    found = lab06_benchmarks.own_results(run, ComparedModels.load(str(tiny_chat_model), {}))
    assert list(found) == ["own_letters", "own_cloze"]


def test_a_file_cut_in_half_is_refused_before_anything_runs(word_problems):
    text = word_problems.read_text(encoding="utf-8")
    word_problems.write_text(text[:-20], encoding="utf-8")
    with pytest.raises(BadInput, match="line 5"):
        _check_data("06", word_problems)


def test_a_file_that_is_no_benchmark_is_refused(tmp_path):
    path = tmp_path / "chat.jsonl"
    path.write_text('{"prompt": "?", "chosen": "!", "rejected": "."}\n', encoding="utf-8")
    with pytest.raises(BadInput, match="no benchmark known here"):
        _check_data("06", path)


# labs eval


@pytest.fixture(scope="module")
def small_profile():
    return run_of(None).profile


def test_an_exam_of_files_alone_has_only_their_scores(
    whole, word_problems, small_profile, tiny_chat_model
):
    exam = Exam([word_problems, choices_file(word_problems.parent)], 2, house=False, max_new_tokens=4)  # fmt: skip
    board, rows = examine(small_profile, str(tiny_chat_model), [whole.folder / "sft_adapter"], exam)
    assert board.models == ["base", "sft_adapter"]
    labels = [metric.en for metric in board.metrics]
    assert labels == ["mine.jsonl", "quiz.jsonl (letters)", "quiz.jsonl (cloze)"]
    assert len(rows) == 6
    assert {row["items"] for row in rows} == {2}


def test_an_exam_of_the_house_measures_every_candidate_alike(
    small_profile, tiny_chat_model, monkeypatch
):
    monkeypatch.setattr(lab05_start, "NEW_TOKENS", 8)
    board, rows = examine(small_profile, str(tiny_chat_model), [], Exam(language="ja"))
    shown = {metric.name for metric in board.metrics}
    assert {"tone_compliance", "hallucination_rate", "decline_f1", "mmlu", "latency_p50"} <= shown
    assert rows == []
