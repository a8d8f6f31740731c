"""Lab 07: what its exercises build, one number each; `evaluation.retrieval` and `rag` give a value a question."""


def recall_at_k(ranked, gold, k):
    """Share of the questions whose right document is among the first ``k`` different ones."""
    hits = []
    for documents, right in zip(ranked, gold, strict=True):
        different = list(dict.fromkeys(documents))
        hits.append(right in different[:k])
    return sum(hits) / len(hits)


def mean_reciprocal_rank(ranked, gold):
    """The mean of 1 / rank of the right document, 0 where it is not found (Voorhees 1999, section 4)."""
    points = [
        1 / (found.index(right) + 1) if right in found else 0.0
        for found, right in zip(ranked, gold, strict=True)
    ]
    return sum(points) / len(points)


def reciprocal_rank_fusion(rankings, k=60):
    """The items of all rankings, best first: RRF(d) = Σ 1 / (k + rank) (Cormack et al. 2009, section 2)."""
    scores = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (k + rank)
    return sorted(scores, key=lambda item: -scores[item])


def abstain_threshold(scores, answerable):
    """Of all scores the threshold that answers and refuses best, each kind counted by its own rate."""

    def balanced(threshold):
        kept = [s >= threshold for s, right in zip(scores, answerable, strict=True) if right]
        refused = [s < threshold for s, right in zip(scores, answerable, strict=True) if not right]
        return sum(kept) / len(kept) + sum(refused) / len(refused)

    return max(sorted(scores), key=balanced)
