"""The text of a PDF's pages: its letters in the order in which they are drawn, joined into lines.

The order of drawing keeps the rows of a table together and the columns of a vertical text in their
order; what is guessed from the places is only where a line and a word end.
"""

import re
from collections.abc import Iterable, Iterator
from math import copysign, hypot
from typing import NamedTuple
from unicodedata import east_asian_width, normalize

from pdfminer.pdfdevice import PDFTextDevice
from pdfminer.pdffont import PDFFont, PDFUnicodeNotDefined
from pdfminer.pdfpage import PDFPage
from pdfminer.utils import decode_text

from lab_helpers.rag.pdf_fonts import NO_CHARACTER

# In parts of the letter size. A space is about 0.25 wide, letters are moved by up to 0.1. Japanese has
# no spaces: letters drawn at one go belong together even when they are set apart, other ones may be
# two cells of a table.
_WORD, _JAPANESE_RUN, _JAPANESE_CELLS, _LINE, _SAME = 0.15, 1.0, 0.2, 0.5, 0.05
# Two kinds of fonts draw numbers that may be characters, or only numbers: of the first kind (glyphs
# of Adobe-Japan1) every third sign is then one that Japanese seldom writes (level 2 of JIS X 0208; in
# ordinary text one in 50); of the second kind (codes of a TrueType file) hardly any are small letters.
_RARE, _SMALL, _ENOUGH = 1 / 3, 1 / 5, 20
# A font names some letters by the shape that it draws: the ligature ﬁ, the radical ⼀ for the sign 一,
# ︒ for the 。 of a vertical line.
_SHAPES = re.compile("[\u2f00-\u2fd5\u2e9f\u2ef3\ufb00-\ufb06\ufe10-\ufe19\ufe30-\ufe48]")
_NOTHING = re.compile("[\0\ud800-\udfff]")  # What fonts give for want of a character.
_LEVEL_1 = [bytes([row]) for row in range(0xA1, 0xD0)]


class PageText(NamedTuple):
    """What a page says. Of its ``letters``, ``unknown`` have no character: each became ``\\ufffd``."""

    text: str
    letters: int
    unknown: int


class _Letter(NamedTuple):
    """A letter with where it begins and ends, which way it writes, and its size."""

    text: str
    start: complex
    end: complex
    way: complex
    size: float
    run: int  # Letters of one run are drawn at one go.
    by: str  # What its character is known by: "number", "code", or empty for the file's own word.


class Letters(PDFTextDevice):
    """pdfminer draws each page on it; what arrives is kept in ``pages``."""

    def __init__(self, manager) -> None:
        super().__init__(manager)
        self.pages: list[PageText] = []
        self._letters: list[_Letter] = []
        self._said: list[str | None] = []
        self._runs = 0
        self._single = False

    def begin_page(self, page: PDFPage, ctm) -> None:
        self._letters, self._said, self._single = [], [], False

    def begin_tag(self, tag, props=None) -> None:
        """A part of the page begins; the file can say what text its letters stand for."""
        said = props.get("ActualText") if isinstance(props, dict) else None
        self._said.append(decode_text(said) if isinstance(said, bytes) else None)

    def end_tag(self) -> None:
        if self._said:
            self._said.pop()

    def end_page(self, page: PDFPage) -> None:
        """Keep what the page says."""
        letters = _doubted(list(_once(self._letters)))
        filled = [letter for letter in letters if letter.text.strip()]
        unknown = sum(letter.text == NO_CHARACTER for letter in filled)
        text = _SHAPES.sub(lambda shape: normalize("NFKC", shape[0]), "".join(_joined(letters)))
        self.pages.append(PageText(text, len(filled), unknown))

    def render_string(self, textstate, seq, ncs, graphicstate) -> None:
        self._runs += 1
        count = len(self._letters)
        super().render_string(textstate, seq, ncs, graphicstate)
        # Letters drawn one by one are one run too.
        single = len(self._letters) == count + 1
        if single and self._single:
            self._letters[-1] = self._letters[-1]._replace(run=self._letters[-2].run)
        self._single = single

    def render_char(
        self, matrix, font: PDFFont, fontsize, scaling, rise, cid, ncs, graphicstate
    ) -> float:
        """Note the letter, and return how far it moves the pen."""
        said = self._next_said()
        text = _character(font, cid) if said is None else said
        advance = font.char_width(cid) * fontsize * scaling
        a, b, c, d, x, y = matrix
        across, down = complex(a, b), complex(c, d)
        axis = down if font.is_vertical() else across
        forward = copysign(1, -fontsize if font.is_vertical() else fontsize * scaling)
        way = axis * forward / abs(axis) if axis else 1 + 0j
        size = abs(fontsize) * (abs(across) if font.is_vertical() else hypot(c, d))
        start = complex(x, y)
        end = start + axis * advance
        by = getattr(font, "known_by", "") if said is None else ""
        self._letters.append(_Letter(text, start, end, way, size or 1.0, self._runs, by))
        return advance

    def _next_said(self) -> str | None:
        """What the file says in place of the next letter: all with the first one, then nothing."""
        for depth, said in enumerate(self._said):
            if said is not None:
                self._said[depth] = ""
                return said
        return None


