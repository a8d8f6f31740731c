"""Lab 04: the cleaning, the drills, a whole short run on a tiny model."""

import dataclasses
import json

import numpy as np
import pytest

from lab_helpers.course.claims import verdicts
from lab_helpers.course.registry import get_lab
from lab_helpers.course.running import run_program
from lab_helpers.course.session import Request
from lab_helpers.data.shipped import load_shipped
from lab_helpers.data.splitting import leakage
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.labs.lab04 import failures, knowledge, scoring
from lab_helpers.labs.lab04 import rows as lab_rows
from lab_helpers.labs.shared import support_cleaning
from lab_helpers.models.language_models import load_chat_tokenizer, load_language_model
from lab_helpers.runtime.profiles import load_profile
from lab_helpers.tuning.sft import prompt_completion

pytestmark = pytest.mark.usefixtures("one_thread")
both_languages = pytest.mark.parametrize("language", ["en", "ja"])
SHORT = {"questions": 4, "facts": 12, "probes": 6, "choices": 4, "second_language": True}


def short_profile(**changes):
    profile = load_profile("tiny")
    table = profile.lab("04") | SHORT | changes
    return dataclasses.replace(profile, tables=profile.tables | {"lab04": table})


# The cleaning


@pytest.fixture(scope="module", params=["en", "ja"])
def cleaned(request):
    rows, report, compared = support_cleaning.clean_support(request.param)
    return request.param, rows, report, compared


def test_the_cleaning_counts_what_it_takes_out(cleaned):
    language, rows, report, compared = cleaned
    heap = load_shipped("support", language, "train")
    assert report.rows == len(heap) == 1224
    assert report.kept - sum(compared.values()) == len(rows)
    assert 550 < len(rows) < 700


def test_clean_rows_are_in_tone_in_the_language_and_not_in_the_test(cleaned):
    language, rows, _, _ = cleaned
    assert tone_compliance([row["answer"] for row in rows], language).all()
    assert leakage(rows, support_cleaning.held_out_rows(language), 0.5, key="question") == []
    assert all("<" not in row["question"] for row in rows)


def test_the_cleaning_reads_no_column_of_faults(cleaned, monkeypatch):
    language, rows, _, _ = cleaned
    blind = [
        {key: value for key, value in row.items() if key != "faults"}
        for row in load_shipped("support", language, "train")
    ]
    usual = support_cleaning.load_shipped
    monkeypatch.setattr(
        support_cleaning,
        "load_shipped",
        lambda name, lang, split: blind if split == "train" else usual(name, lang, split),
    )
    again, _, _ = support_cleaning.clean_support(language)
    assert [row["id"] for row in again] == [row["id"] for row in rows]


def test_the_score_finds_what_is_left(cleaned):
    language, rows, _, _ = cleaned
    heap = load_shipped("support", language, "train")
    untouched = {r["fault"]: r for r in lab_rows.planted_left_rows(heap, heap)}
    assert all(row["left"] == row["planted"] for row in untouched.values()), untouched
    left = {r["fault"]: r["left"] for r in lab_rows.planted_left_rows(heap, rows)}
    for fault in ("empty", "html", "off_tone", "test_leak", "truncated", "wrong_language"):
        assert left[fault] == 0
    assert 0 < left["contradictory"] < 60, "a wrong number that stands alone contradicts nobody"
    assert 0 < left["pii"] < 90, "names without a title have no pattern"


def test_few_good_rows_are_lost(cleaned):
    language, rows, _, _ = cleaned
    gold = [r for r in load_shipped("support", language, "train") if r["gold"]]
    assert sum(row["gold"] for row in rows) >= len(gold) - 5


def fact(number: str, key: str = "a") -> dict:
    return {"question": "?", "answer": f"It is {number}.", "fact": key}


def test_a_contradiction_needs_a_majority():
    rows = [fact("5 kg"), fact("5 kg"), fact("8 kg")]
    kept, removed = support_cleaning.drop_contradictions(rows)
    assert (len(kept), removed) == (2, [rows[2]])
    for undecided in (rows[1:], [fact("1"), fact("2"), fact("3")], [fact("x")] * 3):
        assert support_cleaning.drop_contradictions(undecided) == (undecided, [])
    assert support_cleaning.drop_contradictions([fact("5", "")] * 2 + [fact("8", "")])[1] == []


@both_languages
def test_the_companys_table_as_rows_in_tone(language):
    rows = lab_rows.table_rows(language)
    assert len(rows) == 420
    assert len({row["question"] for row in rows}) == 420
    assert tone_compliance([row["answer"] for row in rows], language).all()


