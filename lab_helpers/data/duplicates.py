"""Rows that say the same, or nearly the same, gathered into groups.

Exact means equal after NFKC, lower case and single spaces. Near means a Jaccard similarity of the
character 5-grams at or above a threshold, which needs no word boundaries and so works for Japanese.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from lab_helpers.data.near_duplicates import character_ngrams, jaccard, near_duplicates
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

# Up to here every pair is counted (a few seconds); above, MinHash proposes the pairs to count.
COUNTED_TEXTS = 2000
PERMUTATIONS = 128
MISSED = 0.01

Key = str | Callable[[dict], str]


def fingerprint(text: str) -> int:
    """8 bytes that are equal for texts that are exact duplicates (and, by chance, 1 in 2^64 others)."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    folded = " ".join(text.lower().split()).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(folded, digest_size=8).digest(), "big")


def exact_groups(texts: Sequence[str]) -> list[list[int]]:
    """Positions of texts that are exact duplicates of each other; groups of two and more."""
    groups: dict[int, list[int]] = {}
    for position, text in enumerate(texts):
        groups.setdefault(fingerprint(text), []).append(position)
    return [group for group in groups.values() if len(group) > 1]


def duplicate_groups(texts: Sequence[str], threshold: float = 0.8) -> list[list[int]]:
    """Groups (two and more positions, ascending) of near-duplicates.

    Two texts share a group when a chain of pairs at or above ``threshold`` joins them, so the ends
    of a long chain may be less alike. Above :data:`COUNTED_TEXTS` different texts, MinHash-LSH
    proposes pairs and misses about one in a hundred of those just at the threshold (fewer above);
    every proposed pair is then verified by its true similarity.
    """
    check_threshold(threshold)
    parent = list(range(len(texts)))
    for group in exact_groups(texts):
        for position in group[1:]:
            parent[position] = group[0]
    firsts = [position for position, first in enumerate(parent) if position == first]
    different = [texts[position] for position in firsts]
    for i, j in _near_pairs(different, threshold, lambda i, j: _same(parent, firsts[i], firsts[j])):
        a, b = sorted((_root(parent, firsts[i]), _root(parent, firsts[j])))
        parent[b] = a
    groups: dict[int, list[int]] = {}
    for position in range(len(texts)):
        groups.setdefault(_root(parent, position), []).append(position)
    return [group for group in groups.values() if len(group) > 1]


def remove_duplicates(
    rows: Sequence[dict], key: Key, threshold: float = 0.8
) -> tuple[list[dict], list[list[int]]]:
    """``rows`` without all but the first of each group, and the groups (positions in ``rows``).

    ``key`` is the column to compare, or a function from a row to its text.
    """
    groups = duplicate_groups(texts_of(rows, key), threshold)
    dropped = {position for group in groups for position in group[1:]}
    return [row for position, row in enumerate(rows) if position not in dropped], groups


def texts_of(rows: Sequence[dict], key: Key) -> list[str]:
    """The text of each row. Raises :class:`BadInput` naming the first row that has none."""
    texts = []
    for position, row in enumerate(rows):
        text = key(row) if callable(key) else row.get(key)
        if not isinstance(text, str):
            columns = ", ".join(map(str, row))
            raise BadInput(
                say(
                    f"row {position} has no text in '{key}' (columns: {columns})",
                    f"行 {position}（0 から数えた番号）の「{key}」に文章がありません（列: {columns}）",
                ),
                say(
                    "Give the name of a column with texts, or a function from a row to its text.",
                    "文章の入った列の名前か、行から文章を取り出す関数を渡してください。",
                ),
            )
        texts.append(text)
    return texts


def check_threshold(threshold: float) -> None:
    """Raise :class:`BadInput` unless 0 < ``threshold`` <= 1."""
    if not 0 < threshold <= 1:
        raise BadInput(
            say(
                f"threshold {threshold} is not above 0 and at most 1",
                f"しきい値は 0 より大きく 1 以下でなければなりません（{threshold} が指定されました）",
            ),
            say("0.8 finds light edits.", "軽い書き換えを見つけるなら 0.8 が目安です。"),
        )


def _near_pairs(
    texts: list[str], threshold: float, known: Callable[[int, int], bool]
) -> Iterator[tuple[int, int]]:
    """Pairs at or above ``threshold``; pairs that ``known`` has joined already are not verified."""
    if len(texts) <= COUNTED_TEXTS:
        yield from ((i, j) for i, j, _ in near_duplicates(texts, texts, threshold) if i < j)
        return
    grams = [character_ngrams(text) for text in texts]
    for i, j in _proposed_pairs(grams, threshold):
        if not known(i, j) and jaccard(grams[i], grams[j]) >= threshold:
            yield i, j


def _proposed_pairs(grams: list[frozenset[str]], threshold: float) -> Iterator[tuple[int, int]]:
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=PERMUTATIONS, params=bands(threshold))
    # surrogatepass: half a character in a user's text must not end the search.
    encoded = ([gram.encode("utf-8", "surrogatepass") for gram in one] for one in grams)
    for j, signature in enumerate(MinHash.generator(encoded, num_perm=PERMUTATIONS)):
        for i in index.query(signature):
            yield i, j
        index.insert(j, signature)


def bands(threshold: float) -> tuple[int, int]:
    """``(b, r)``: the longest bands with which a pair at ``threshold`` is missed at most rarely.

    A pair of similarity s agrees in a band of r values with probability s^r, and is missed by all b
    bands with probability (1 - s^r)^b; this is kept to :data:`MISSED`.
    """
    for r in range(PERMUTATIONS // 2, 1, -1):
        b = PERMUTATIONS // r
        if (1 - threshold**r) ** b <= MISSED:
            return b, r
    return PERMUTATIONS, 1


def _root(parent: list[int], position: int) -> int:
    while parent[position] != position:
        parent[position] = parent[parent[position]]  # Halve the path for the next visitor.
        position = parent[position]
    return position


def _same(parent: list[int], a: int, b: int) -> bool:
    return _root(parent, a) == _root(parent, b)
