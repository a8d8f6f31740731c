"""What a search finds: chunks with their scores, by meaning and by words."""

import math
import re
import unicodedata
from dataclasses import dataclass

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

MODES = ("hybrid", "vector", "text")
_SHOWN = ["id", "document", "number", "title", "source", "text"]
# Scripts that put no spaces between words, so that words must be found as n-grams.
_NO_SPACES = re.compile("[\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")  # fmt: skip


@dataclass(frozen=True)
class Hit:
    """A chunk that was found. ``score`` is the one it is ranked by in the mode asked for.

    ``vector_score`` is the cosine of query and chunk. ``text_score`` is BM25 (0.0 where the chunk is
    not among the text candidates), ``fused_score`` the sum of reciprocal ranks (hybrid only).
    """

    id: str
    document: str
    number: int
    title: str
    text: str
    source: str
    score: float
    vector_score: float = math.nan
    text_score: float = 0.0
    fused_score: float = math.nan


def by_vector(table, vector, depth: int, exact: bool) -> list[Hit]:
    """The ``depth`` chunks nearest to ``vector``; ``exact`` goes past the vector index."""
    search = table.search(vector, vector_column_name="vector").distance_type("cosine")
    search = search.bypass_vector_index() if exact else search
    rows = search.select([*_SHOWN, "_distance"]).limit(depth).to_list()
    hits = []
    for row in rows:
        cosine = 1 - row.pop("_distance")
        hits.append(Hit(**row, score=cosine, vector_score=cosine))
    return hits


def by_text(table, query: str, language: str | None, vector, depth: int) -> list[Hit]:
    """The ``depth`` chunks with the highest BM25, with their cosine to ``vector``; ties go by id."""
    # MatchQuery takes its words as they are: no quotation mark or AND has a meaning in it.
    from lancedb.query import MatchQuery

    column, searched = search_form(query, language)
    rows = (
        table.search(MatchQuery(searched, column), query_type="fts")  # type: ignore[call-arg]
        .select([*_SHOWN, "vector", "_score"])
        .limit(depth)
        .to_list()
    )
    hits = []
    for row in rows:
        bm25, cosine = row.pop("_score"), float(vector @ row.pop("vector"))
        hits.append(Hit(**row, score=bm25, text_score=bm25, vector_score=cosine))
    return sorted(hits, key=lambda hit: (-hit.text_score, hit.id))


def search_form(text: str, language: str | None) -> tuple[str, str]:
    """The column a text belongs to ("words", "ngrams") and its form there.

    Without ``language`` ("en", "ja") the script decides. Full and half width are the same (NFKC).
    """
    text = unicodedata.normalize("NFKC", text)
    spoken = language or ("ja" if _NO_SPACES.search(text) else "en")
    return ("ngrams" if spoken == "ja" else "words"), text


def check_score(name: str) -> None:
    """:class:`BadInput` unless ``name`` is a score that says how well a hit fits."""
    if name not in ("vector", "text"):
        raise BadInput(
            say(f"unknown score '{name}'", f"「{name}」というスコアはありません"),
            say("Use vector or text.", "vector か text を指定してください。"),
        )
