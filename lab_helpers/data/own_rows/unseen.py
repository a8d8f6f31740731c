"""Repairs of a text that no reader can see: line ends, invisible characters, letters in two pieces."""

import re
import unicodedata

from lab_helpers.data.own_rows.code_spans import split_code

_LINE_END = re.compile("\r\n?|[\u0085\u2028\u2029]")
_PAGE_END = re.compile("[\x0b\x0c]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_ZERO_WIDTH = re.compile("[\u00ad\u2060\ufeff]")
# Direction marks order Hebrew and Arabic; Thai, Lao, Khmer and Burmese part words by U+200B.
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_WORD_BREAK = re.compile("\u200b")
_WITHOUT_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
# A letter and its accent or its 濁点. The letter alone stays: 塚 and 塚 are two in a name.
_IN_PIECES = re.compile("\\w[\u0300-\u036f\u3099\u309a]+")
_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")

_SHORTEST_LOOP = 8


def repair_unseen(text: str) -> str:
    """``text`` with what cannot be seen repaired; twice gives the same as once.

    Line ends become ``\\n``, control and zero-width characters go, letter and accent become one
    character (NFC), blank lines before the text and blanks after it go. What can be seen stays:
    full-width letters, ㎡, ①, runs of spaces, tabs, empty lines. So do joiners (U+200C, U+200D),
    the marks that a script needs, and zero-width characters in code.
    """
    for _ in range(_SHORTEST_LOOP):  # What goes may join backticks into code, or letter and accent.
        repaired = _repair_once(text)
        if repaired == text:
            break
        text = repaired
    return text


def _repair_once(text: str) -> str:
    text = _CONTROL.sub("", _PAGE_END.sub("\n", _LINE_END.sub("\n", text)))
    if not text.isascii():
        pieces = split_code(text)
        pieces[::2] = [_repair_prose(piece, text) for piece in pieces[::2]]
        text = "".join(pieces)
    return _BLANK_LINES.sub("", text).rstrip()


def _repair_prose(piece: str, whole: str) -> str:
    piece = _ZERO_WIDTH.sub("", piece)
    if not _RIGHT_TO_LEFT.search(whole):
        piece = _DIRECTION.sub("", piece)
    if not _WITHOUT_SPACES.search(whole):
        piece = _WORD_BREAK.sub("", piece)
    return _IN_PIECES.sub(lambda match: unicodedata.normalize("NFC", match[0]), piece)
