"""A PDF file: open it, keep it from filling the memory, and read its title and its pages."""

import contextlib
import io
import logging
import re
import zlib
from typing import NamedTuple

from pdfminer.pdfdocument import PDFDocument, PDFEncryptionError
from pdfminer.pdfinterp import PDFPageInterpreter
from pdfminer.pdfpage import PDFPage
from pdfminer.pdfparser import PDFParser
from pdfminer.pdftypes import LITERALS_FLATE_DECODE, PDFStream, resolve1
from pdfminer.utils import decode_text

from lab_helpers.rag.document_problems import Unusable
from lab_helpers.rag.pdf_fonts import Fonts
from lab_helpers.rag.pdf_pages import Letters, PageText
from lab_helpers.runtime.language import say

UNPACKED = 400_000_000
OBJECTS = 10_000_000
_STREAM = re.compile(rb"stream(?:\r\n|\n|\r)?")
_ENDSTREAM = re.compile(rb"[\r\n\t \0]{0,8}endstream")
_MARKS = re.compile(rb"[\x81-\x9f]")


class PdfText(NamedTuple):
    """The title, empty where there is none, and what each page says."""

    title: str
    pages: list[PageText]


def read_pdf(content: bytes) -> PdfText:
    """Read every page. Raises :class:`Unusable` for a PDF that is locked, damaged or unpacks endlessly."""
    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)  # It logs each oddity of a file.
    try:
        document = PDFDocument(_Parser(io.BytesIO(content)))
        for xref in document.xrefs:
            if sum(count for _, count in getattr(xref, "ranges", [])) > OBJECTS:
                raise Unusable(
                    "damaged",
                    say(
                        "its table of objects does not end", "オブジェクトの表に終わりがありません"
                    ),
                )
        fonts = Fonts()
        letters = Letters(fonts)
        interpreter = PDFPageInterpreter(fonts, letters)
        for number, page in enumerate(PDFPage.create_pages(document), 1):
            if not all(isinstance(resolve1(part), PDFStream) for part in page.contents):
                raise Unusable(
                    "damaged",
                    say(
                        f"what page {number} shows is missing",
                        f"{number} ページ目の中身がありません",
                    ),
                )
            interpreter.process_page(page)
        if not letters.pages:
            raise Unusable("damaged", say("it has no pages", "ページがありません"))
        return PdfText(_title(document), letters.pages)
    except Unusable:
        raise
    except PDFEncryptionError:  # Without a password those open that only forbid printing.
        raise Unusable("encrypted") from None
    except Exception as error:  # A damaged PDF can fail anywhere in the parser.
        raise Unusable("damaged", f"{type(error).__name__}: {error}"[:120]) from None


def _title(document: PDFDocument) -> str:
    title = resolve1(document.info[0].get("Title")) if document.info else None
    if not isinstance(title, bytes) or title.isascii() or title.startswith(b"\xfe\xff"):
        return decode_text(title) if isinstance(title, bytes) else ""
    with contextlib.suppress(UnicodeDecodeError):  # As PDF 2.0 has it, or without its mark.
        return title.decode("utf-8-sig")
    with contextlib.suppress(UnicodeDecodeError):
        japanese = title.decode("cp932")
        # The first bytes of Shift_JIS are marks in the PDF's own encoding, which has few in a title.
        if _MARKS.subn(b"", title)[1] * 2 >= sum(not letter.isascii() for letter in japanese):
            return japanese
    return decode_text(title)


class _Parser(PDFParser):
    """A parser whose streams together unpack to no more than ``UNPACKED`` bytes."""

    left = UNPACKED

    def do_keyword(self, pos, token) -> None:
        super().do_keyword(pos, token)
        if token is not self.KEYWORD_STREAM or not self.curstack:
            return
        _, stream = self.curstack[-1]
        if type(stream) is PDFStream:
            stream.rawdata = self._to_its_end(pos, stream.rawdata or b"")
            stream.__class__ = _Stream
            stream.parser = self  # type: ignore[attr-defined]

    def _to_its_end(self, pos: int, data: bytes) -> bytes:
        """``data`` of the stream at ``pos``, or what is really there where its length is wrong."""
        content = self.fp.getvalue()  # type: ignore[attr-defined]
        start = _STREAM.match(content, pos)
        if start is None or _ENDSTREAM.match(content, start.end() + len(data)):
            return data
        end = _ENDSTREAM.search(content, start.end())
        return content[start.end() : end.start()] if end else data


class _Stream(PDFStream):
    """What the parser has just read as a stream. 20 kB can unpack to 20 MB, and these again."""

    parser: _Parser

    def decode(self) -> None:
        """Undo one filter after the other, each as long as there is room for what it unpacks."""
        data = self.rawdata or b""
        if self.decipher:
            data = self.decipher(self.objid or 0, self.genno or 0, data, self.attrs)
        for name, parameters in self.get_filters():
            if name in LITERALS_FLATE_DECODE:
                _look_ahead(data, self.parser.left)
            data = PDFStream({"Filter": name, "DecodeParms": parameters}, data).get_data()
        self.parser.left -= len(data)
        if self.parser.left < 0:
            raise _too_large()
        self.data, self.rawdata = data, None


def _look_ahead(packed: bytes, most: int) -> None:
    """Raise where ``packed`` breaks off, or unpacks to more than ``most`` bytes; keep none of them.

    Behind two bytes that say how it is packed; the sum at its end is often missing or wrong.
    """
    unpacking, rest, total = zlib.decompressobj(-15), packed[2:], 0
    try:
        while rest and not unpacking.eof and total <= most:
            total += len(unpacking.decompress(rest, 1 << 20))
            rest = unpacking.unconsumed_tail
    except zlib.error:
        raise Unusable(
            "damaged", say("a packed part of it is broken", "圧縮された部分が壊れています")
        ) from None
    if total > most:
        raise _too_large()
    if packed and not unpacking.eof:
        raise Unusable(
            "damaged", say("a packed part of it breaks off", "圧縮された部分が途中で切れています")
        )


def _too_large() -> Unusable:
    return Unusable(
        "huge",
        say(
            f"more than {UNPACKED / 1e6:,.0f} MB unpacked",
            f"展開すると {UNPACKED / 1e6:,.0f} MB を超えます",
        ),
    )
