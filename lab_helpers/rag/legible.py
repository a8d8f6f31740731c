"""How much of a text is rubbish: what a wrong encoding, a font without a table or a broken file leaves.

Looked at in short passages, so that a text which quotes some rubbish is told from one that is rubbish.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from lab_helpers.data.forms.damage import damage
from lab_helpers.runtime.language import say

MOSTLY = (
    0.3  # Of a text, at most; German in the wrong encoding is damaged in every third word only.
)
_PASSAGE = 40
_MOST = 4_000  # Passages of a long text that are looked at, evenly spread.
_MARKER = re.compile(r"\(cid:\d+\)")  # What pdfminer writes for a glyph without a character.
# Controls (not tab, line or page ends), the replacement character, private use, no characters at all.
_NO_LETTER = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f\ufffd\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\ue000-\uf8ff"
    "\U000f0000-\U0010ffff]"
)
# Scripts that stand in one word: Latin with Greek and Cyrillic (kΩ, µm), Japanese and Korean with any.
_MIXING = re.compile(
    "[\u0000-\u052f\u1d00-\u2bff\u2c60-\ua4cf\ua700-\ua7ff\uac00-\uffff"
    "\U0001d400-\U0001d7ff\U00020000-\U0003ffff]"
)


class Rubbish(NamedTuple):
    """The ``share`` (0 to 1) of passages that are rubbish, and the first of them."""

    share: float
    first: str = ""

    def __str__(self) -> str:
        """For example ``42%, as in '縺ゅ↑縺'``."""
        share, first = f"{max(self.share, 0.01):.0%}", f"{self.first[:20]!a}"
        return say(f"{share}, as in {first}", f"{share}、例: {first}")


def rubbish(text: str) -> Rubbish:
    """What part of ``text`` no one can read."""
    words = " ".join(text.split())
    starts = range(0, len(words), _PASSAGE)
    starts = starts[:: max(1, len(starts) // _MOST)]
    passages = [words[start : start + _PASSAGE] for start in starts]
    bad = [passage for passage in passages if _is_rubbish(passage)]
    return Rubbish(len(bad) / len(passages), bad[0]) if bad else Rubbish(0.0)


def _is_rubbish(passage: str) -> bool:
    if passage.isascii() and passage.isprintable() and "(cid:" not in passage:
        return False
    rest = _NO_LETTER.sub("", _MARKER.sub("", passage))
    no_letters = len(passage) - len(rest)
    letters = [letter for letter in rest if not letter.isspace()]
    no_letters += sum(letter < "\U00010000" and _is_unassigned(letter) for letter in letters)
    if no_letters * 4 > len(passage):
        return True
    return damage(rest) == "mojibake" or _jumps(rest) * 4 > len(letters)


def _jumps(text: str) -> int:
    """How often neighbouring letters are of scripts that no word has together: ࣼᛦڴᒊጒ."""
    return sum(
        _script(a) != _script(b)
        for a, b in pairwise(text)
        if a.isalpha() and b.isalpha() and not (_MIXING.match(a) and _MIXING.match(b))
    )


@lru_cache(1 << 12)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


@lru_cache(1 << 12)
def _is_unassigned(letter: str) -> bool:
    return unicodedata.category(letter) == "Cn"
