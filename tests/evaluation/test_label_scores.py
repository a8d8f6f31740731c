"""Precision, recall, F1 and the confusion matrix against scikit-learn."""

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.evaluation.classification import (
    accuracy,
    confusion_matrix,
    label_set,
    precision_recall_f1,
)
from lab_helpers.runtime.errors import BadInput

PAIRS = st.one_of(
    *(
        st.lists(st.tuples(label, label), min_size=1, max_size=30)
        for label in (st.integers(0, 4), st.sampled_from(["neutral", "positive", "否定", "z"]))
    )
)


def scores_of_sklearn(predicted, gold, average):
    return sklearn.metrics.precision_recall_fscore_support(
        gold, predicted, average=average, zero_division=0
    )


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@given(pairs=PAIRS)
def test_averages_are_scikit_learns(average, pairs):
    predicted, gold = map(list, zip(*pairs, strict=True))
    ours = precision_recall_f1(predicted, gold, average=average)
    assert list(ours) == ["precision", "recall", "f1"]
    wanted = scores_of_sklearn(predicted, gold, average)[:3]
    assert list(ours.values()) == pytest.approx(wanted, abs=1e-9)


@given(pairs=PAIRS)
def test_scores_of_each_label_are_scikit_learns(pairs):
    predicted, gold = map(list, zip(*pairs, strict=True))
    rows = precision_recall_f1(predicted, gold, average=None)
    assert [row["label"] for row in rows] == sorted({*predicted, *gold})
    for name, column in zip(
        ("precision", "recall", "f1", "support"),
        scores_of_sklearn(predicted, gold, None),
        strict=True,
    ):
        assert [row[name] for row in rows] == pytest.approx(column.tolist(), abs=1e-9)


@given(pairs=PAIRS)
def test_the_confusion_matrix_is_scikit_learns(pairs):
    predicted, gold = map(list, zip(*pairs, strict=True))
    ours = confusion_matrix(predicted, gold)
    assert np.array_equal(ours, sklearn.metrics.confusion_matrix(gold, predicted))
    assert ours.sum() == len(pairs)
    labels = label_set(predicted, gold)[::-1]
    turned = sklearn.metrics.confusion_matrix(gold, predicted, labels=labels)
    assert np.array_equal(confusion_matrix(predicted, gold, labels), turned)


@given(pairs=PAIRS)
def test_micro_average_of_one_label_a_row_is_the_accuracy(pairs):
    predicted, gold = map(list, zip(*pairs, strict=True))
    micro = precision_recall_f1(predicted, gold, average="micro")
    assert list(micro.values()) == pytest.approx([accuracy(predicted, gold)] * 3)


def test_rows_are_gold_and_columns_predicted():
    counts = confusion_matrix(["a", "b", "b"], ["a", "a", "b"])
    assert counts.tolist() == [[1, 1], [0, 1]]


def test_a_majority_guesser_has_a_high_accuracy_and_a_low_macro_f1():
    gold = ["ok"] * 95 + ["fault"] * 5
    assert accuracy(["ok"] * 100, gold) == 0.95
    assert precision_recall_f1(["ok"] * 100, gold)["f1"] < 0.49


def test_an_unreadable_answer_is_a_label_of_its_own():
    rows = precision_recall_f1(["a", None, "b"], ["a", "a", "b"], average=None)
    assert [row["label"] for row in rows] == ["a", "b", None]
    assert rows[0]["recall"] == 0.5
    assert rows[2]["support"] == 0


def test_arrays_are_taken_as_lists_are():
    predicted, gold = [1, 2, 2], [1, 1, 2]
    wanted = precision_recall_f1(predicted, gold)
    assert precision_recall_f1(np.array(predicted), np.array(gold)) == wanted


def test_unknown_averages_and_different_lengths_are_refused():
    with pytest.raises(BadInput, match="unknown average 'binary'"):
        precision_recall_f1([1], [1], average="binary")
    with pytest.raises(ValueError, match="zip"):
        confusion_matrix([1], [1, 2])
