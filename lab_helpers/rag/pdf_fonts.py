"""The composite fonts of a PDF: from the bytes of a string to the characters that they stand for.

pdfminer.six knows Adobe's predefined CMaps and character collections. Read here by the name of the
CMap instead of by what the font says of itself: files name the wrong collection, and a Unicode CMap
(UniJIS-UTF16-H …) needs none, for its codes are the characters.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from io import BytesIO
from itertools import chain

from pdfminer.cmapdb import CMapDB, CMapParser, FileUnicodeMap, UnicodeMap
from pdfminer.pdffont import PDFCIDFont, PDFFont, PDFUnicodeNotDefined
from pdfminer.pdfinterp import PDFResourceManager
from pdfminer.pdftypes import PDFStream, dict_value, list_value, resolve1
from pdfminer.psparser import PSLiteral, literal_name

from lab_helpers.rag.document_problems import Unusable
from lab_helpers.runtime.language import say

_LARGEST = 1 << 18  # Codes in a table; Unicode's 17 planes hold fewer characters than this.
NO_CHARACTER = "\ufffd"
_CID_FONTS = ("CIDFontType0", "CIDFontType2")
_IDENTITY = re.compile("Identity|DLIdent")
_UNICODE = re.compile(r"^Uni.*-(UCS2|UTF8|UTF16|UTF32)")
_CODECS = {"UCS2": "utf-16-be", "UTF16": "utf-16-be", "UTF8": "utf-8", "UTF32": "utf-32-be"}
# Which collection of characters a predefined CMap speaks of (PDF 32000-1, table 118).
_COLLECTIONS = (
    ("Adobe-GB1", ("GB", "UniGB")),
    ("Adobe-CNS1", ("B5", "CNS", "ET", "HK", "UniCNS")),
    ("Adobe-Korea1", ("KSC", "UniKS")),
    ("Adobe-Japan1", ("",)),
)
# CMaps that know characters which pdfminer's table of the collection lacks.
_YOUNGER = {
    "Adobe-Japan1": ("UniJIS-UTF32-H", "UniJIS2004-UTF32-H"),
    "Adobe-GB1": ("UniGB-UTF32-H",),
    "Adobe-CNS1": ("UniCNS-UTF32-H",),
    "Adobe-Korea1": ("UniKS-UTF32-H",),
}

Node = dict  # From a byte to the next node, or to the glyph where the code ends.


class Glyph(int):
    """The number of a glyph, as pdfminer passes it around, that also knows its character."""

    text: str

    def __new__(cls, number: int, text: str) -> "Glyph":
        glyph = super().__new__(cls, number)
        glyph.text = text
        return glyph


class Fonts(PDFResourceManager):
    """pdfminer's fonts, with :class:`CompositeFont` for the composite ones.

    A table in a file can claim ranges of billions, which pdfminer would write out: those are cut off.
    """

    def get_font(self, objid: object, spec: Mapping[str, object]) -> PDFFont:
        """The font object ``objid``, made from its dictionary ``spec`` where it is not known yet."""
        subtype = resolve1(spec.get("Subtype"))
        kind = literal_name(subtype) if isinstance(subtype, PSLiteral) else ""
        if kind in _CID_FONTS:
            return CompositeFont(self, spec)
        table = resolve1(spec.get("ToUnicode"))
        if kind == "Type0":
            return super().get_font(objid, spec)
        font = super().get_font(objid, _without(spec, "ToUnicode"))
        if isinstance(table, PDFStream) and not isinstance(font.unicode_map, _Table):  # type: ignore[attr-defined]
            font.unicode_map = _characters(table)  # type: ignore[attr-defined]
        if not spec:  # A page names a font that is not there.
            font.cid2unicode = {}  # type: ignore[attr-defined]
        if not {"Encoding", "ToUnicode"} & set(spec) and "FontFile2" in font.descriptor:
            font.known_by = "code"  # type: ignore[attr-defined]
        return font


class CompositeFont(PDFCIDFont):
    """A font of thousands of glyphs, whose CMap cuts a string into codes of one to four bytes."""

    def __init__(self, manager: PDFResourceManager, spec: Mapping[str, object]):
        for widths, size in (("W", 3), ("W2", 5)):
            if _span(spec.get(widths), size) > _LARGEST:
                spec = _without(spec, widths)
        table = resolve1(spec.get("ToUnicode"))
        own_table = isinstance(table, PDFStream)
        bare = _without(spec, "ToUnicode") if own_table else dict(spec)
        # The table in an embedded font file counts where there is no other, and by its own numbers.
        numbered = isinstance(resolve1(spec.get("CIDToGIDMap")), PDFStream)
        file_counts = not (numbered or "ToUnicode" in spec)
        try:
            super().__init__(manager, bare if file_counts else _without_font_file(bare))
        except Exception:  # A damaged font file: only its table of characters is lost.
            super().__init__(manager, _without_font_file(bare))
        if own_table:
            self.unicode_map = _characters(table)
        encoding = spec.get("Encoding")
        if isinstance(encoding, PDFStream):  # A CMap of the file's own, perhaps a copy.
            encoding = encoding.get("CMapName")
        self._cmap_name = literal_name(encoding) if isinstance(encoding, PSLiteral) else ""
        self._known = _collection(self.cidcoding, self.vertical)
        if (
            self.cidcoding == "Adobe-Japan1"
            and "ToUnicode" not in spec
            and _IDENTITY.search(self._cmap_name)
        ):
            self.known_by = "number"  # That the glyphs are Adobe's is all that is known of them.

    def decode(self, data: bytes) -> Iterable[int]:
        """The glyphs of a string. What is no code of the CMap is a glyph without a character."""
        name = self._cmap_name
        if _IDENTITY.search(name):
            return super().decode(data)
        across = re.sub("V$", "H", name)  # Upright or across, a code is the same character.
        codes = _codes(across)
        if codes is None:
            return (Glyph(0, NO_CHARACTER) for _ in range((len(data) + 1) // 2))
        if unicode := _UNICODE.match(name):
            return _unicode_glyphs(data, codes, _CODECS[unicode[1]])
        return _glyphs(data, codes, _collection(_collection_of(name), False))

    def to_unichr(self, cid: int) -> str:
        """The character of a glyph, by the font's own word or by its collection's."""
        if isinstance(cid, Glyph):
            return cid.text
        try:
            return super().to_unichr(cid)
        except PDFUnicodeNotDefined:
            if cid in self._known:
                return self._known[cid]
            raise


class _Table(FileUnicodeMap):
    """The characters of a font by its own word (ToUnicode)."""

    def add_cid2unichr(self, cid, code) -> None:
        if len(self.cid2unichr) >= _LARGEST:
            raise Unusable(
                "damaged",
                say(
                    "the table of a font's characters does not end",
                    "フォントの文字の表に終わりがありません",
                ),
            )
        super().add_cid2unichr(cid, code)


def _characters(table: PDFStream) -> UnicodeMap:
    characters = _Table()
    CMapParser(characters, BytesIO(table.get_data())).run()
    return characters


def _span(widths: object, size: int) -> float:
    """How many glyphs a list of widths is about, where each range is given by ``size`` numbers."""
    total = 0.0
    numbers: list[float] = []
    for item in map(resolve1, list_value(widths or [])):
        numbers = [*numbers, item] if isinstance(item, int | float) else []
        if len(numbers) == size:
            total += max(numbers[1] - numbers[0], 0)
            numbers = []
    return total


def _without_font_file(spec: Mapping[str, object]) -> dict[str, object]:
    descriptor = dict_value(spec.get("FontDescriptor", {}))
    return {**spec, "FontDescriptor": _without(descriptor, "FontFile2")}


def _without(entries: Mapping[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in entries.items() if key != name}


def _collection_of(cmap: str) -> str:
    return next(name for name, starts in _COLLECTIONS if cmap.startswith(starts))


@cache
def _codes(cmap: str) -> Node | None:
    """The codes of a predefined CMap as a tree of bytes; None where there is no such CMap."""
    try:
        return CMapDB.get_cmap(cmap).code2cid  # type: ignore[attr-defined]
    except CMapDB.CMapNotFound:
        return None


@cache
def _collection(name: str, vertical: bool) -> Mapping[int, str]:
    """The characters of a collection by their glyph; empty for one that is not Adobe's."""
    if name not in _YOUNGER:
        return {}
    known = dict(_table(name, vertical).cid2unichr)
    for cmap in _YOUNGER[name]:
        for code, glyph in sorted(_leaves(_codes(cmap) or {})):
            known.setdefault(glyph, chr(int.from_bytes(code, "big")))
    return known


def _table(name: str, vertical: bool) -> UnicodeMap:
    return CMapDB.get_unicode_map(name, vertical)


def _leaves(node: Node, code: bytes = b"") -> Iterator[tuple[bytes, int]]:
    for byte, below in node.items():
        longer = code + bytes([byte])
        if isinstance(below, int):
            yield longer, below
        else:
            yield from _leaves(below, longer)


def _unicode_glyphs(data: bytes, codes: Node, codec: str) -> Iterator[Glyph]:
    for letter in data.decode(codec, "replace"):
        node: Node | int = codes
        for byte in letter.encode(codec, "replace"):
            node = node.get(byte, 0) if isinstance(node, dict) else 0
        yield Glyph(node if isinstance(node, int) else 0, letter)


def _glyphs(data: bytes, codes: Node, characters: Mapping[int, str]) -> Iterator[Glyph]:
    node = codes
    for byte in chain(data, [None]):
        below = node.get(byte)
        if isinstance(below, dict):
            node = below
        elif below is not None:
            yield Glyph(below, characters.get(below, NO_CHARACTER))
            node = codes
        elif byte is not None or node is not codes:
            yield Glyph(0, NO_CHARACTER)
            node = codes