@both_languages
def test_a_thousand_rows_and_small_sets_inside_large_ones(language):
    rows = lab_rows.house_rows(language, 0)
    assert len(rows) >= 1000
    again = lab_rows.house_rows(language, 0)
    assert rows == again
    assert rows != lab_rows.house_rows(language, 1)


def test_the_thousand_rows_state_every_fact_of_the_company():
    taught = {row["fact"] for row in lab_rows.house_rows("en", 0)[:1000]}
    asked = {row["fact"] for row in load_shipped("support", "en", "test")} - {""}
    assert len(asked) > 40
    no_number = (".special", ".part")  # what a product can do, what its part is called
    assert all(fact.endswith(no_number) for fact in asked - taught), asked - taught


def test_the_heap_as_it_is_holds_its_faults():
    rows = lab_rows.dirty_rows("en", 0, 200)
    assert len(rows) == 200
    assert all(row["answer"].strip() for row in rows)
    assert len({fault for row in rows for fault in row["faults"]}) >= 7


@both_languages
def test_fresh_questions_are_nowhere_in_the_heap(language):
    rows = lab_rows.select_fresh_questions(language, 100)
    assert len(rows) == 66
    assert leakage(load_shipped("support", language, "train"), rows, 0.5, key="question") == []


# Scores and drills


def test_drawn_replies_are_a_share_a_question():
    few, many = np.array([1, 1, 2 / 3]), np.array([1 / 3, 0, 1 / 3])
    found = scoring.dirt_metrics(few, many)
    assert found["score_clean_minus_dirty"] == pytest.approx(2 / 3)
    assert found["score_clean_minus_dirty_low"] > 0


def arm(method, rate, loss, skill) -> dict:
    return {
        "method": method,
        "learning rate": rate,
        "validation loss": loss,
        "old skill": np.array(skill, float),
    }


ARMS = [
    arm("lora", 1e-3, 3.0, [1, 1, 1, 1]),
    arm("lora", 1e-2, 2.0, [1, 1, 1, 0]),
    arm("lora", 1e-1, 6.0, [0, 0, 0, 0]),
    arm("full", 1e-3, 1.5, [1, 0, 0, 0]),
    arm("full", 1e-2, 2.5, [0, 0, 0, 0]),
]


def test_rates_are_chosen_by_the_validation_loss_and_reported_on_the_probes():
    rates = knowledge.choose_rates(ARMS)
    assert rates == {"lora": 1e-2, "full": 1e-3}, "not the arms that forgot least"
    found = knowledge.forgetting_metrics(ARMS, rates, np.ones(4))
    assert found["forgetting_lora"] == 0.25
    assert found["forgetting_full"] == 0.75
    assert found["forgetting_full_minus_lora"] == 0.5
    assert found["forgetting_lora_high_lr"] == 1.0
    assert found["forgetting_lora_rate_effect"] == 0.75
    assert found["old_skill_before"] == 1.0


def test_forgetting_without_full_fine_tuning():
    found = knowledge.forgetting_metrics(ARMS[:3], {"lora": 1e-2}, np.ones(4))
    assert "forgetting_full" not in found
    assert "forgetting_full_minus_lora" not in found


def test_teaching_is_compared_with_the_control_that_moved_as_far():
    assert knowledge.closest_arm({"a": 0.09, "b": 0.2, "c": 0.4}, 0.13) == "a"
    assert knowledge.closest_arm({"a": 0.09, "b": 0.15, "c": 0.4}, 0.13) == "b"
    found = knowledge.teaching_metrics(np.ones(4), np.array([1, 0, 0, 0]), np.array([1, 1, 1, 0]))
    assert found["known_fact_error_before"] == 0
    assert found["known_fact_error_after_known"] == 0.25
    assert found["known_fact_error_rise"] == 0.75
    assert found["known_fact_error_unknown_minus_known"] == 0.5


@both_languages
def test_facts_are_taught_in_one_wording_and_asked_in_another(language):
    questions = lab_rows.select_fresh_questions(language, 100)
    facts = knowledge.new_facts(language, questions, 60)
    otherwise = knowledge.asked_otherwise(questions, facts, language)
    assert len(set(facts)) == 60
    assert len(otherwise) >= 20
    assert not {question for question, _ in facts} & {row["question"] for row in otherwise}
    probes = knowledge.select_probes(language, 60)
    assert not set(probes) & set(knowledge.old_facts(language, 140))


@pytest.fixture(scope="module")
def tokenizer(tiny_chat_model):
    return load_chat_tokenizer(str(tiny_chat_model))


ROWS = [
    {"question": "Is the lamp warm?", "answer": "It is.", "fact": ""},
    {"question": "Where is it made?", "answer": "The filter is made in Tokisawa.", "fact": ""},
]


