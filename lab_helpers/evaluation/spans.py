"""Scores for entity spans: exact match of start, end and kind, and token accuracy beside it."""

import numpy as np

Span = tuple[int, int, str]


def gold_spans(row: dict) -> list[Span]:
    """The entities of a data row as ``(start, end, kind)``."""
    return [(e["start"], e["end"], e["label"]) for e in row["entities"]]


def span_scores(predicted: list[list[Span]], gold: list[list[Span]]) -> dict[str, float]:
    """Micro-averaged precision, recall and F1 over all sentences; only exact spans count.

    The same definition as seqeval in strict IOB2 mode and the CoNLL-2003 evaluation
    (Tjong Kim Sang & De Meulder 2003, §2). Nothing predicted gives precision 0.
    """
    right = sum(len(set(p) & set(g)) for p, g in zip(predicted, gold, strict=True))
    said = sum(len(set(p)) for p in predicted)
    true = sum(len(set(g)) for g in gold)
    precision = right / said if said else 0.0
    recall = right / true if true else 0.0
    return {"precision": precision, "recall": recall, "f1": span_f1(predicted, gold)}


def span_f1(predicted, gold):
    """F1 of :func:`span_scores`: the harmonic mean of precision and recall, 0 where nothing is right."""
    right = sum(len(set(p) & set(g)) for p, g in zip(predicted, gold, strict=True))
    if right == 0:
        return 0.0
    precision = right / sum(len(set(p)) for p in predicted)
    recall = right / sum(len(set(g)) for g in gold)
    return 2 * precision * recall / (precision + recall)


def span_counts(predicted: list[list[Span]], gold: list[list[Span]]) -> np.ndarray:
    """Right, predicted and true spans of each sentence, shape (sentences, 3): what a bootstrap draws from."""
    return np.array(
        [
            [len(set(p) & set(g)), len(set(p)), len(set(g))]
            for p, g in zip(predicted, gold, strict=True)
        ]
    )


def f1_of_counts(counts: np.ndarray) -> float:
    """:func:`span_f1` of sentences as :func:`span_counts` gives them: 2 · right / (predicted + true)."""
    right, said, true = counts.sum(axis=0)
    return float(2 * right / (said + true)) if right else 0.0


def scores_by_kind(predicted: list[list[Span]], gold: list[list[Span]], kinds) -> list[dict]:
    """:func:`span_scores` for each entity kind, with the number of gold spans."""
    rows = []
    for kind in kinds:
        p = [[s for s in spans if s[2] == kind] for spans in predicted]
        g = [[s for s in spans if s[2] == kind] for spans in gold]
        rows.append({"kind": kind, **span_scores(p, g), "gold": sum(map(len, g))})
    return rows
