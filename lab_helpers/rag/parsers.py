"""From the bytes of a file to its title and text: plain text, Markdown, HTML, PDF."""

import io
import logging
import re
from typing import NamedTuple

from lab_helpers.data.encoding import guess_encoding
from lab_helpers.rag.document_problems import Unusable

Warnings = list[tuple[str, str]]


class Parsed(NamedTuple):
    """``warnings`` are (code, detail) pairs of :mod:`document_problems`; an empty title means none."""

    title: str
    text: str
    warnings: Warnings


# What a file is by its first bytes, whatever its name says.
_STARTS = {
    b"%PDF": "PDF",
    b"PK\x03\x04": "ZIP, Office",
    b"\xd0\xcf\x11\xe0": "Office",
    b"\x1f\x8b": "gzip",
    b"PAR1": "Parquet",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
}
_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_DECLARED = re.compile(rb"""charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_BLOCKS = [
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "td",
    "th",
    "tr",
    "ul",
]
_UNSEEN = ("script", "style", "noscript", "template", "svg", "head")


def plain_text(content: bytes) -> Parsed:
    """The text as it stands; its title is for the caller to take from the file name."""
    text, warnings = decode(content)
    return Parsed("", text, warnings)


def markdown(content: bytes) -> Parsed:
    """The source as it stands (a reader can read it), titled by its first heading."""
    text, warnings = decode(content)
    heading = _HEADING.search(text)
    return Parsed(heading[1] if heading else "", text, warnings)


def html(content: bytes) -> Parsed:
    """What a browser would show as text, a line for each block; titled by ``<title>`` or ``<h1>``."""
    from bs4 import BeautifulSoup

    declared = _DECLARED.search(content[:2048])
    text, warnings = decode(content, declared[1].decode("ascii") if declared else None)
    soup = BeautifulSoup(text, "html.parser")
    heading = soup.title or soup.h1
    title = heading.get_text(" ") if heading else ""
    for unseen in soup(_UNSEEN):
        unseen.decompose()
    for block in soup(_BLOCKS):
        block.insert_before("\n")
        block.insert_after("\n")
    lines = (" ".join(line.split()) for line in soup.get_text("").splitlines())
    return Parsed(title, "\n".join(line for line in lines if line), warnings)


def pdf(content: bytes) -> Parsed:
    """The text of all pages in order, an empty line between them."""
    from pypdf import PdfReader

    if not content.strip():
        raise Unusable("empty")
    if b"%PDF" not in content[:1024]:
        raise Unusable("wrong-extension", _kind(content) or "not PDF")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # It logs each oddity of a file.
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not _opens(reader):
            raise Unusable("encrypted")
        pages = [page.extract_text() for page in reader.pages]
        title = (reader.metadata.title if reader.metadata else None) or ""
    except Unusable:
        raise
    except Exception as error:  # A damaged PDF can fail anywhere in the parser.
        raise Unusable("damaged", f"{type(error).__name__}: {error}"[:120]) from None
    without = [str(number) for number, page in enumerate(pages, 1) if not page.strip()]
    if len(without) == len(pages):
        raise Unusable("no-text")
    text = "\n\n".join(page for page in pages if page.strip())
    # A font without a character table yields half surrogate pairs, which no file can hold.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    shown = ", ".join(without[:10]) + (", …" if len(without) > 10 else "")
    return Parsed(str(title), text, [("pages-without-text", shown)] if without else [])


def _opens(reader) -> bool:
    """Whether an encrypted PDF opens with the empty password, as those do that only forbid printing."""
    try:
        return bool(reader.decrypt(""))
    except Exception:  # AES without the library for it, an unknown filter.
        return False


PARSERS = {".txt": plain_text, ".md": markdown, ".markdown": markdown, ".html": html, ".htm": html, ".pdf": pdf}  # fmt: skip


def decode(content: bytes, declared: str | None = None) -> tuple[str, Warnings]:
    """The characters of ``content``: UTF-8, else as its byte order mark, ``declared``, or its looks say.

    A UTF-8 text with a few wrong bytes keeps the rest. Raises :class:`Unusable` for what is no text.
    """
    kind = _kind(content)
    if kind:
        raise Unusable("wrong-extension", kind)
    if not content.strip():
        raise Unusable("empty")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text, warnings = _other_encoding(content, declared)
    else:
        warnings = []
    if text.count("\0") * 50 > len(text):
        if guess_encoding(content) != "UTF-16":
            raise Unusable("binary")
        text, warnings = _as(content, "UTF-16", [("other-encoding", "UTF-16")])
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n"), warnings


def _other_encoding(content: bytes, declared: str | None) -> tuple[str, Warnings]:
    if declared:
        try:
            return content.decode(declared), [("other-encoding", declared)]
        except (LookupError, UnicodeDecodeError):
            pass  # The page's own word for it is wrong: look at the bytes.
    text = content.decode("utf-8-sig", "replace")
    wrong, beyond_ascii = text.count("\ufffd"), sum(not letter.isascii() for letter in text)
    if wrong * 10 < beyond_ascii:
        return text, [("lost-bytes", str(wrong))]
    guess = guess_encoding(content[: 1 << 16])
    if guess is None:
        raise Unusable("binary")
    return _as(content, guess, [("other-encoding", guess)])


def _as(content: bytes, name: str, warnings: Warnings) -> tuple[str, Warnings]:
    codec = {"Shift_JIS": "cp932", "UTF-16": _utf16(content)}.get(name, name.split()[0])
    try:
        return content.decode(codec), warnings
    except (LookupError, UnicodeDecodeError):
        raise Unusable("encoding", f"it looks like {name}, but is not throughout") from None


def _utf16(content: bytes) -> str:
    """The codec by the byte order mark, else by which byte of the first letter is 0."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-16-be" if content[:1] == b"\0" else "utf-16-le"


def _kind(content: bytes) -> str | None:
    return next((kind for start, kind in _STARTS.items() if content.startswith(start)), None)