def _character(font: PDFFont, cid: int) -> str:
    try:
        return _NOTHING.sub("", font.to_unichr(cid)) or NO_CHARACTER
    except PDFUnicodeNotDefined:
        return NO_CHARACTER


def _once(letters: Iterable[_Letter]) -> Iterator[_Letter]:
    """Bold is also faked by drawing a letter twice, a hair's breadth apart."""
    seen: set[tuple[str, float, int, int]] = set()
    for letter in letters:
        text, size = letter.text, letter.size
        x, y = (round(part / size / _SAME) for part in (letter.start.real, letter.start.imag))
        near = ((text, size, x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
        unmoved = letter.start == letter.end  # A font without widths sets all letters on one place.
        if unmoved or seen.isdisjoint(near):
            seen.add((text, size, x, y))
            yield letter


def _doubted(letters: list[_Letter]) -> list[_Letter]:
    """``letters``, without a character where it was read from numbers that cannot be characters."""
    by_number = [one.text for one in letters if one.by == "number"]
    by_code = [one.text for one in letters if one.by == "code" and one.text.strip()]
    doubted = set()
    if len(by_number) >= _ENOUGH and sum(map(_is_rare, by_number)) > _RARE * len(by_number):
        doubted.add("number")
    if len(by_code) >= _ENOUGH and sum(map(str.islower, by_code)) < _SMALL * len(by_code):
        doubted.add("code")
    return [one._replace(text=NO_CHARACTER) if one.by in doubted else one for one in letters]


def _is_rare(letter: str) -> bool:
    """A sign outside of level 1 of JIS X 0208, whose rows end at 47 (0xCF in EUC-JP)."""
    return "\u3400" <= letter <= "\u9fff" and letter.encode("euc_jp", "replace")[:1] not in _LEVEL_1


def _joined(letters: list[_Letter]) -> Iterator[str]:
    """The letters with a line break or a space between two where there is one on the page."""
    before: _Letter | None = None
    for letter in letters:
        if not letter.text:  # The one before has said it.
            before = before and letter._replace(text=before.text)
            continue
        if before is not None:
            yield _between(before, letter)
        yield letter.text
        before = letter


def _between(before: _Letter, letter: _Letter) -> str:
    size = max(before.size, letter.size)
    if _goes_down(before, letter, size):
        return ""
    step = (letter.start - before.end) * before.way.conjugate()  # Along the line, and off it.
    turned = (letter.way * before.way.conjugate()).real < 0.9
    if turned or abs(step.imag) > _LINE * size or step.real < -size:
        return "\n"
    if before.text[-1].isspace() or letter.text[0].isspace():
        return ""
    gap = _WORD
    if _is_wide(before.text[-1]) or _is_wide(letter.text[0]):
        gap = _JAPANESE_RUN if before.run == letter.run else _JAPANESE_CELLS
    return " " if step.real > gap * size else ""


def _goes_down(before: _Letter, letter: _Letter, size: float) -> bool:
    """Whether a vertical line goes on: of upright signs below each other, or with a turned word in it."""
    turned = [abs(one.way + 1j) < 0.1 for one in (before, letter)]
    upright = [_is_wide(one.text[-1]) and abs(one.way - 1) < 0.1 for one in (before, letter)]
    if all(turned) or not all(a or b for a, b in zip(turned, upright, strict=True)):
        return False
    step = letter.start - (before.end if turned[0] else before.start)
    return abs(step.real) < 0.6 * size and -1.3 * size < step.imag < 0.05 * size


def _is_wide(letter: str) -> bool:
    return east_asian_width(letter) in "WFH"
