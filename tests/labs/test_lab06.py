"""Lab 06: its cells on a tiny model, what they measure, leaks, files of the learner's own, `labs eval`'s core."""

import dataclasses
import json
import math
import sys

import numpy as np
import pytest
import torch

from lab_helpers.course.record import Run
from lab_helpers.course.registry import get_lab
from lab_helpers.course.running import run_program
from lab_helpers.course.session import Request
from lab_helpers.data.preferences import shipped_pairs
from lab_helpers.evaluation.benchmarks.formats import Program, read_gsm8k, read_humaneval
from lab_helpers.evaluation.benchmarks.gsm8k import Solution
from lab_helpers.evaluation.contamination import contaminated
from lab_helpers.evaluation.sandbox import Verdict
from lab_helpers.labs.lab06 import benchmarks, customers, leaks, texts
from lab_helpers.labs.lab06.dashboard import split_by_model
from lab_helpers.labs.lab06.examination import Exam, measure_models
from lab_helpers.labs.lab06.judges import choose_best_judge, select_gold_pairs
from lab_helpers.labs.lab06.models import house_pairs, load_compared_models
from lab_helpers.labs.lab06.own_data import check_own_data, measure_own_data
from lab_helpers.labs.shared.preference_models import MAIN_REASONS, select_main_pairs
from lab_helpers.labs.shared.preference_questions import Questions
from lab_helpers.models.compared_models import ComparedModels, adapter_names
from lab_helpers.models.generation import Replies
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import set_language
from lab_helpers.runtime.profiles import load_profile

pytestmark = pytest.mark.usefixtures("one_thread")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the full sandbox needs Linux")

SMALL = {
    "validation_prompts": 4, "sft_rows": 16, "sft_epochs": 3, "sft_batch_size": 3, "pairs": 6, "batch_size": 3, "questions": 5, "facts": 4,
    "text_pairs": 3, "gold_pairs": 20, "judge_pairs": 8, "mmlu_items": 40, "gsm8k_items": 3, "humaneval_items": 2,
    "new_tokens": 8, "leak_items": 3, "leak_epochs": 1, "leak_tokens": 8, "latency_replies": 2, "latency_tokens": 4,
    "own_items": 3, "own_new_tokens": 8, "max_length": 1024,
}  # fmt: skip


def small_profile(**sizes):
    profile = load_profile("tiny")
    tables = profile.tables | {"lab06": profile.lab("06") | SMALL | sizes}
    return dataclasses.replace(profile, tables=tables)


def run_of(folder, model="kotori", data=None, **sizes) -> Run:
    return Run("06", small_profile(**sizes), 0, folder, str(model), data)


@pytest.fixture(scope="module")
def whole(tiny_chat_model, tmp_path_factory, one_thread) -> Run:
    """Every cell; only two hostile programs, as the whole suite has a test of its own."""
    from lab_helpers.evaluation.sandbox import escapes

    folder = tmp_path_factory.mktemp("lab06")
    asked = Request(small_profile(), out=folder, model=str(tiny_chat_model))
    some = [p for p in escapes.hostile_programs() if p.name in ("fork bomb", "saying passed")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(folder))
        patch.setattr(escapes, "hostile_programs", lambda: some)
        patch.setattr(customers, "FACT_TOKENS", 8)
        run_program(get_lab("06").source, asked)
    return asked.opened.run


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
    figures = ("roads", "flips", "japanese", "declining", "hallucination", "differences", "judges", "mmlu", "leak", "bars", "radar")  # fmt: skip
    assert all((whole.folder / f"{name}.png").is_file() for name in figures)
    page = (whole.folder / "dashboard.html").read_text(encoding="utf-8")
    assert "Models side by side" in page
    assert "モデルの比較" in page
    assert {
        "sandbox",
        "benchmarks",
        "leak",
        "leaks found",
        "dashboard",
        "judges",
        "replies",
        "flips",
        "declining, changed",
    } <= set(whole.tables)
    assert "Which answers changed" in page
    assert {row["program"] for row in whole.tables["sandbox"]} == {"fork bomb", "saying passed"}


# Texts


