"""Which HTML is only a page's formatting around a text, and which is what the text has to say.

A text's tags are a page's formatting when all of this holds, and are left alone otherwise:

- Every tag says how the text looks (:data:`LOOKS`), and so does every attribute. A link, a picture,
  a numbered list, a table, ``<s>``, ``<sup>``, a form, ``<svg>`` or ``<think>`` says something.
- The tags pair up, and prose stands between them: three words, or six Japanese characters.
- There is no code and no Markdown table in the text, and nothing that looks like a tag afterwards.
- Nobody in the conversation speaks about HTML or the like (:func:`speaks_of_markup`).
"""

import html
import re

from lab_helpers.data.own_rows.code_spans import split_code
from lab_helpers.data.own_rows.unseen import repair_unseen
from lab_helpers.data.texts import strip_html

LOOKS = frozenset(
    {"b", "big", "br", "center", "div", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr"}
    | {"i", "li", "p", "small", "span", "strong", "u", "ul"}
)
_LOOK_ATTRIBUTES = {"align", "class", "color", "dir", "face", "id", "lang", "size", "style"}
_UNCLOSED = {"br", "hr", "p", "li"}  # HTML does not ask for the end of these.
_BOXES = {"p", "br", "div", "span"}

_ATTRIBUTE = r"\s+[\w:@.-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>=]+))?"
TAG = re.compile(rf"<(?P<end>/?)(?P<name>[A-Za-z][\w:-]*)(?P<attributes>(?:{_ATTRIBUTE})*)\s*/?>")
_BEGINS_TAG = re.compile(r"<[A-Za-z/!?]")
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,30}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_NAME = re.compile(r"[\w:@.-]+")
_QUOTED = re.compile(r"=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>=]+)")
_TABLE_ROW = re.compile(r"^[ \t]*\|.*\|[ \t]*$", re.MULTILINE)

_LETTER = re.compile(r"\w")
_JAPANESE = re.compile("[ぁ-ゖァ-ヺ一-鿿]")
_FEWEST_WORDS, _FEWEST_JAPANESE = 3, 6

_ABOUT = re.compile(
    r"\b(?:x?html5?|xml|xsl|svg|mathml|latex|css|jsx|tsx|javascript|typescript|php|react|markdown"
    r"|markup|tags?|web ?pages?|snippets?|source code|templates?|elements?|escap(?:e|es|ed|ing)"
    r"|entit(?:y|ies)|ampersands?|angle brackets?|rich text|format(?:ted|ting)?)\b"
    r"|タグ|マークアップ|ウェブ(?:ページ|サイト)を|ホームページを|Webページ|ソースコード|コード例|テンプレート"
    r"|エスケープ|実体参照|アンパサンド|山括弧|書式",
    re.IGNORECASE,
)
# Inside a word, or between two names: don&#39;t, R&amp;D, Black &amp; White. Not: &amp;lt;.
_WORD_ENTITY = re.compile(
    r"(?<=[^\W\d_])&(?:amp|apos|rsquo|#0?39|#[xX]27);(?=[^\W\d_])(?!\w+;)"
    r"|\b[A-Z][\w’']* &amp;(?= [A-Z])"
)


def has_tags(text: str) -> bool:
    """Whether anything outside code looks like a tag."""
    return "<" in text and any(TAG.search(piece) for piece in split_code(text)[::2])


def has_entities(text: str) -> bool:
    """Whether anything outside code is an HTML entity, such as ``&nbsp;`` or ``&#12371;``."""
    return "&" in text and any(
        html.unescape(match[0]) != match[0]
        for piece in split_code(text)[::2]
        for match in _ENTITY.finditer(piece)
    )


def without_tags(text: str) -> str:
    """``text`` with a space for each tag: what is said, for comparing."""
    return TAG.sub(" ", text) if "<" in text else text


def speaks_of_markup(text: str) -> bool:
    """Whether the words of ``text``, outside its tags, are about markup; tags then are the matter."""
    return _ABOUT.search(without_tags(text)) is not None


def is_page_formatting(text: str) -> bool:
    """Whether every tag of ``text`` only formats it; what the rest of the row says is not asked."""
    tags = list(TAG.finditer(text)) if "<" in text else []
    if not tags or "`" in text or "~~~" in text or _TABLE_ROW.search(text):
        return False
    seen = TAG.sub(" ", text)
    if _BEGINS_TAG.search(seen) or not all(map(_only_looks, tags)) or not _pair_up(tags):
        return False
    stripped = strip_page(text)
    if _BEGINS_TAG.search(stripped) or _ENTITY.search(stripped):
        return False  # What was quoted would become a tag.
    if not stripped:  # An empty paragraph, as editors leave it.
        return all(tag["name"].lower() in _BOXES for tag in tags)
    # What stands between spaces is a word: masking personal data makes no more of them.
    words = [word for word in stripped.split() if _LETTER.search(word)]
    return len(words) >= _FEWEST_WORDS or len(_JAPANESE.findall(stripped)) >= _FEWEST_JAPANESE


def strip_page(text: str) -> str:
    """``text`` without its tags, entities decoded, the page's hard spaces as plain ones."""
    # An entity may be a character that nobody sees.
    return repair_unseen(strip_html(re.sub(r"&nbsp;|&#160;|&#[xX][aA]0;", " ", text)))


def decode_words(text: str) -> str:
    """``text`` with the entities decoded that stand within words, where nothing else is escaped.

    A text that also has a bare ``&``, a ``<``, code or another entity may speak of escaping, and stays
    as it is: half decoded it would be worse than either.
    """
    if "&" not in text or "`" in text or "<" in text or ">" in text or "&" in _ENTITY.sub("", text):
        return text
    decoded = _WORD_ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return text if _ENTITY.search(decoded) else decoded


def _only_looks(tag: re.Match) -> bool:
    names = _NAME.findall(_QUOTED.sub(" ", tag["attributes"]))
    return tag["name"].lower() in LOOKS and all(
        name.lower() in _LOOK_ATTRIBUTES or name.lower().startswith("data-") for name in names
    )


def _pair_up(tags: list[re.Match]) -> bool:
    """Whether each end has its beginning and, but for :data:`_UNCLOSED`, each beginning its end."""
    open_tags: list[str] = []
    for tag in tags:
        name = tag["name"].lower()
        if not tag["end"]:
            open_tags += [] if name in ("br", "hr") else [name]
            continue
        while open_tags and open_tags[-1] != name and open_tags[-1] in _UNCLOSED:
            open_tags.pop()
        if name not in ("br", "hr"):
            if not open_tags or open_tags[-1] != name:
                return False
            open_tags.pop()
    return set(open_tags) <= _UNCLOSED
