"""Characters that say a text was damaged on its way: null bytes, controls, the wrong encoding."""

import re

# Characters that Windows-1252 gives to the bytes 0x80-0xBF, which UTF-8 uses inside characters.
_TAIL = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ"
_QUOTES = "‘’“”–—"
_MOJIBAKE = re.compile(
    "\ufffd"  # what a decoder puts where it gave up: 譁\ufffd
    "|[\x80-\x84\x86-\x9f]"  # Shift_JIS or UTF-8 read as Latin-1: bytes with no letter
    f"|[ÃÂ][{_TAIL}]"  # UTF-8 read as Windows-1252: Ã©
    "|â€[\x80-\xbf™œ˜¦“”]"  # the same for quotation marks: â€™
    f"|(?:[ã-é][{_TAIL}{_QUOTES}]{{2}}){{2}}"  # the same for Japanese: ã‚ã‚Š
    "|[縺繧繝].{0,2}[縺繧繝]"  # UTF-8 read as Shift_JIS: 縺ゅｊ
    r"|(?:[‚ƒ][^\s‚ƒ]){3}"  # Shift_JIS read as Windows-1252: ‚ ‚è
    "|(?:[¤¥][\xa1-\xfe]){3}"  # EUC-JP read as Latin-1: ¤¢¤ê
)
_CONTROL = re.compile("[\x01-\x08\x0b\x0e-\x1f\x7f]")


def damage(text: str) -> str | None:
    """The code of the first kind of damage in ``text``, or None.

    ``"null-byte"``, ``"control-character"`` (tab, line feed, form feed and carriage return are
    none) or ``"mojibake"``. The patterns for mojibake need two or more odd characters in a row;
    a text that quotes mojibake is taken for damaged.
    """
    if "\0" in text:
        return "null-byte"
    if _CONTROL.search(text):
        return "control-character"
    if not text.isascii() and _MOJIBAKE.search(text):
        return "mojibake"
    return None
