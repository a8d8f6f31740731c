"""Rows that are copies of each other but for little words, and what is done with them.

Two rows are copies when every turn of one says what the same turn of the other says: the same words
in the same order once greetings, courtesies, articles, sentence punctuation, character width and the
case of words (not of units and codes) are left out. So a number, a code, a name, "you" or "not" keeps
rows apart, however long the text around it that they share; another answer to the same question does
too. What all rows share (a system prompt, an instruction, a context) is equal on both sides and
decides nothing.

It is an equivalence, so there are no chains, and it is found by sorting into drawers, in one pass.
"""

import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from lab_helpers.data.forms.turns import Message
from lab_helpers.data.own_rows.code_spans import split_code
from lab_helpers.data.own_rows.letter_case import fold_case
from lab_helpers.data.own_rows.little_words import (
    ARTICLES,
    ENGLISH_PHRASES,
    HOW,
    JAPANESE_PHRASES,
    LITTLE_WORDS,
)

_CJK = "ぁ-ゖァ-ヺー一-鿿々ヶ〇"
_CJK_SPACE = re.compile(rf"(?<=[{_CJK}、。])\s+|\s+(?=[{_CJK}])")
_CJK_MARKS = re.compile(rf"[、。「」『』]+|(?<=[{_CJK}])[!?.,:;…]+|[!?.,:;…]+(?=[{_CJK}])")
_CJK_ASKING = re.compile(rf"(?<=[{_CJK}])か(?=[。?!]|\s*$)", re.MULTILINE)
_JAPANESE = re.compile(f"[{_CJK}]")
_HALF_KATAKANA = re.compile("[｡-ﾟ]+")
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: ord(" ")}
_WIDE |= {ord("’"): "'", ord("‘"): "'", ord("“"): '"', ord("”"): '"'}  # type: ignore[dict-item]

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NOT = re.compile(r"\b(ca|wo|[a-z]+)n't\b", re.IGNORECASE)
_SHORT_FORMS = re.compile(r"(?<=\w)'(?:s|d|m|re|ve|ll)\b", re.IGNORECASE)
# The end of a sentence and quotation marks around a word; not the point of .5, nor the " of 5".
_EDGES = re.compile(r"^(?:[!?;:…\"'¿¡]|[.,](?!\d))+|(?:[.,!?;:…]|(?<!\d)[\"'])+$")


def content_words(text: str) -> tuple[str, ...]:
    """What ``text`` says, as words in order; code is one word, letter for letter.

    A text of little words only is compared by all of its words.
    """
    words: list[str] = []
    for place, piece in enumerate(split_code(text)):
        words += [piece] if place % 2 else _prose_words(piece)
    return tuple(words) or tuple(_without_edges(fold_case(_narrow(text)))) or (text,)


def copy_key(turns: Iterable[Message]) -> bytes:
    """16 bytes that are equal for conversations that are copies of each other."""
    digest = hashlib.blake2b(digest_size=16)
    for turn in turns:
        digest.update(f"{turn['role']}\x1e".encode())
        digest.update(_words_digest(turn["content"]))
        others = {name: value for name, value in turn.items() if name not in ("role", "content")}
        if others:  # Reasoning, a tool's name, what a call asks for.
            digest.update(_json_digest(others))
    return digest.digest()


def row_key(row: dict) -> bytes:
    """:func:`copy_key` of a row ``{"prompt": [turns], "completion": [turns]}`` and its other columns.

    Tools are such a column. Where a row stood (``line``) makes no difference.
    """
    key = copy_key([*row["prompt"], *row["completion"]])
    others = {name: row[name] for name in row if name not in ("prompt", "completion", "line")}
    return key + _json_digest(others) if others else key


def copy_groups(rows: Sequence[dict]) -> list[list[int]]:
    """Positions of rows that are copies of each other: groups of two and more, ascending."""
    return [group for group in _drawers(map(row_key, rows)) if len(group) > 1]