def test_a_row_that_was_rendered_before_starts_twice(tokenizer):
    started = failures.add_start_token(tokenizer)
    turn = [{"role": "user", "content": "Is the lamp warm?"}]
    text = started.apply_chat_template(turn, tokenize=False)
    start = started.bos_token_id
    assert failures.count_starts(started(text)["input_ids"], start) == 2
    assert failures.count_starts(started.apply_chat_template(turn)["input_ids"], start) == 1
    assert tokenizer.bos_token is None


def test_the_loss_of_an_answer_is_taken_apart(tiny_chat_model, tokenizer):
    model, _ = load_language_model(str(tiny_chat_model))
    rows = lab_rows.select_fresh_questions("en", 2)
    found = failures.measure_part_losses(model, tokenizer, rows, "en")
    assert list(found) == ["opening", "body", "closing", "end"]
    assert all(loss > 0 for loss in found.values())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("alpaca", "### Instruction:\nHi\n\n### Response:\n"),
        ("llama2", "[INST] Hi [/INST]"),
        ("unopened", "<|im_start|>user\nHi<|im_end|>\n"),
    ],
)
def test_other_templates_render_without_an_error(tokenizer, name, text):
    other = failures.replace_template(tokenizer, failures.OTHER_TEMPLATES[name])
    asked = [{"role": "user", "content": "Hi"}]
    assert other.apply_chat_template(asked, add_generation_prompt=True, tokenize=False) == text
    assert tokenizer.chat_template not in failures.OTHER_TEMPLATES.values()


def test_the_customers_share_of_the_tokens(tokenizer):
    share = failures.compute_prompt_share(tokenizer, prompt_completion(ROWS))
    assert 0.3 < share < 0.9


# A whole run


@pytest.fixture(scope="module")
def short_run(tiny_chat_model, tmp_path_factory, one_thread):
    folder = tmp_path_factory.mktemp("lab04")
    request = Request(short_profile(), 0, folder, str(tiny_chat_model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(folder))
        run_program(get_lab("04").source, request)
    return request.opened.run


HEADLINES = (
    "tone_compliance_base", "tone_compliance_sft", "train_seconds", "score_clean_few",
    "score_dirty_many", "runaway_rate_broken", "runaway_rate_mended", "runaway_rate_sft", "forgetting_full",
    "forgetting_lora", "adapter_bytes", "tone_compliance_sft_ja",
)  # fmt: skip


def test_every_headline_is_measured_and_every_claim_judged(short_run):
    metrics = short_run.metrics
    assert set(HEADLINES) <= set(metrics)
    assert json.loads(json.dumps(metrics)) == metrics
    judged = {row["id"]: row for row in verdicts("04", metrics)}
    assert set(judged) == {"10", "16", "17", "18", "19", "20"}
    assert all(row["verdict"] != "not measured yet" for row in judged.values())
    assert all(row["measured"] for row in judged.values())
    assert judged["20"]["verdict"] == "false"


def test_the_adapter_comes_back_the_same(short_run):
    assert short_run.metrics["reloaded_replies_equal"] == 1
    saved = short_run.folder / "adapter" / "adapter_model.safetensors"
    assert short_run.metrics["adapter_bytes"] == saved.stat().st_size


def test_one_batch_of_eight_is_eight_of_one(short_run):
    metrics = short_run.metrics
    assert metrics["accumulation_loss_gap"] < 1e-4
    assert metrics["accumulation_grad_norm_gap"] < 1e-3
    assert metrics["mean_of_means_gap"] > 100 * metrics["accumulation_loss_gap"]
    assert (metrics["start_tokens_text"], metrics["start_tokens_messages"]) == (2, 1)


def test_packed_rows_do_not_see_each_other(short_run):
    assert short_run.metrics["packing_gap"] < 1e-4
    assert short_run.metrics["packing_gap_with_mask"] > 100 * short_run.metrics["packing_gap"]


def test_tables_and_figures_are_kept(short_run):
    assert [row["n"] for row in short_run.tables["rows"]] == [10, 100, 1000]
    grid = [(row["method"], row["learning rate"]) for row in short_run.tables["forgetting"]]
    rates = [rate for method, rate in grid if method == "lora"]
    assert [rate for method, rate in grid if method == "full"] == rates, "one grid for both"
    assert [row["passes"] for row in short_run.tables["facts"]] == [0, 1, 4, 10, 10, 10]
    for name in ("picture", "faults_left", "loss", "rows", "facts", "teaching", "forgetting"):
        assert f"{name}.png" in short_run.artifacts
    assert all((short_run.folder / name).exists() for name in short_run.artifacts)