def test_by_hand_is_the_library_and_japanese_breaks_by_default():
    found = texts.measure_largest_differences(20, seed=0)
    assert max(found.values()) <= 1e-9
    japanese = texts.japanese_metrics(texts.japanese_rows())
    assert japanese["rouge_ja_default"] == 0.0
    assert japanese["rouge_ja_tokenized"] == 1.0
    assert japanese["rouge_ja_unrelated_default"] == 1.0
    assert japanese["rouge_ja_unrelated_tokenized"] < 0.5
    assert 0 == japanese["bleu_ja_reworded_13a"] < japanese["bleu_ja_reworded_mecab"]


@pytest.mark.parametrize("spoken", ["en", "ja"])
def test_a_wrong_number_costs_less_overlap_than_another_tone(spoken):
    rows, found = texts.measure_blindness(shipped_pairs(spoken), spoken)
    assert found["rouge_l_wrong_fact"] > found["rouge_l_right_fact"] + 0.1
    assert found["rouge_l_fact_margin"] < 0
    assert len(rows) == 4


# The models compared


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
    assert list(adapter_names(folders)) == ["a/adapter", "b/adapter", "polite"]
    assert list(adapter_names([tmp_path / "run" / "adapter"])) == ["run/adapter"]
    with pytest.raises(BadInput, match="same name"):
        adapter_names([tmp_path / "polite", tmp_path / "polite"])


def test_without_the_trained_models_it_is_said_what_is_missing(tmp_path, tiny_chat_model):
    with pytest.raises(BadInput, match="trains the models first"):
        load_compared_models(run_of(tmp_path, tiny_chat_model))


# Declining and comparing


def test_declining_is_scored_as_a_classification():
    pairs = shipped_pairs("en").test[:4]
    asked = Questions(pairs, [True, True, True, False], "en")
    no = "We do not have this information."
    right, done = customers.read_decisions(asked, {"m": ["Yes.", no, "3 kg.", no]})
    rows = {row["model"]: row for row in customers.decision_rows(right, done)}
    assert rows["always answers"] == {"model": "always answers", "accuracy": 0.75, "precision": 0, "recall": 0, "f1": 0}  # fmt: skip
    assert rows["m"]["precision"] == 0.5
    assert rows["m"]["recall"] == 1.0
    assert rows["m"]["f1"] == pytest.approx(2 / 3)
    assert customers.count_decisions(right, done)["m"].tolist() == [[2, 1], [0, 1]]


def test_a_difference_is_ours_minus_theirs_with_its_interval():
    items = {"tone": {"sft": np.array([0.0] * 30), "dpo": np.array([1.0] * 24 + [0.0] * 6)}}
    (row,) = customers.comparison_rows(items)
    assert row["difference"] == pytest.approx(0.8)
    assert row["low"] > 0.5
    assert row["p"] < 0.001
    found = customers.comparison_metrics([row])
    assert found["tone_dpo_minus_sft_ci"] == [row["low"], row["high"]]


def test_scores_go_to_their_model_and_intervals_with_them():
    metrics = {"mmlu_base": 0.5, "mmlu_base_ci": [0.4, 0.6], "mmlu_sft": 0.4, "mmlu_drop_sft": 0.1}
    found = split_by_model(metrics, ["base", "sft"])
    assert found["base"] == {"mmlu": 0.5, "mmlu_ci": [0.4, 0.6]}
    assert found["sft"]["mmlu"] == 0.4


def test_a_decision_that_changed_is_found_with_both_replies():
    asked = Questions(shipped_pairs("en").test[:2], [True, False], "en")
    no = "We do not have this information."
    flips = customers.find_decision_flips(asked, {"base": ["Yes.", "3 kg."], "dpo": [no, no]}, "base", "dpo")  # fmt: skip
    counts = flips.counts()
    assert (counts["right to wrong"], counts["wrong to right"]) == (1, 1)
    assert flips.changed("wrong to right")[0][1].reply == no


def test_a_learners_functions_are_the_ones_that_measure():
    asked = Questions(shipped_pairs("en").test[:3], [True] * 3, "en")
    replies = {"base": ["a", "b", "c"]}
    metrics = customers.reply_metrics(asked, replies, overlap=lambda *_: (0.0, 0.0, 0.25))
    assert metrics["rouge_l_base"] == 0.25
    items = {"tone": {"sft": np.zeros(4), "dpo": np.ones(4)}}
    (row,) = customers.comparison_rows(items, interval=lambda *_: [-7, 7])
    assert (row["low"], row["high"]) == (-7, 7)


