"""ISO-2022-JP, the 7-bit encoding of Japanese mail: escape sequences switch between character sets.

Python's codecs know the standard sets only. Mail also holds ① and ㈱, which Windows adds (CP50221);
so a double byte is moved to where Shift_JIS has it, and read as Windows reads that.
"""

import re

# JIS X 0208 of 1978 and of 1983, JIS X 0212, half-width kana: no other text has these sequences.
# (ESC ( B alone is also what a terminal sends to end bold.)
_JAPANESE = re.compile("\x1b(?:\\$[@B]|\\$\\([@BD]|\\(I)")
_SWITCH = re.compile("\x1b(\\$\\(?[@BD]|\\([BJI])")
# What is left of "ESC $ B … ESC ( B" without its two control characters.
_STRIPPED = re.compile(r"(?<!\x1b)\$[@B]((?:[!-~]{2}){1,500}?)\([BJ]")
_JAPANESE_LETTER = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff01-\uff9f\u2460-\u2473]")
_PAIR_OR_STRAY = re.compile(rb"[\x21-\x7e]{1,2}")
_STRAY = "\uf8f3"  # What cp932 makes of 0xFF, which is in no pair.


def has_iso2022jp(text: str) -> bool:
    """Whether ``text`` switches to Japanese characters by an escape sequence."""
    return _JAPANESE.search(text) is not None


def stripped_iso2022jp(text: str) -> list[tuple[str, str]]:
    """The parts of ``text`` that lost their escape characters, as ``$BJ]>Z(B``, each with what it would be."""
    runs = [(found[0], _in_set("$B", found[1])) for found in _STRIPPED.finditer(text)]
    return [(run, meant) for run, meant in runs if all(map(_JAPANESE_LETTER.match, meant))]


def decode_iso2022jp(text: str) -> str:
    """``text``, read as UTF-8 so far, with what its escape sequences say in their character sets.

    A mailbox can hold both encodings. Bytes that are no character become ``\\ufffd``.
    """
    first, *rest = _SWITCH.split(text)
    parts = [first]
    for switch, characters in zip(rest[::2], rest[1::2], strict=True):
        # Each line begins in ASCII again, also where the sequence for it was forgotten.
        line, newline, after = characters.partition("\n")
        parts.append(_in_set(switch, line) + newline + after)
    return "".join(parts)


def _in_set(switch: str, characters: str) -> str:
    if switch == "(B":
        return characters
    if switch == "(J":
        return characters.replace("\\", "¥").replace("~", "‾")
    data = characters.encode()
    if switch == "(I":
        kana = bytes(byte | 0x80 if 0x21 <= byte <= 0x5F else byte for byte in data)
        return kana.decode("cp932", "replace")
    if switch == "$(D":
        return (b"\x1b$(D" + data).decode("iso2022_jp_ext", "replace")
    moved = _PAIR_OR_STRAY.sub(lambda pair: _to_shift_jis(*pair[0]), data)
    return moved.decode("cp932", "replace").replace(_STRAY, "\ufffd")


def _to_shift_jis(row: int, cell: int | None = None) -> bytes:
    if cell is None:
        return b"\xff"
    lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
    if row % 2:
        return bytes([lead, cell + (0x1F if cell < 0x60 else 0x20)])
    return bytes([lead, cell + 0x7E])
