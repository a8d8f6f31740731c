"""BM25 by hand: what the store's text search computes, term by term."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence


def cut_terms(text: str, language: str) -> list[str]:
    """English: words in small letters. Japanese, which has no spaces: single characters and pairs (n-grams)."""
    text = unicodedata.normalize("NFKC", text).lower()
    if language == "ja":
        return [text[i : i + n] for i in range(len(text)) for n in (1, 2) if i + n <= len(text)]
    return re.findall(r"\w+", text)


def rarity(documents: int, having: int) -> float:
    """The weight of a term that ``having`` of so many ``documents`` hold: ln(1 + (N - n + 0.5) / (n + 0.5))."""
    return math.log(1 + (documents - having + 0.5) / (having + 0.5))


def saturation(count: float, length: float, k1: float = 1.2, b: float = 0.75) -> float:
    """What ``count`` uses of a term are worth in a text ``length`` times as long as the mean."""
    return count * (k1 + 1) / (count + k1 * (1 - b + b * length))


def bm25_parts(query: Sequence[str], texts: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """For each text what each term of ``query`` adds to its score; the score is the sum.

    Robertson & Zaragoza 2009, The Probabilistic Relevance Framework, eq. 3.15, with rarity's 1 inside the
    logarithm, as in Lucene and LanceDB, so that no term counts less than nothing.
    """
    found = [Counter(text) for text in texts]
    mean = sum(map(len, texts)) / len(texts)
    having = {term: sum(term in counts for counts in found) for term in set(query)}
    return [
        {
            term: rarity(len(texts), having[term]) * saturation(counts[term], len(text) / mean)
            for term in query
            if counts[term]
        }
        for counts, text in zip(found, texts, strict=True)
    ]
