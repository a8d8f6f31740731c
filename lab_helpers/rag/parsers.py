"""From the bytes of a file to its title and text: plain text, Markdown, HTML, PDF."""

import re
from typing import TYPE_CHECKING, NamedTuple
from warnings import catch_warnings

from lab_helpers.data.reading.not_data import is_html
from lab_helpers.rag.document_problems import Unusable
from lab_helpers.rag.legible import MOSTLY, rubbish
from lab_helpers.rag.text_encoding import Warnings, decode, file_kind
from lab_helpers.runtime.language import say

if TYPE_CHECKING:
    from lab_helpers.rag.pdf_pages import PageText


class Parsed(NamedTuple):
    """``warnings`` are (code, detail) pairs of :mod:`document_problems`; an empty title means none."""

    title: str
    text: str
    warnings: Warnings


_HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
# <meta charset=…>, <meta http-equiv … content="…; charset=…">, <?xml … encoding=…?>
_DECLARED = re.compile(
    rb"""(?:charset|<\?xml[^>]{0,80}\sencoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
# A PDF's page is left out where more than a tenth of its letters have no character.
_UNKNOWN = 0.1
# What a page left out is called, by what the document is called where no page is left.
_LEFT_OUT = {
    "no-characters": "pages-without-characters",
    "garbled": "pages-garbled",
    "no-text": "pages-without-text",
}
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
    text, warnings = _decoded(content)
    return Parsed("", text, warnings)


def markdown(content: bytes) -> Parsed:
    """The source as it stands (a reader can read it), titled by its first heading."""
    text, warnings = _decoded(content)
    heading = _HEADING.search(text)
    return Parsed(heading[1] if heading else "", text, warnings)


def _decoded(content: bytes) -> tuple[str, Warnings]:
    """:func:`decode` for what is no page: its markup would be indexed as text."""
    if is_html(content[:1024]):
        raise Unusable("page")
    return decode(content)


def html(content: bytes) -> Parsed:
    """What a browser would show as text, a line for each block; titled by ``<title>`` or ``<h1>``."""
    from bs4 import BeautifulSoup, UnusualUsageWarning

    declared = [name.decode("ascii") for name in _DECLARED.findall(content[:2048])]
    text, warnings = decode(content, declared)
    # XML, or a page that is no more than a name or an address: its author's business.
    with catch_warnings(action="ignore", category=UnusualUsageWarning):
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
    """The text of all pages that can be read, in order, an empty line between them."""
    from lab_helpers.rag.pdf_file import read_pdf

    if not content.strip():
        raise Unusable("empty")
    if b"%PDF" not in content[:1024]:
        raise Unusable("wrong-extension", file_kind(content) or say("not PDF", "PDF ではない"))
    title, pages = read_pdf(content)
    states = [_state(page) for page in pages]
    kept = [page for page, state in zip(pages, states, strict=True) if not state]
    if not kept:
        raise _nothing_read(pages, states)
    warnings = [
        (warning, _numbers([n for n, state in enumerate(states, 1) if state == code]))
        for code, warning in _LEFT_OUT.items()
        if code in states
    ]
    if unknown := sum(page.unknown for page in kept):
        warnings.append(("unknown-letters", str(unknown)))
    title = "" if rubbish(title).share else title
    return Parsed(title, "\n\n".join(page.text for page in kept), warnings)


def _state(page: "PageText") -> str:
    """Why a page cannot be read, as the code of a problem; empty where it can."""
    if not page.letters:
        return "no-text"
    if page.unknown > page.letters * _UNKNOWN:
        return "no-characters"
    return "garbled" if rubbish(page.text).share >= MOSTLY else ""


def _nothing_read(pages: list["PageText"], states: list[str]) -> Unusable:
    if "no-characters" in states:
        share = sum(page.unknown for page in pages) / sum(page.letters for page in pages)
        return Unusable("no-characters", f"{share:.0%}")
    if "garbled" in states:
        found = rubbish("\n".join(page.text for page in pages))
        return Unusable("garbled", str(found))
    return Unusable("no-text")


def _numbers(pages: list[int]) -> str:
    return ", ".join(map(str, pages[:10])) + (", …" if len(pages) > 10 else "")


PARSERS = {".txt": plain_text, ".md": markdown, ".markdown": markdown, ".html": html, ".htm": html, ".pdf": pdf}  # fmt: skip
