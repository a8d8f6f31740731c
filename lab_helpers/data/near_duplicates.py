"""How alike two texts are: Jaccard similarity of their character 5-grams."""

import unicodedata
from collections import Counter, defaultdict


def character_ngrams(text: str, n: int = 5) -> frozenset[str]:
    """The set of character ``n``-grams after NFKC, lower case and single spaces."""
    text = " ".join(unicodedata.normalize("NFKC", text).lower().split())
    return frozenset(text[i : i + n] for i in range(max(1, len(text) - n + 1)))


def jaccard(a: frozenset, b: frozenset) -> float:
    """|a ∩ b| / |a ∪ b|; 1.0 for two empty sets."""
    union = len(a | b)
    return len(a & b) / union if union else 1.0


def near_duplicates(
    left: list[str], right: list[str], threshold: float = 0.5
) -> list[tuple[int, int, float]]:
    """Pairs ``(i, j, similarity)`` with ``left[i]`` and ``right[j]`` at or above ``threshold``.

    An inverted index over n-grams keeps the cost near linear for texts that share little.
    """
    index = defaultdict(list)
    right_grams = [character_ngrams(text) for text in right]
    for j, grams in enumerate(right_grams):
        for gram in grams:
            index[gram].append(j)
    found = []
    for i, text in enumerate(left):
        grams = character_ngrams(text)
        shared = Counter(j for gram in grams for j in index.get(gram, ()))
        for j, count in shared.items():
            similarity = count / (len(grams) + len(right_grams[j]) - count)
            if similarity >= threshold:
                found.append((i, j, similarity))
    return found
