"""From bytes to characters: UTF-8 where it is, else what the bytes themselves or a page's head say."""

import codecs
import contextlib
import re
from collections.abc import Iterable, Sequence

from lab_helpers.data.reading.encoding import guess_encoding
from lab_helpers.rag.document_problems import Unusable
from lab_helpers.rag.iso2022jp import decode_iso2022jp, has_iso2022jp, stripped_iso2022jp
from lab_helpers.rag.legacy_encodings import CannotTell, read_legacy, usual_japanese
from lab_helpers.rag.legible import rubbish
from lab_helpers.runtime.language import say

Warnings = list[tuple[str, str]]

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
# Pages say Shift_JIS and mean the set that Windows made of it; browsers take these names so too.
_MEANT = {
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "x-euc-jp": "euc_jp",
    "iso8859-1": "cp1252",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
_SHOWN = {"cp932": "Shift_JIS", "euc_jp": "EUC-JP"}
# Encodings whose text is ASCII by its bytes.
_SEVEN_BITS = ("hz", "iso2022_kr", "utf-7")
_HIRAGANA = re.compile("[\u3041-\u3096]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_GARBLED = 0.1
_SURELY = 3  # By chance, hardly a line of another encoding has that many letters of UTF-8.


def file_kind(content: bytes) -> str | None:
    """What ``content`` is by its first bytes, for a file that is no text; None for text."""
    return next((kind for start, kind in _STARTS.items() if content.startswith(start)), None)


def decode(content: bytes, declared: Sequence[str] = ()) -> tuple[str, Warnings]:
    """The characters of ``content``: UTF-8, else as its marks, one of ``declared`` or its looks say.

    A UTF-8 text with a few wrong bytes keeps the rest. What is ``declared`` counts only where the
    bytes agree. Raises :class:`Unusable` for what is no text.
    """
    if kind := file_kind(content):
        raise Unusable("wrong-extension", kind)
    if not content.strip():
        raise Unusable("empty")
    text, warnings = _read(content, [codec for name in declared if (codec := _codec(name))])
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n"), warnings


def _read(content: bytes, declared: Sequence[str]) -> tuple[str, Warnings]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _other_encoding(content, declared)
    if has_iso2022jp(text):  # All of its bytes are ASCII.
        return _mostly(decode_iso2022jp(text), "ISO-2022-JP")
    if text.count("\0") * 50 > len(text):
        if guess_encoding(content) != "UTF-16":
            raise Unusable("binary")
        return _as(content, "UTF-16")
    stripped = [run for run, meant in stripped_iso2022jp(text) if usual_japanese(meant)]
    if stripped:
        share = sum(map(len, stripped)) / len(text)
        detail = say(
            f"ISO-2022-JP that lost its escape characters, as in {stripped[0][:20]!a}",
            f"エスケープ文字の失われた ISO-2022-JP、例: {stripped[0][:20]!a}",
        )
        if share >= _GARBLED:
            raise Unusable("garbled", detail)
        return text, [("partly-garbled", detail)]
    for codec in declared:
        if codec in _SEVEN_BITS and text.isascii() and (other := _strictly(content, codec)):
            return other, [("other-encoding", codec)] if other != text else []
    return text, []


def _other_encoding(content: bytes, declared: Iterable[str]) -> tuple[str, Warnings]:
    readings = {codec: _strictly(content, codec) for codec in _SHOWN}
    japanese = {codec: text for codec, text in readings.items() if text and _is_japanese(text)}
    for codec in declared:
        # Many encodings read any bytes as something: Japanese ones have the last word on Japanese.
        if japanese and codec not in japanese:
            continue
        text = readings.get(codec) or _strictly(content, codec)
        if text and rubbish(text).share < _GARBLED:
            return text, [("other-encoding", _SHOWN.get(codec, codec))]
    text = content.decode("utf-8-sig", "replace")
    if _few_lost(text):
        return text, [("lost-bytes", str(text.count("\ufffd")))]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _as(content, "UTF-32" if content.startswith(b"\xff\xfe\0\0") else "UTF-16")
    if (wide := _wide(content)) is not None:
        return wide, [("other-encoding", "UTF-16")]
    if detail := _mixture(content):
        raise Unusable("encoding", detail)
    try:
        found = read_legacy(content)
    except CannotTell as either:
        raise Unusable(
            "encoding",
            say(f"its encoding cannot be told: {either}", f"文字コードを判別できません: {either}"),
        ) from None
    if found is None:
        raise _unknown(content)
    return found.text, [("other-encoding", found.name)]


def _unknown(content: bytes) -> Unusable:
    """Text of no known encoding, or no text."""
    start = content[: 1 << 16]
    if _CONTROL.search(start.decode("latin-1")):
        return Unusable("binary")
    guess = guess_encoding(start)
    en, ja = (f"; it may be {guess}", f"。{guess} かもしれません") if guess else ("", "")
    told = say(f"its encoding cannot be told{en}", f"文字コードを判別できません{ja}")
    return Unusable("encoding", told)


def _wide(content: bytes) -> str | None:
    """``content`` as UTF-16 without a byte order mark, where that makes a text of it."""
    found = []
    for codec in ("utf-16-le", "utf-16-be"):
        text = _strictly(content, codec)
        # ASCII letters and line ends have a byte 0, which no other encoding does.
        if text and not _CONTROL.search(text) and (b"\0" in content or _is_japanese(text)):
            found.append(text)
    best = max(found, key=_plain_letters, default=None)
    return best if best and _plain_letters(best) and not rubbish(best).share else None


def _plain_letters(text: str) -> int:
    """Letters that are usual read by the right half of UTF-16 and rare read by the other one."""
    return len(_HIRAGANA.findall(text)) + sum(letter.isascii() for letter in text)


def _mixture(content: bytes) -> str:
    """What is wrong with a file that is UTF-8 in some lines only; empty where it is none at all."""
    wrong: list[tuple[int, bytes]] = []
    right = 0
    for number, line in enumerate(content.split(b"\n"), 1):
        text = _strictly(line, "utf-8")
        if text is None:
            wrong.append((number, line))
        elif sum(not letter.isascii() for letter in text) >= _SURELY:
            right += 1
    if right * 4 < len(wrong):
        return ""
    with contextlib.suppress(CannotTell):
        if found := read_legacy(b"\n".join(line for _, line in wrong)):
            return say(
                f"some of its lines are UTF-8, others {found.name}: line {wrong[0][0]}",
                f"UTF-8 の行と {found.name} の行が混ざっています: {wrong[0][0]} 行目",
            )
    return say(
        f"some of its lines are UTF-8, others are not: line {wrong[0][0]}",
        f"UTF-8 の行とそうでない行が混ざっています: {wrong[0][0]} 行目",
    )


def _mostly(text: str, name: str) -> tuple[str, Warnings]:
    """``text`` as read in the encoding ``name``, if but a few bytes were no characters."""
    lost = text.count("\ufffd")
    if lost and not _few_lost(text):
        raise _not_throughout(name)
    return text, [("other-encoding", name), *([("lost-bytes", str(lost))] if lost else [])]


def _few_lost(text: str) -> bool:
    return text.count("\ufffd") * 10 < sum(not letter.isascii() for letter in text)


def _is_japanese(text: str) -> bool:
    """A tenth of what is not ASCII is hiragana; read by the wrong table, hardly anything is."""
    return len(_HIRAGANA.findall(text)) * 10 > sum(not letter.isascii() for letter in text)


def _codec(name: str) -> str | None:
    """Python's name of the encoding that a page means by ``name``; None where it cannot be meant."""
    name = name.strip().lower()
    try:
        known = _MEANT.get(name) or codecs.lookup(name).name
    except LookupError:
        return None
    known = _MEANT.get(known, known)
    # A name that was found between ASCII letters is not in UTF-16; nor is this a text encoding.
    return None if known.startswith(("utf-16", "utf-32", "utf-8")) or "escape" in known else known


def _strictly(content: bytes, codec: str) -> str | None:
    try:
        return content.decode(codec)
    except (LookupError, ValueError):
        return None


def _as(content: bytes, name: str) -> tuple[str, Warnings]:
    codec = _utf16(content) if name == "UTF-16" else name.lower()
    text = _strictly(content, codec)
    if text is None:
        raise _not_throughout(name)
    return text, [("other-encoding", name)]


def _not_throughout(name: str) -> Unusable:
    return Unusable(
        "encoding",
        say(
            f"it looks like {name}, but is not throughout",
            f"{name} のようですが、そうでない部分があります",
        ),
    )


def _utf16(content: bytes) -> str:
    """The codec by the byte order mark, else by which byte of the first letter is 0."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
