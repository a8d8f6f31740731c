"""Which capital letters say something: those of units and codes (MB, Mb, mW, plan A), not a sentence's first."""

import re

_FEWEST_LETTERS = 4  # A shorter word in the middle of a sentence may be a unit: Pa, kg, Mb.
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?:;…。\n]")


def fold_case(text: str) -> str:
    """``text`` in small letters but for what may be a unit, a code or an abbreviation.

    A word with a capital after its first letter keeps its case; so does one of up to three letters, unless
    it begins a sentence. A text all in capitals is loud, no code, when it has long words and no digit.
    """
    if text.islower():
        return text
    if _is_shouted(text):
        return text.lower()
    pieces, position = [], 0
    for match in _WORD.finditer(text):
        pieces += [text[position : match.start()], _fold_word(match, text, position)]
        position = match.end()
    return "".join([*pieces, text[position:]])


def _fold_word(match: re.Match, text: str, before: int) -> str:
    word, between = match[0], text[before : match.start()]
    if word.islower() or word[1:].lower() != word[1:]:
        return word
    if len(word) >= _FEWEST_LETTERS:
        return word.lower()
    *ended, tail = _SENTENCE_END.split(between)
    begins = (ended or not before) and not any(map(str.isdigit, tail))
    return word.lower() if begins and not _touches(match, text) else word


def _touches(match: re.Match, text: str) -> bool:
    """Whether a digit or a hyphen stands right before or after the word, as in E4 and NW-8."""
    start, end = match.span()
    return any(
        one.isdigit() or one == "-"
        for one in (*text[max(0, start - 1) : start], *text[end : end + 1])
    )


def _is_shouted(text: str) -> bool:
    words = _WORD.findall(text)
    return (
        text == text.upper()
        and not any(map(str.isdigit, text))
        and any(len(word) >= _FEWEST_LETTERS and word.lower() != word for word in words)
    )
