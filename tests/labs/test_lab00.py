"""Lab 00: the prompts, the JSON, the adapter's switch, and the break-even sheet."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lab_helpers.course.claims import load_claims
from lab_helpers.course.record import Run
from lab_helpers.course.registry import get_lab
from lab_helpers.course.running import run_program
from lab_helpers.course.session import Request
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.tone import HOUSE, RULES, tone_rules
from lab_helpers.labs.lab00 import prompts, scoring, training
from lab_helpers.labs.lab00.costs import (
    Prices,
    break_even_metrics,
    compute_break_even,
    compute_cost_curves,
)
from lab_helpers.labs.lab00.prompts import few_shot_messages, read_json_reply
from lab_helpers.labs.shared import support
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.models.generation import Replies
from lab_helpers.runtime.profiles import load_profile

pytestmark = pytest.mark.usefixtures("one_thread")

LANGUAGES = ("en", "ja")
texts = st.text(max_size=40)
rows = st.lists(st.fixed_dictionaries({"question": texts, "answer": texts}), max_size=4)
languages = st.sampled_from(LANGUAGES)


# Prompts


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_instruction_names_opening_and_closing_word_for_word(language):
    system, user = prompts.ask_with_instruction("Why {this}?", language)
    assert user == {"role": "user", "content": "Why {this}?"}
    assert system["role"] == "system"
    assert HOUSE[language].opening in system["content"]
    assert HOUSE[language].closing in system["content"]
    assert "{" not in system["content"]
    assert {"en": "exclamation marks", "ja": "感嘆符"}[language] in system["content"]


def test_each_language_is_instructed_in_itself():
    english, japanese = (
        prompts.ask_with_instruction("?", language)[0]["content"] for language in LANGUAGES
    )
    assert english.isascii() or "“" in english
    assert not any("ぁ" <= letter <= "ヿ" for letter in english)
    assert any("ぁ" <= letter <= "ん" for letter in japanese)


@given(question=texts, examples=rows)
def test_examples_stand_before_the_question_in_their_order(question, examples):
    turns = few_shot_messages(examples, question)
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * len(examples) + ["user"]
    said = [turn["content"] for turn in turns]
    assert said[:-1] == [text for row in examples for text in (row["question"], row["answer"])]
    assert said[-1] == question


@given(question=texts, language=languages, examples=rows)
def test_in_json_every_example_is_the_object_that_is_asked_for(question, language, examples):
    before = [dict(row) for row in examples]
    system, *turns = prompts.ask_for_json(question, language, examples)
    assert system == {"role": "system", "content": prompts.JSON_INSTRUCTIONS[language]}
    assert '{"reply": "..."}' in system["content"]
    assert [turn["content"] for turn in turns if turn["role"] == "user"] == [
        *(row["question"] for row in examples),
        question,
    ]
    answers = [turn["content"] for turn in turns if turn["role"] == "assistant"]
    assert [read_json_reply(text) for text in answers] == [row["answer"] for row in examples]
    assert examples == before, "the examples themselves are not changed"


def test_japanese_stands_in_the_json_as_it_is():
    turns = prompts.ask_for_json("?", "ja", [{"question": "?", "answer": "はい"}])
    assert turns[2]["content"] == '{"reply": "はい"}'


@given(question=texts, language=languages, examples=rows)
def test_every_way_of_asking_ends_with_the_question(question, language, examples):
    asked = {name: ask(question) for name, ask in prompts.list_ways(language, examples).items()}
    assert list(asked) == ["plain", "zero_shot", "few_shot", "json"]
    assert all(turns[-1] == {"role": "user", "content": question} for turns in asked.values())
    assert asked["plain"] == prompts.ask_plainly(question)
    assert asked["zero_shot"] == prompts.ask_with_instruction(question, language)
    assert asked["few_shot"] == few_shot_messages(examples, question)
    assert asked["json"] == prompts.ask_for_json(question, language, examples)
    systems = {n: sum(turn["role"] == "system" for turn in t) for n, t in asked.items()}
    assert systems == {"plain": 0, "zero_shot": 1, "few_shot": 0, "json": 1}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_prompts_examples_are_the_shortest_gold_ones_of_the_training_split(language):
    examples = prompts.select_examples(language, 3)
    assert len(examples) == 3
    assert all(row["gold"] and row["split"] == "train" for row in examples)
    assert all(all(tone_rules(row["answer"], language).values()) for row in examples)
    sizes = sorted(len(r["question"] + r["answer"]) for r in gold_rows(language, "train"))
    assert [len(row["question"] + row["answer"]) for row in examples] == sizes[:3]
    assert prompts.select_examples(language, 0) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_question_of_the_test_stands_in_prompts_or_training(language):
    asked = {row["question"] for row in gold_rows(language, "test")}
    trained = {row["question"] for row in gold_rows(language, "train")}
    assert len(asked) >= 50
    assert not asked & trained


@pytest.mark.parametrize("language", LANGUAGES)
def test_gold_is_only_gold(language):
    for split in ("train", "validation", "test"):
        found = gold_rows(language, split)
        assert found
        assert all(row["gold"] and not row["faults"] and row["split"] == split for row in found)
    everything = [row for row in load_shipped("support", language) if row["gold"]]
    assert sum(len(gold_rows(language, s)) for s in ("train", "validation", "test")) == len(
        everything
    )


# JSON


@given(reply=texts, more=st.dictionaries(texts, st.none() | st.integers() | texts, max_size=3))
def test_a_reply_in_an_object_is_found(reply, more):
    value = more | {"reply": reply}
    assert read_json_reply(json.dumps(value)) == reply
    assert read_json_reply(json.dumps(value, ensure_ascii=False, indent=2)) == reply


@given(value=st.recursive(st.none() | st.booleans() | st.floats() | texts, st.lists, max_leaves=4))
def test_other_json_has_no_reply(value):
    assert read_json_reply(json.dumps(value)) is None
    assert read_json_reply(json.dumps({"reply": value})) == (
        value if isinstance(value, str) else None
    )
    assert read_json_reply(json.dumps({"answer": value})) is None


@pytest.mark.parametrize(
    "text",
    ["", "Yes.", '{"reply": "x"', "{'reply': 'x'}", 'Sure: {"reply": "x"}', '{"reply": "x"}}', '{"reply": {"reply": "x"}}', '[{"reply": "x"}]', "1" * 5000],
)  # fmt: skip
def test_what_is_not_the_object_has_no_reply(text):
    assert read_json_reply(text) is None


@given(text=texts)
def test_any_text_is_answered(text):
    assert read_json_reply(text) is None or isinstance(read_json_reply(text), str)


# Measures


def test_numbers_of_the_answer_must_all_be_in_the_reply():
    asked = [
        {"answer": "It costs 1,200 yen for 3 years.", "fact": "price"},
        {"answer": "Open 9:30 to 18:00.", "fact": "hours"},
        {"answer": "It weighs 2.5 kg.", "fact": "weight"},
        {"answer": "It is red.", "fact": "colour"},
        {"answer": "Call us at 9:30.", "fact": ""},
    ]
    replies = ["3 years, 1,200 yen", "From 9:30.", "About 2.5 kg", "Blue", "Never"]
    found = scoring.fact_metrics(asked, replies)
    assert set(found) == {"fact_accuracy_adapter", "fact_accuracy_adapter_ci"}
    assert found["fact_accuracy_adapter"] == pytest.approx(2 / 3)
    low, high = found["fact_accuracy_adapter_ci"]
    assert 0 <= low <= 2 / 3 <= high <= 1


def test_the_sentences_full_stop_is_no_part_of_a_number():
    asked = [{"answer": "It was founded in 1974.", "fact": "founded"}]
    assert scoring.fact_metrics(asked, ["1974"])["fact_accuracy_adapter"] == 1
    assert scoring.fact_metrics(asked, ["1975."])["fact_accuracy_adapter"] == 0


def test_rows_without_a_reply_do_not_count():
    asked = [{"answer": "1974", "fact": "founded"}, {"answer": "1975", "fact": "other"}]
    assert scoring.fact_metrics(asked, ["1974"], "ja")["fact_accuracy_adapter_ja"] == 1


@pytest.mark.parametrize("reply", ["12 years", "2,000 years", "In 2024."])
def test_a_number_inside_another_is_not_that_number(reply):
    asked = [{"answer": "The guarantee is 2 years.", "fact": "guarantee"}]
    assert scoring.fact_metrics(asked, [reply])["fact_accuracy_adapter"] == 0


def way_of(tone) -> scoring.Way:
    return scoring.Way(Replies([], 1, 1.0, []), np.array(tone, dtype=float), {})


def test_the_gain_is_over_the_better_prompt_and_paired():
    adapter, weak, strong = (way_of(t) for t in ([1, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0]))
    found = scoring.gain_metrics(adapter, weak, strong)
    assert found["tone_gain"] == pytest.approx(0.5)
    assert found["tone_gain_ci"][0] == found["tone_gain_low"] <= 0.5 <= found["tone_gain_ci"][1]
    assert scoring.gain_metrics(adapter, strong, weak) == found
    equal = scoring.gain_metrics(strong, weak, strong)
    assert equal["tone_gain"] == equal["tone_gain_low"] == 0


def test_json_is_judged_by_what_is_inside(monkeypatch):
    good = f"{HOUSE['ja'].opening}届きます。{HOUSE['ja'].closing}"
    said = [json.dumps({"reply": good}), good, '{"reply": "はい"}', '{"reply": ']
    replies = Replies(said, 9, 1.0, [10, 20, 30, 40])
    monkeypatch.setattr(scoring, "generate", lambda *_, **__: replies)
    got = scoring.measure_way(None, None, [], "ja", "json")
    assert got.replies is replies
    assert got.tone.tolist() == [1, 0, 0, 0]
    assert got.metrics["json_valid_ja"] == 0.5
    assert got.metrics["tone_compliance_json_ja"] == 0.25
    assert got.metrics["prompt_tokens_json_ja"] == 25
    found = scoring.measure_way(None, None, [], "ja", "plain").metrics
    assert found["tone_compliance_plain_ja"] == 0.25
    assert "json_valid_ja" not in found


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reply_without_its_frame_is_what_it_says(language):
    house = HOUSE[language]
    for row in gold_rows(language, "test")[:5]:
        said = scoring.remove_frame(row["answer"], house)
        assert said
        assert said in row["answer"]
        assert house.opening not in said
        assert house.closing not in said
    assert scoring.remove_frame("No frame.", house) == "No frame."


# The break-even sheet

prices = st.builds(
    Prices,
    per_million_tokens=st.floats(0.01, 100),
    tokens_per_call=st.floats(1, 1e5),
    gpu_per_hour=st.floats(0.01, 50),
    gpu_calls_per_hour=st.floats(1, 1e5),
    gpu_always_on=st.booleans(),
)


def cost(of: Prices, volume: float) -> tuple[float, float]:
    curves = compute_cost_curves(of, [volume])
    return curves["API"][0][1], curves["GPU"][0][1]


def test_break_even_by_hand():
    of = Prices(per_million_tokens=2, tokens_per_call=500, gpu_per_hour=1, gpu_calls_per_hour=1000)
    assert compute_break_even(of) == pytest.approx(730 * 1 / 0.001)  # exactly what one GPU can do
    assert compute_break_even(dataclasses.replace(of, gpu_calls_per_hour=900)) == math.inf
    assert (
        compute_break_even(dataclasses.replace(of, gpu_always_on=False, gpu_calls_per_hour=1001))
        == 0
    )
    assert compute_break_even(dataclasses.replace(of, gpu_always_on=False, gpu_calls_per_hour=999)) == math.inf  # fmt: skip


def test_the_example_prices():
    assert compute_break_even(Prices()) == pytest.approx(456_250)
    found = break_even_metrics(Prices())
    assert found["break_even_calls_per_month"] == pytest.approx(456_250)
    assert found["break_even_share"] == pytest.approx(456_250 / (730 * 3600))


def test_the_claim_of_cheaper_tuning_can_come_out_three_ways():
    """Claim 43: few calls are enough, many are needed, or no volume pays."""
    claim = next(c for c in load_claims() if c.id == "43")
    sheets = {
        "true": Prices(per_million_tokens=1000, gpu_per_hour=0.5),
        "conditional": Prices(),
        "false": Prices(per_million_tokens=1e-4),
    }
    assert {claim.verdict(break_even_metrics(sheet)): sheet for sheet in sheets.values()} == sheets


@given(of=prices)
def test_at_break_even_both_cost_the_same(of):
    volume = compute_break_even(of)
    assume(of.gpu_always_on and math.isfinite(volume))
    api, gpu = cost(of, volume * (1 - 1e-9))
    assert api == pytest.approx(gpu, rel=1e-6)
    api, gpu = cost(of, volume / 2)
    assert api < gpu


@given(of=prices, share=st.floats(0.001, 0.999))
def test_from_break_even_to_a_full_machine_the_gpu_is_cheaper(of, share):
    volume, full = compute_break_even(of), 730 * of.gpu_calls_per_hour
    assume(of.gpu_always_on and volume < full * 0.999)
    api, gpu = cost(of, volume + share * (full - volume))
    assert gpu < api


@given(of=prices, volume=st.floats(1, 1e9))
def test_where_it_never_pays_the_api_is_never_dearer(of, volume):
    assume(compute_break_even(of) == math.inf)
    api, gpu = cost(of, volume)
    assert api <= gpu * (1 + 1e-9)


@given(of=prices, volume=st.floats(1, 1e9))
def test_switched_off_between_calls_it_pays_from_the_first_or_never(of, volume):
    of = dataclasses.replace(of, gpu_always_on=False)
    api, gpu = cost(of, volume)
    assert compute_break_even(of) in (0.0, math.inf)
    assert (compute_break_even(of) == 0) == (gpu / volume < api / volume) or api == pytest.approx(
        gpu
    )


@given(of=prices, volumes=st.lists(st.floats(0, 1e8), max_size=10).map(sorted))
def test_costs_never_fall_with_the_volume(of, volumes):
    curves = compute_cost_curves(of, volumes)
    assert set(curves) == {"API", "GPU"}
    for line in curves.values():
        assert [volume for volume, _ in line] == volumes
        values = [value for _, value in line]
        assert values == sorted(values)
        assert all(value >= 0 for value in values)


def test_a_full_machine_needs_a_second_one():
    of = Prices(gpu_per_hour=2, gpu_calls_per_hour=10)
    months = {v: c for v, c in compute_cost_curves(of, [0, 1, 7300, 7301, 14600, 14601])["GPU"]}
    machine = 730 * 2
    assert list(months.values()) == [machine * n for n in (1, 1, 1, 2, 2, 3)]


@pytest.mark.parametrize(
    "change",
    [{"per_million_tokens": 0}, {"tokens_per_call": 0}, {"gpu_calls_per_hour": 0, "gpu_always_on": False}],
)  # fmt: skip
def test_a_price_of_zero_is_no_error(change):
    """What the learner fills in may be a free API, or a GPU that answers nothing."""
    assert compute_break_even(Prices(**change)) == math.inf


# The adapter


def run_of(folder, model=None, **sizes) -> Run:
    profile = load_profile("tiny")
    tables = profile.tables | {"lab00": profile.lab("00") | sizes}
    profile = dataclasses.replace(profile, tables=tables)
    return Run("00", profile, 3, folder, model)


@pytest.fixture(scope="module")
def short_run(tiny_chat_model, tmp_path_factory, one_thread):
    """The lab's cells on the tiny model, six rows to train on and six questions."""
    real = gold_rows

    def few(language, split):
        found = real(language, split)
        if split == "test":
            found = [row for row in found if row["fact"] and any(map(str.isdigit, row["answer"]))]
        return sorted(found, key=lambda row: len(row["question"] + row["answer"]))[:6]

    folder = tmp_path_factory.mktemp("lab00")
    settings = {"questions": 6, "few_shot": 1}
    profile = run_of(folder, **settings).profile
    request = Request(profile, 3, folder, str(tiny_chat_model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(folder))
        for module in (support, prompts, training):
            patch.setattr(module, "gold_rows", few)
        run_program(get_lab("00").source, request)
    return request.opened.run


def test_every_way_is_measured_and_the_adapter_in_both_languages(short_run):
    metrics = short_run.metrics
    for way in ("plain", "zero_shot", "few_shot", "json", "adapter", "adapter_ja"):
        assert metrics[f"tone_compliance_{way}"] == 0, "the tiny model writes noise"
        assert metrics[f"prompt_tokens_{way}"] > 10
    assert metrics["prompt_tokens_plain"] == metrics["prompt_tokens_adapter"]
    assert metrics["prompt_tokens_zero_shot"] > metrics["prompt_tokens_plain"]
    assert metrics["prompt_tokens_json"] > metrics["prompt_tokens_few_shot"]
    assert metrics["json_valid"] == 0
    assert metrics["train_seconds"] > 0
    for ending in ("", "_ja"):
        assert 0 <= metrics[f"fact_accuracy_adapter{ending}"] <= 1
    assert metrics["tone_gain"] == 0
    assert all(len(v) == 2 for name, v in metrics.items() if name.endswith("_ci"))


def test_off_is_exactly_the_untouched_model_and_on_is_not(short_run):
    assert short_run.metrics["adapter_off_max_abs_diff"] == 0
    assert short_run.metrics["adapter_on_max_abs_diff"] > 0.001
    assert short_run.metrics["adapter_loaded_max_abs_diff"] <= 1e-6, "saved and loaded again"


def test_the_adapter_and_the_figures_are_kept(short_run):
    assert {"adapter", "prompting_or_tuning.png", "break_even.png"} <= set(short_run.artifacts)
    assert all((short_run.folder / name).exists() for name in short_run.artifacts)
    saved = short_run.folder / "adapter" / "adapter_model.safetensors"
    assert short_run.metrics["adapter_bytes"] == saved.stat().st_size
    assert json.loads(json.dumps(short_run.metrics)) == short_run.metrics


def test_scores_carry_their_interval():
    found = scoring.interval_metrics("x", [1, 0, 1, 1])
    assert found["x"] == 0.75
    assert 0 <= found["x_ci"][0] <= 0.75 <= found["x_ci"][1] <= 1
    assert np.isscalar(found["x"])


def test_the_rules_of_the_prompt_are_those_of_the_measure():
    assert RULES == ("opening", "courtesy", "closing")
    assert set(prompts.INSTRUCTIONS) == set(prompts.JSON_INSTRUCTIONS) == set(HOUSE)
