"""Cutting documents into pieces that an embedder can read: by tokens, or by sentences.

Every chunk is an exact piece of its document's text, so that a source can be found in it again.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lab_helpers.rag.documents import Document
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

Span = tuple[int, int]


@dataclass(frozen=True)
class Chunk:
    """Piece ``number`` (from 0) of the document with the id ``document``."""

    document: str
    number: int
    text: str
    title: str = ""

    @property
    def id(self) -> str:
        return f"{self.document}#{self.number}"

    @property
    def embedded(self) -> str:
        """What is embedded and indexed: a piece from the middle does not say what it is about."""
        return f"{self.title}\n{self.text}" if self.title else self.text


# An end mark with its closing brackets. English needs a space after it (3.5 ends nothing), Japanese
# does not; an empty line or a new list item also ends a sentence.
_END = re.compile(
    r"[.!?…]+[\"'”’)\]]*(?=\s)\s*|[。！？｡][。！？｡!?]*[」』）】”’\")]*\s*|\n\s*\n\s*|\n(?=\s*(?:[-*+•・#]|\d+[.)])\s?)"
)
_NO_END = re.compile(
    r"(?:^|[\s(])(?:Mr|Mrs|Ms|Dr|Prof|St|No|Nos|vs|etc|e\.g|i\.e|cf|approx|Fig|Eq|Inc|Ltd|Co|[A-Z])\.\s*$"
)
_BETTER_CUTS = re.compile(r"[、，,;；:：]\s*|\s+")


def sentences(text: str) -> list[str]:
    """``text`` cut after English and Japanese sentence ends; joined, the pieces are ``text`` again."""
    cuts = [0]
    for end in _END.finditer(text):
        head = text[max(cuts[-1], end.end() - 24) : end.end()]
        if not _NO_END.search(head) or "\n\n" in end[0]:
            cuts.append(end.end())
    cuts.append(len(text))
    return [text[a:b] for a, b in pairwise(cuts) if a < b]


def by_tokens(document: Document, tokenizer, size: int, overlap: int = 0) -> list[Chunk]:
    """Chunks of ``size`` tokens of ``tokenizer`` (fast, Hugging Face), each ``overlap`` of them from the last.

    The cuts lie at tokens of the whole document, wherever in a word or a sentence these end. A piece
    tokenized by itself can have a token or two more where a cut went through a word.
    """
    _check(size, overlap)
    starts = token_starts(tokenizer, document.text)
    edges = [*starts, len(document.text)] if starts else [0, len(document.text)]
    spans = ((edges[a], edges[b]) for a, b in windows(len(edges) - 1, size, overlap))
    return _numbered(document, spans)


def by_sentences(document: Document, size: int, overlap: int = 0, tokenizer=None) -> list[Chunk]:
    """Chunks of whole sentences, as many as fit into ``size``; ``overlap`` sentences are repeated.

    ``size`` counts tokens of ``tokenizer``, or characters where none is given. Only a sentence
    longer than ``size`` is cut, at a comma or a space where there is one. Of the repeated sentences
    as many are left out as the next new one needs room for.
    """
    _check(size, 0)
    if overlap < 0:
        raise BadInput(
            say(f"overlap {overlap} is negative", f"overlap が負の値（{overlap}）です"),
            say(
                "Give a number of sentences, 0 for none.",
                "文の数を指定してください。0 で重なりなしになります。",
            ),
        )
    text = document.text
    units = range(len(text)) if tokenizer is None else token_starts(tokenizer, text)
    return _numbered(document, _packed(_fitting(text, units, size), units, size, overlap))


def _fitting(text: str, units: Sequence[int], size: int) -> list[Span]:
    """The sentences of ``text`` as (start, end); those of more than ``size`` units in parts."""
    spans, start = [], 0
    for sentence in sentences(text):
        end = start + len(sentence)
        while _count(units, start, end) > size:
            cut = _cut(text, units, start, size)
            if cut >= end:
                break
            spans.append((start, cut))
            start = cut
        spans.append((start, end))
        start = end
    return spans


def _cut(text: str, units: Sequence[int], start: int, size: int) -> int:
    """Where to cut a long sentence: after ``size`` units at most, rather at a comma, a space."""
    first = bisect_left(units, start)
    last = units[first + size]
    if last <= start:  # One character of several tokens is never cut.
        return next((unit for unit in units[first:] if unit > start), len(text))
    half = units[first + size // 2]
    better = [cut.end() for cut in _BETTER_CUTS.finditer(text, half, last)]
    return better[-1] if better and better[-1] > start else last


def _packed(spans: list[Span], units: Sequence[int], size: int, overlap: int) -> Iterator[Span]:
    """As many neighbouring spans at a time as ``size`` units allow."""
    first = 0
    for position in range(1, len(spans) + 1):
        start = spans[first][0]
        if position < len(spans) and _count(units, start, spans[position][1]) <= size:
            continue
        yield start, spans[position - 1][1]
        if position < len(spans):
            first = max(position - overlap, first + 1)
            while first < position and _count(units, spans[first][0], spans[position][1]) > size:
                first += 1


def _count(units: Sequence[int], start: int, end: int) -> int:
    return bisect_left(units, end) - bisect_left(units, start)


def _numbered(document: Document, spans: Iterable[Span]) -> list[Chunk]:
    """The pieces that hold more than white space."""
    texts = (document.text[start:end] for start, end in spans)
    filled = (text for text in texts if text.strip())
    return [Chunk(document.id, n, text, document.title) for n, text in enumerate(filled)]


def token_starts(tokenizer, text: str) -> list[int]:
    """Where each token of ``text`` begins, ascending; the first is 0, white space goes to the token before."""
    if not tokenizer.is_fast:
        raise BadInput(
            say(
                "this tokenizer does not say where its tokens begin",
                "このトークナイザーからは各トークンの開始位置が分かりません",
            ),
            say(
                "Use a fast one (tokenizer.json), or cut by sentences.",
                "高速版のトークナイザー（tokenizer.json）を使うか、文単位で分割してください。",
            ),
        )
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    starts = [start for start, _ in encoded["offset_mapping"]]
    if starts:
        starts[0] = 0
    return starts


def windows(count: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """(first, end) of windows of ``size`` items over ``count``, each ``overlap`` into the one before."""
    if count == 0:
        return []
    steps = range(0, max(count - overlap, 1), size - overlap)
    return [(first, min(first + size, count)) for first in steps]


def find_truncated(chunks: list[Chunk], embedder) -> list[Chunk]:
    """The chunks whose end the embedder never reads: with its title, longer than ``embedder.max_tokens``."""
    lengths = embedder.token_counts([chunk.embedded for chunk in chunks])
    return [c for c, length in zip(chunks, lengths, strict=True) if length > embedder.max_tokens]


def _check(size: int, overlap: int) -> None:
    if size < 1:
        raise BadInput(
            say(f"chunk size {size} is below 1", f"チャンクの長さ {size} が 1 未満です"),
            say("128 is a usual number of tokens.", "128 トークンくらいが一般的です。"),
        )
    if not 0 <= overlap < size:
        raise BadInput(
            say(
                f"overlap {overlap} is not between 0 and the chunk size {size}",
                f"overlap {overlap} が、0 からチャンクの長さ {size} までの範囲にありません",
            ),
            say(
                "A tenth to a quarter of the size is usual.",
                "チャンクの長さの 10〜25% が一般的です。",
            ),
        )
