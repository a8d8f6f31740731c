"""Entity scores against seqeval in strict IOB2 mode."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.v1 import precision_recall_fscore_support  # v1 is the strict mode
from seqeval.scheme import IOB2

from lab_helpers.evaluation.spans import (
    f1_of_counts,
    gold_spans,
    scores_by_kind,
    span_counts,
    span_scores,
)
from lab_helpers.tuning.tagging import spans_from

TAG = st.sampled_from(["O", "O", "B-part", "I-part", "I-part", "B-date", "I-date"])
PAIRS = st.lists(st.lists(st.tuples(TAG, TAG), min_size=1, max_size=12), min_size=1, max_size=5)


def spans(tags: list[list[str]]) -> list[list[tuple[int, int, str]]]:
    return [spans_from([(i, i + 1) for i in range(len(row))], row) for row in tags]


@given(sentences=PAIRS)
def test_scores_are_seqevals_in_strict_mode(sentences):
    """Any tag sequence, also those that no annotator would write."""
    gold = [[g for g, _ in sentence] for sentence in sentences]
    predicted = [[p for _, p in sentence] for sentence in sentences]
    precision, recall, f1, _ = precision_recall_fscore_support(
        gold, predicted, average="micro", scheme=IOB2, zero_division=0
    )
    ours = span_scores(spans(predicted), spans(gold))
    assert ours == pytest.approx({"precision": precision, "recall": recall, "f1": f1})


@given(sentences=PAIRS)
def test_scores_by_kind_are_seqevals(sentences):
    gold = [[g for g, _ in sentence] for sentence in sentences]
    predicted = [[p for _, p in sentence] for sentence in sentences]
    found = scores_by_kind(spans(predicted), spans(gold), ["part", "date"])
    rows = {row["kind"]: row for row in found}
    kinds = sorted({tag[2:] for row in gold + predicted for tag in row if tag[:1] == "B"})
    theirs = precision_recall_fscore_support(
        gold, predicted, average=None, scheme=IOB2, zero_division=0
    )
    seen = {span[2] for sentence in spans(gold) + spans(predicted) for span in sentence}
    assert set(kinds) == seen
    for i, kind in enumerate(kinds):
        precision, recall, f1, support = (column[i] for column in theirs)
        assert rows[kind] == {
            "kind": kind,
            "precision": pytest.approx(precision),
            "recall": pytest.approx(recall),
            "f1": pytest.approx(f1),
            "gold": support,
        }
    for kind in {"part", "date"} - seen:
        assert rows[kind] == {"kind": kind, "precision": 0, "recall": 0, "f1": 0, "gold": 0}


def test_only_exact_spans_count():
    gold = [[(0, 4, "part"), (6, 9, "date")], [(1, 3, "part")]]
    predicted = [[(0, 4, "part"), (6, 8, "date"), (20, 21, "part")], [(1, 3, "date")]]
    found = span_scores(predicted, gold)
    assert found == pytest.approx({"precision": 1 / 4, "recall": 1 / 3, "f1": 2 / 7})


def test_a_span_in_the_wrong_sentence_does_not_count():
    assert span_scores([[], [(0, 1, "part")]], [[(0, 1, "part")], []])["f1"] == 0


def test_nothing_predicted_and_nothing_there():
    nothing = {"precision": 0, "recall": 0, "f1": 0}
    assert span_scores([[]], [[(0, 1, "part")]]) == nothing
    assert span_scores([[(0, 1, "part")]], [[]]) == nothing
    assert span_scores([[]], [[]]) == nothing


def test_a_span_said_twice_counts_once():
    gold = [[(0, 1, "part")]]
    assert span_scores([[(0, 1, "part")] * 2], gold) == {"precision": 1, "recall": 1, "f1": 1}


def test_different_numbers_of_sentences_are_an_error():
    with pytest.raises(ValueError, match="zip"):
        span_scores([[]], [[], []])


def test_gold_spans_of_a_row():
    row = {"text": "abc", "entities": [{"start": 1, "end": 3, "label": "drug"}]}
    assert gold_spans(row) == [(1, 3, "drug")]


def test_f1_of_the_counts_of_sentences_is_the_f1():
    predicted = [[(0, 1, "part")], [(2, 3, "date"), (4, 5, "date")], []]
    gold = [[(0, 1, "part"), (7, 9, "drug")], [(2, 3, "date")], [(0, 2, "drug")]]
    counts = span_counts(predicted, gold)
    assert counts.tolist() == [[1, 1, 2], [1, 2, 1], [0, 0, 1]]
    assert f1_of_counts(counts) == pytest.approx(span_scores(predicted, gold)["f1"])
    assert f1_of_counts(counts[2:]) == 0.0
