"""Scores of labels: accuracy with its uncertainty, precision, recall, F1, confusion matrix."""

from numbers import Number

import numpy as np

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


def accuracy(predicted, gold) -> float:
    """Share of equal entries."""
    predicted, gold = np.asarray(predicted), np.asarray(gold)
    return float((predicted == gold).mean())


def precision_recall_f1(predicted, gold, average: str | None = "macro"):
    """Precision, recall and F1 of labels, as scikit-learn's with ``zero_division=0``.

    With TP, FP and FN of a label: TP / (TP + FP), TP / (TP + FN), 2 TP / (2 TP + FP + FN) (van Rijsbergen
    1979, ch. 7, with β = 1). ``average``: ``"macro"`` (every label counts alike), ``"weighted"`` (by its
    rows in ``gold``), ``"micro"`` (counts summed first) give a dict; None gives a dict for each label,
    with ``label`` and ``support`` (its rows in ``gold``). An unreadable answer may be None: a label of its own.
    """
    counts = confusion_matrix(predicted, gold)
    right, said, true = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)
    if average == "micro":
        right, said, true = right.sum(), said.sum(), true.sum()
    scores = {
        "precision": _ratio(right, said),
        "recall": _ratio(right, true),
        "f1": _ratio(2 * right, said + true),
    }
    if average is None:
        rows = zip(*(column.tolist() for column in (*scores.values(), true)), strict=True)
        return [
            {"label": label, **dict(zip((*scores, "support"), row, strict=True))}
            for label, row in zip(label_set(predicted, gold), rows, strict=True)
        ]
    if average not in ("macro", "weighted", "micro"):
        raise BadInput(
            say(f"unknown average '{average}'", f"平均の取り方に「{average}」は指定できません"),
            say(
                "Use macro, weighted, micro or None.",
                "macro、weighted、micro、None のいずれかを指定してください。",
            ),
        )
    weights = true if average == "weighted" else None
    return {name: float(np.average(values, weights=weights)) for name, values in scores.items()}


def confusion_matrix(predicted, gold, labels: list | None = None) -> np.ndarray:
    """How often each label of ``gold`` (row) was ``predicted`` as which (column); shape (k, k).

    ``labels`` gives the order, :func:`label_set` where None; rows with other labels are left out.
    """
    place = {label: i for i, label in enumerate(labels or label_set(predicted, gold))}
    counts = np.zeros((len(place), len(place)), dtype=int)
    for said, true in zip(_plain(predicted), _plain(gold), strict=True):
        if said in place and true in place:
            counts[place[true], place[said]] += 1
    return counts


def label_set(predicted, gold) -> list:
    """Every label of the two, in order: numbers, then texts, then what is neither (None)."""

    def order(label):
        if isinstance(label, Number):
            return 0, label
        return (1, label) if isinstance(label, str) else (2, str(label))

    return sorted({*_plain(predicted), *_plain(gold)}, key=order)


def _plain(values) -> list:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _ratio(part, whole) -> np.ndarray:
    """``part / whole``, and 0 where ``whole`` is 0."""
    return np.where(np.asarray(whole) > 0, part / np.maximum(whole, 1), 0.0)