# Judges


def test_policy_and_learned_judge_never_share_a_pair(tmp_path):
    run = run_of(tmp_path, pairs=128, judge_pairs=96)
    pairs = house_pairs(run)
    main = pairs.of(*MAIN_REASONS).train
    assert not [p for p in main[-96:] if p in select_main_pairs(pairs, 128)]


def test_the_gold_has_every_reason_and_the_best_judge_is_the_one_that_agrees(tmp_path):
    gold = select_gold_pairs(run_of(tmp_path, gold_pairs=40))
    assert {p.reason for p in gold} == {"tone", "fact", "honesty", "length"}
    metrics = {"judge_agreement": 0.5, "likelihood_judge_agreement": 0.2, "learned_judge_agreement": 0.8}  # fmt: skip
    assert choose_best_judge(metrics) == "learned_judge"


# The leak


@pytest.fixture(params=["en", "ja"])
def leaking(request, tmp_path):
    set_language(request.param)
    run = run_of(tmp_path, leak_items=8, sft_rows=40)
    return run, leaks.split_halves(run)


def test_the_halves_are_twins_of_each_other(leaking):
    _, items = leaking
    assert len(items.leaked) == len(items.fresh)
    assert not set(items.leaked) & set(items.fresh)


def test_every_copy_is_found_no_fresh_item_is_accused_and_the_file_can_be_mended(leaking):
    run, items = leaking
    rows = leaks.measure_detection(run, items)
    found = leaks.detection_metrics(run, rows)
    assert found["leak_detection_recall"] == 1.0
    assert found["leak_false_alarms"] == 0
    assert found["leak_detection_recall_reworded"] == 0.0
    counts = leaks.mended_metrics(run, items)
    assert counts == {"leak_rows": 40 + len(items.leaked), "leak_rows_mended": 40}
    clean = ["\n".join(row.values()) for row in leaks.training_rows(run, [])]
    test = [leaks.text_of(i, run.language)["prompt"] for i in items.leaked]
    assert contaminated(test, clean) == []


def test_a_reworded_leak_has_the_problems_own_numbers_or_words():
    """They are about the same problems, so that going undetected means something."""
    from lab_helpers.evaluation.replies import numbers

    for spoken, reworded in leaks.REWORDED.items():
        for item, text in zip(read_gsm8k(spoken), reworded, strict=False):
            assert item.question != text
            shared = numbers(item.question) & numbers(text)
            assert shared or spoken == "en"


def test_solved_keeps_the_order_of_a_mixed_list(monkeypatch, tmp_path):
    problems, programs = read_gsm8k("en")[:2], read_humaneval("en")[:2]
    monkeypatch.setattr(
        leaks.gsm8k, "solve",
        lambda m, t, items, **_: [Solution("", item.answer if i else None, None, True) for i, item in enumerate(items)],
    )  # fmt: skip
    monkeypatch.setattr(
        leaks, "continue_texts", lambda *_, **__: Replies(["right", "wrong"], 1, 1.0, [])
    )
    monkeypatch.setattr(
        leaks, "evaluate",
        lambda tasks, texts: [Verdict("passed" if text == "right" else "failed") for text in texts],
    )  # fmt: skip
    mixed = [programs[0], problems[0], problems[1], programs[1]]
    assert leaks.measure_solved(run_of(tmp_path), None, None, mixed).tolist() == [1, 0, 1, 0]


def test_gains_are_counted_by_half():
    before = {"leaked": np.zeros(10), "fresh": np.zeros(10)}
    after = {"leaked": np.array([1.0] * 9 + [0.0]), "fresh": np.array([1.0] + [0.0] * 9)}
    found = leaks.leak_metrics(before, after)
    assert found["leak_score_gain"] == pytest.approx(0.9)
    assert found["leak_score_gain_low"] == found["leak_score_gain_ci"][0] > 0.5
    assert found["leak_score_gain_fresh_ci"][0] == 0
    assert found["leak_score_gain_fresh"] == pytest.approx(0.1)
    assert found["leak_p_value"] < 0.01


