"""METEOR by hand (Banerjee & Lavie 2005, https://aclanthology.org/W05-0909), equal to nltk's.

The parameters carry the names of Lavie & Agarwal 2007 (§2); α = 0.9, β = 3 and γ = 0.5 give back the
formulas of 2005: Fmean = 10 P R / (R + 9 P), Penalty = 0.5 (chunks / matches)³.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

Word = tuple[int, str]
"""A word and where it stands, from 0."""
Match = tuple[int, int]
"""Place in the hypothesis, place in the reference."""


def meteor(
    hypothesis: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    stem: Callable[[str], str] | None = None,
    wordnet=None,
    alpha: float = 0.9,
    beta: float = 3.0,
    gamma: float = 0.5,
) -> float:
    """METEOR of one tokenized text, 0 to 1: the best over its tokenized references.

    ``stem`` is Porter's stemmer where None. ``wordnet`` is any object whose ``synsets(word)`` have
    ``lemmas()`` that have a ``name()``, as nltk's WordNet (a download of its own, English); None
    leaves the synonym stage out.
    """
    if isinstance(hypothesis, str) or any(isinstance(r, str) for r in references) or not references:
        raise BadInput(
            say("METEOR takes lists of words", "METEOR には単語のリストを渡してください"),
            say(
                "meteor(words, [words of a reference, …]).",
                "meteor(単語のリスト, [参照文の単語のリスト, …]) のように呼びます。",
            ),
        )
    scores = []
    for reference in references:
        matches = align(hypothesis, reference, stem=stem, wordnet=wordnet)
        scores.append(_score(matches, len(hypothesis), len(reference), alpha, beta, gamma))
    return max(scores)


def _score(
    matches: list[Match], said: int, wanted: int, alpha: float, beta: float, gamma: float
) -> float:
    """(1 - Penalty) · Fmean, Lavie & Agarwal 2007 §2 (Banerjee & Lavie 2005 §2.2)."""
    if not matches:
        return 0.0
    precision, recall = len(matches) / said, len(matches) / wanted
    mean = precision * recall / (alpha * precision + (1 - alpha) * recall)
    penalty = gamma * (chunks(matches) / len(matches)) ** beta
    return (1 - penalty) * mean


def align(
    hypothesis: Iterable[str],
    reference: Iterable[str],
    *,
    stem: Callable[[str], str] | None = None,
    wordnet=None,
) -> list[Match]:
    """Which words answer to which: equal ones first, then equal stems, then synonyms; case is ignored.

    As in nltk, matching goes from the end to the front and takes the last free equal word, where the
    paper searches for the alignment with the fewest crossings; and the synonym stage is handed stems.
    """
    stem = stem or porter_stem
    said = list(enumerate(word.lower() for word in hypothesis))
    wanted = list(enumerate(word.lower() for word in reference))
    exact, said, wanted = _match(said, wanted, lambda word: {word})
    said, wanted = _mapped(said, stem), _mapped(wanted, stem)
    stems, said, wanted = _match(said, wanted, lambda word: {word})
    synonyms, _, _ = _match(said, wanted, lambda word: _synonyms(word, wordnet))
    return sorted(exact + stems + synonyms)


def chunks(matches: Sequence[Match]) -> int:
    """Into how many runs, adjacent in both texts, the matches fall: 1 where the order is the same throughout."""
    return sum(
        i == 0 or (place, other) != (matches[i - 1][0] + 1, matches[i - 1][1] + 1)
        for i, (place, other) in enumerate(matches)
    )


def _match(
    said: list[Word], wanted: list[Word], equals: Callable[[str], set[str]]
) -> tuple[list[Match], list[Word], list[Word]]:
    """Pairs each word with the last free word it ``equals``; returns the pairs and both leftovers."""
    free: defaultdict[str, list[int]] = defaultdict(list)
    for place, word in wanted:
        free[word].append(place)
    matches = []
    for place, word in reversed(said):
        candidates = [other for other in equals(word) if free.get(other)]
        if candidates:
            last = max(candidates, key=lambda other: free[other][-1])
            matches.append((place, free[last].pop()))
    used, taken = {p for p, _ in matches}, {p for _, p in matches}
    return matches, [w for w in said if w[0] not in used], [w for w in wanted if w[0] not in taken]


def _mapped(words: list[Word], change: Callable[[str], str]) -> list[Word]:
    return [(place, change(word)) for place, word in words]


def _synonyms(word: str, wordnet) -> set[str]:
    """The word and every one-word lemma of its synsets (WordNet joins longer ones with ``_``)."""
    synsets = wordnet.synsets(word) if wordnet else ()
    names = {lemma.name() for synset in synsets for lemma in synset.lemmas()}
    return {word} | {name for name in names if "_" not in name}


def porter_stem(word: str) -> str:
    """nltk's Porter stem of a word. Japanese words stay as they are."""
    return _porter().stem(word)


@lru_cache(maxsize=1)
def _porter():
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()