def all_groups(rows: Sequence[dict]) -> list[list[int]]:
    """:func:`copy_groups` and every other row as a group of one, for a split that keeps them together."""
    return _drawers(map(row_key, rows))


def question_groups(rows: Sequence[dict]) -> list[list[int]]:
    """Rows that ask the same after the same turns, whatever they answer; each row in one group."""
    return _drawers(copy_key(row["prompt"]) for row in rows)


def talk_groups(rows: Sequence[dict]) -> list[list[int]]:
    """:func:`question_groups`, and a row together with the rows whose conversation goes on from it.

    The later turns of such a conversation have what the earlier row is to answer.
    """
    groups = question_groups(rows)
    group_of = {copy_key(rows[group[0]]["prompt"]): place for place, group in enumerate(groups)}
    parents = list(range(len(groups)))
    for place, group in enumerate(groups):
        prompt = rows[group[0]]["prompt"]
        for end in range(1, len(prompt)):
            if prompt[end]["role"] != "assistant":
                continue
            earlier = group_of.get(copy_key(prompt[:end]))
            if earlier is not None:
                parents[_root(parents, place)] = _root(parents, earlier)
    joined: defaultdict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        joined[_root(parents, place)] += group
    return [sorted(group) for group in joined.values()]


def remove_copies(rows: Sequence[dict]) -> tuple[list[dict], dict[int, int]]:
    """``rows`` without all but the first of each group, and position removed -> position of its twin."""
    twins = {place: group[0] for group in copy_groups(rows) for place in group[1:]}
    return [row for place, row in enumerate(rows) if place not in twins], dict(
        sorted(twins.items())
    )


def answered_otherwise(rows: Sequence[dict]) -> list[list[int]]:
    """Groups of rows that ask the same and answer differently: kept, but worth a look."""
    groups = question_groups(rows)
    answers = [copy_key(row["completion"]) for row in rows]
    return [group for group in groups if len({answers[place] for place in group}) > 1]


def _root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        place = parents[place] = parents[parents[place]]
    return place


def _drawers(keys: Iterable[bytes]) -> list[list[int]]:
    groups: defaultdict[bytes, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        groups[key].append(place)
    return list(groups.values())


@lru_cache(maxsize=1 << 16)  # Each turn is asked for more than once, a system prompt in every row.
def _words_digest(text: str) -> bytes:
    joined = "\x1f".join(content_words(text)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=16).digest()


def _json_digest(value: dict) -> bytes:
    return hashlib.blake2b(
        json.dumps(value, sort_keys=True, default=str).encode(), digest_size=16
    ).digest()


def _narrow(text: str) -> str:
    """One width: Ａ -> A, ｱ -> ア. Characters that say something, such as ², stay."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text).translate(_WIDE)
    return _HALF_KATAKANA.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)


def _prose_words(text: str) -> list[str]:
    text = HOW.sub("how", ENGLISH_PHRASES.sub(" ", _THOUSANDS.sub("", _narrow(text))))
    text = fold_case(_SHORT_FORMS.sub("", _NOT.sub(_write_out, text)))
    if _JAPANESE.search(text):
        text = _CJK_SPACE.sub("", JAPANESE_PHRASES.sub("", text))
        text = _CJK_MARKS.sub("", _CJK_ASKING.sub("", text))
    words = _without_edges(text)
    following = [*words[1:], ""]
    return [
        word
        for word, after in zip(words, following, strict=False)
        if word not in LITTLE_WORDS and not (word in ARTICLES and after[:1].islower())
    ]


def _without_edges(text: str) -> list[str]:
    words = (_EDGES.sub("", word) for word in text.split())
    return [word for word in words if word]


def _write_out(match: re.Match) -> str:
    """can't -> can not."""
    verb = {"ca": "can", "wo": "will"}.get(match[1].lower(), match[1])
    return f"{verb} not"