# Where the sandbox is weaker


def test_nothing_of_a_model_runs_before_its_user_agrees(monkeypatch, tmp_path, tiny_chat_model):
    def refuse(*_):
        raise BadInput("the sandbox is weaker", "Use Linux.")

    def ran(*_, **__):
        raise AssertionError("a program ran")

    monkeypatch.setattr(benchmarks, "require_leave", refuse)
    monkeypatch.setattr(leaks, "evaluate", ran)
    assert "weaker" in benchmarks.find_sandbox_refusal()
    run = run_of(tmp_path, tiny_chat_model)
    halves = leaks.split_halves(run)
    assert not any(isinstance(item, Program) for item in halves.leaked + halves.fresh)
    compared = ComparedModels.load(str(tiny_chat_model), {})
    settings = run.settings | {"mmlu_items": 4}
    assert set(benchmarks.measure_shipped(settings, compared, "en")) == {
        "mmlu",
        "mmlu_letters",
        "gsm8k",
    }


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


def test_all_three_models_are_asked_a_benchmark_of_ones_own(
    word_problems, tmp_path, tiny_chat_model
):
    run = run_of(tmp_path / "run", tiny_chat_model, word_problems)
    measure_own_data(run)
    assert [(row["model"], row["metric"]) for row in run.tables["benchmarks"]] == [
        (model, metric) for model in ("base", "sft", "dpo") for metric in ("strict", "lenient")
    ]
    assert {row["items"] for row in run.tables["benchmarks"]} == {3}
    assert {"own_base", "own_sft_ci", "own_dpo", "own_lenient_dpo", "train_seconds_dpo"} <= set(
        run.metrics
    )
    assert [training["came"] for training in run.trainings] == ["trained"] * 2
    assert len(run.sections) == 2


def test_multiple_choice_of_ones_own_is_asked_in_both_ways(tmp_path, tiny_chat_model):
    compared = ComparedModels.load(str(tiny_chat_model), {})
    found = benchmarks.measure_file(compared, choices_file(tmp_path), 3, False, 8)
    assert list(found) == ["letters", "cloze"]


def test_a_file_cut_in_half_is_refused_before_anything_runs(word_problems):
    text = word_problems.read_text(encoding="utf-8")
    word_problems.write_text(text[:-20], encoding="utf-8")
    with pytest.raises(BadInput, match="line 5"):
        check_own_data(word_problems)


def test_a_file_that_is_no_benchmark_is_refused(tmp_path):
    path = tmp_path / "chat.jsonl"
    path.write_text('{"prompt": "?", "chosen": "!", "rejected": "."}\n', encoding="utf-8")
    with pytest.raises(BadInput, match="no benchmark known here"):
        check_own_data(path)


# labs eval


def test_an_exam_of_files_alone_has_only_their_scores(whole, word_problems, tiny_chat_model):
    exam = Exam([word_problems, choices_file(word_problems.parent)], 2, house=False, max_new_tokens=4)  # fmt: skip
    adapters = [whole.folder / "sft_adapter"]
    found = measure_models(str(tiny_chat_model), adapters, exam, settings={})
    assert found.board.models == ["base", "sft_adapter"]
    labels = [metric.en for metric in found.board.metrics]
    assert labels == ["mine.jsonl", "mine.jsonl (lenient)", "quiz.jsonl (letters)", "quiz.jsonl (cloze)"]  # fmt: skip
    assert len(found.rows) == 8  # two models, word problems by two rules, choices in two ways
    assert {row["items"] for row in found.rows} == {2}
    assert [(flip.name, flip.models) for flip in found.flips] == [
        (name, ("base", "sft_adapter"))
        for name in ("mine.jsonl", "quiz.jsonl (letters)", "quiz.jsonl (cloze)")
    ]


def test_an_exam_of_the_house_measures_every_model_alike(tiny_chat_model):
    settings = small_profile().lab("06")
    found = measure_models(str(tiny_chat_model), [], Exam(language="ja"), settings)
    shown = {metric.name for metric in found.board.metrics}
    assert {"tone_compliance", "hallucination_rate", "decline_f1", "mmlu", "latency_p50"} <= shown
    assert found.rows == found.flips == []
