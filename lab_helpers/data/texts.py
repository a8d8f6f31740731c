"""Small repairs of one text: one spelling for one character, no HTML, and is the end missing?"""

import html
import re
import unicodedata
from html.parser import HTMLParser

# Compatibility characters whose NFKC form says something else or loses its form: 10² -> 102, ① -> 1.
_KEPT = re.compile("([²³¹⁰-₎¼-¾⅐-⅟①-⓿㈀-㋿…‥™℠]+)")
# Zero-width and direction marks. The joiner U+200D stays: it holds emoji such as 👩‍🔧 together.
_ZERO_WIDTH = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LINE_END = re.compile("\r\n?|[\u0085\u2028\u2029]")

# fmt: off
_BLOCKS = {
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main",
    "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "ul",
}
_INLINE = {
    "a", "abbr", "acronym", "area", "audio", "b", "base", "basefont", "bdi", "bdo", "big", "body",
    "button", "canvas", "caption", "center", "cite", "code", "col", "colgroup", "data", "del",
    "details", "dfn", "dialog", "em", "embed", "font", "head", "html", "i", "iframe", "img",
    "input", "ins", "kbd", "label", "legend", "link", "map", "mark", "meta", "meter", "noscript",
    "object", "option", "output", "param", "picture", "progress", "q", "rp", "rt", "ruby", "s",
    "samp", "script", "select", "small", "source", "span", "strike", "strong", "style", "sub",
    "summary", "sup", "svg", "template", "textarea", "time", "title", "tt", "u", "var", "video",
    "wbr",
}
# fmt: on
_UNSEEN = {"script", "style", "head", "template"}
_BARE_ATTRIBUTES = {
    *("async", "autofocus", "autoplay", "checked", "controls", "defer", "disabled", "hidden"),
    *("loop", "multiple", "muted", "noshade", "nowrap", "open", "readonly", "required", "selected"),
}

_SENTENCE_END = re.compile(r"[.!?。！？．…‥♪☆♡~〜～]\s*[)\]}\"'”’」』）】》〉*_`]*$")
# Closed without a sentence end: brackets, code, symbols, and the closing words of a Japanese letter.
_CLOSED = re.compile(
    r"(?:```|敬具|草々|かしこ|笑|[)\]}」』）】》〉:：;]|[^\w\s,、，\-–—(（「『“‘\"'])$"
)
_JAPANESE = re.compile("[ぁ-ゖァ-ヺ一-鿿]")
_SHORT_WORDS = 4
_SHORT_CHARACTERS = 10


def normalise(text: str) -> str:
    """``text`` with one spelling for each character; twice gives the same as once.

    NFKC: full-width letters, digits and ASCII punctuation (Ａ１！（）) become narrow, the ideographic
    space a space, half-width katakana (ｱ) wide, letter and accent one character. Kept as they are:
    circled and bracketed characters (①㈱), superscripts, fractions, … and ™. Also kept: 「」、。 and 〜.
    Removed: control characters, zero-width and direction marks, spaces at the end of a line, more
    than one empty line, runs of spaces inside a line. Spaces at the beginning of a line stay (code).
    """
    text = _LINE_END.sub("\n", text)
    text = _ZERO_WIDTH.sub("", _CONTROL.sub("", text))
    pieces = _KEPT.split(text)
    pieces[::2] = [unicodedata.normalize("NFKC", piece) for piece in pieces[::2]]
    text = "".join(pieces)
    text = re.sub(r"(?<=\S)[^\S\n]+", " ", text)
    text = re.sub(r"[^\S\n]+(?=\n|$)", "", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def strip_html(text: str) -> str:
    """``text`` without HTML tags and comments, entities decoded; block tags become line ends.

    Only real HTML elements go: ``a < b``, ``i<len(x)``, ``List<String>`` and ``<3`` stay. Contents of
    script and style go. Entities are decoded once (``&amp;lt;`` becomes ``&lt;``).
    """
    if "<" not in text:
        return html.unescape(text)
    parser = _TextOnly()
    # A "<" that cannot begin a tag is text; the parser is not asked, its versions differ here.
    parser.feed(re.sub(r"<(?![A-Za-z/!])|<(?=[^<>]*$)|<(?=[^<>]*<)", "&lt;", text))
    parser.close()
    lines = "".join(parser.pieces)
    lines = re.sub(r"[ \t]*\n[ \t]*(?=\n)", "\n", lines)
    return re.sub(r"\n{3,}", "\n\n", lines).strip()


class _TextOnly(HTMLParser):
    """Collects the text of a page in ``pieces``; what only looks like a tag is text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag, attrs):
        known = tag in _BLOCKS or tag in _INLINE
        if not known or any(
            value is None and name not in _BARE_ATTRIBUTES for name, value in attrs
        ):
            self.pieces.append(self.get_starttag_text() or "")
        elif tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_startendtag(self, tag, attrs):
        if tag not in _UNSEEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS:
            self.pieces.append("\n")
        elif tag not in _INLINE:
            self.pieces.append(f"</{tag}>")

    def handle_data(self, data):
        if not self._unseen:
            self.pieces.append(data)

    def handle_decl(self, decl):
        if not decl.lower().startswith("doctype"):
            self.pieces.append(f"<!{decl}>")


def is_truncated(text: str, endings: tuple[str, ...] = ()) -> bool:
    """Whether ``text`` seems to break off: no sentence end, in English or Japanese.

    Not truncated: a closed bracket or code block, and an answer of fewer than 4 words (Japanese: 10
    characters) such as ``118,000円``. Put signatures without a full stop into ``endings``. A list of
    nouns is taken for truncated, a text cut exactly between two sentences for whole.
    """
    text = text.rstrip()
    if not text:
        return False
    if any(text.endswith(ending) for ending in endings) or _SENTENCE_END.search(text):
        return False
    if text[-1] in ",、，-–—(（「『":
        return True
    if _CLOSED.search(text):
        return False
    if _JAPANESE.search(text):
        return len(text) >= _SHORT_CHARACTERS
    return len(text.split()) >= _SHORT_WORDS
