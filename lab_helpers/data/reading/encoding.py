"""Is a file UTF-8 text? If not, which byte is wrong, and what encoding does the file look like?"""

import re
from pathlib import Path

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import Text, say

# What errors="surrogateescape" makes of a byte that is not UTF-8.
ESCAPED_BYTE = re.compile("[\udc80-\udcff]")

_SAMPLE = 1 << 16
# The encodings Japanese and English tables come in. Left free, the guesser finds Korean (cp949) in
# short Shift_JIS files.
_LIKELY = ["cp932", "euc_jp", "iso2022_jp", "utf_16", "utf_32", "cp1252"]
_NAMES: dict[str, str | Text] = {
    "cp932": "Shift_JIS",
    "shift_jis": "Shift_JIS",
    "euc_jp": "EUC-JP",
    "iso2022_jp": "ISO-2022-JP",
    "utf_16": "UTF-16",
    "utf_16_le": "UTF-16",
    "utf_16_be": "UTF-16",
    "utf_32": "UTF-32",
    "cp1252": Text("Windows-1252 (Western European)", "Windows-1252（西欧）"),
}
_BINARY_STARTS = {
    b"PK\x03\x04": Text(
        "an Excel file (.xlsx) or a ZIP archive", "Excel ファイル（.xlsx）または ZIP ファイル"
    ),
    b"\xd0\xcf\x11\xe0": Text(
        "an old Excel or Word file (.xls, .doc)",
        "古い形式の Excel または Word のファイル（.xls、.doc）",
    ),
    b"\x1f\x8b": Text("a gzip archive", "gzip ファイル"),
    b"%PDF": Text("a PDF", "PDF"),
    b"PAR1": Text("a Parquet file", "Parquet ファイル"),
    b"\x89PNG": Text("a picture", "画像"),
    b"\xff\xd8\xff": Text("a picture", "画像"),
}
_JAPANESE = re.compile("[\u3000-\u30ff\u3220-\u33ff\u2460-\u2473\u4e00-\u9fff\uff01-\uff9f]")
# Switches to Japanese characters (JIS X 0208, X 0201 kana, X 0212) in 7-bit text.
_ESCAPE = re.compile(rb"\x1b(?:\$[@B]|\$\([DO]|\([IJ])")
_FIX = Text(
    "Save it as UTF-8; Excel calls it 'CSV UTF-8', and Japanese files are often Shift_JIS.",
    "UTF-8 で保存し直してください。Excel では「CSV UTF-8」を選びます。日本語のファイルは Shift_JIS であることがよくあります。",
)


def check_encoding(path: Path) -> None:
    """Raise :class:`BadInput` unless ``path`` is UTF-8 text, naming the first wrong byte.

    A few damaged lines in a UTF-8 file pass: the reader names them one by one. The file is another
    encoding when more of its non-ASCII lines are wrong than right, or when it switches to Japanese by
    escape sequences (ISO-2022-JP), all of whose bytes are ASCII.
    """
    with path.open("rb") as stream:
        start = stream.read(_SAMPLE)
        for magic, kind in _BINARY_STARTS.items():
            if start.startswith(magic):
                raise BadInput(
                    say(
                        f"{path.name} is {kind}, not text",
                        f"{path.name} はテキストではなく、{kind}です",
                    ),
                    say(
                        "Export it as CSV (UTF-8) or JSONL.",
                        "CSV（UTF-8）か JSONL で書き出してください。",
                    ),
                )
        if start.startswith((b"\xff\xfe", b"\xfe\xff")) or _looks_binary(start):
            _refuse(path, 0, start)
        stream.seek(0)
        first_bad, right, wrong, position = -1, 0, 0, 0
        sample = b""
        for line in stream:
            if b"\x1b" in line and (escape := _ESCAPE.search(line)):
                _refuse(path, position + escape.start(), line)
            if not line.isascii():
                try:
                    line.decode("utf-8")
                    right += 1
                except UnicodeDecodeError as error:
                    wrong += 1
                    if first_bad < 0:
                        first_bad = position + error.start
                    if len(sample) < _SAMPLE:
                        sample += line
            position += len(line)
    if wrong > right:
        _refuse(path, first_bad, sample)


def _looks_binary(start: bytes) -> bool:
    """More than one byte in fifty is a control character that no text file has."""
    controls = sum(byte < 9 or 13 < byte < 27 for byte in start)
    return controls * 50 > len(start)


def _refuse(path: Path, byte: int, sample: bytes) -> None:
    guess = guess_encoding(sample)
    if guess is None and _looks_binary(sample):
        raise BadInput(
            say(
                f"{path.name} is a binary file, not text",
                f"{path.name} はテキストではなくバイナリファイルです",
            ),
            say(
                "Give CSV, TSV, JSON or JSONL in UTF-8.",
                "UTF-8 の CSV、TSV、JSON、JSONL のいずれかを指定してください。",
            ),
        )
    looks = say(f"; it looks like {guess}", f"。{guess} のようです") if guess else ""
    raise BadInput(
        say(
            f"{path.name} is not UTF-8 (byte {byte}{looks})",
            f"{path.name} は UTF-8 ではありません（{byte} バイト目{looks}）",
        ),
        str(_FIX),
    )


def guess_encoding(sample: bytes) -> str | None:
    """The likely encoding of ``sample`` (bytes that are not UTF-8) by its usual name, or None.

    ISO-2022-JP is told by its escape sequences, which no UTF-8 text has.
    """
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    if sample.count(0) * 4 > len(sample):  # ASCII letters in UTF-16 are every second byte 0.
        half = sample[: len(sample) // 2 * 2]
        for name in ("utf-16-le", "utf-16-be"):
            try:
                decoded = half.decode(name)
            except UnicodeDecodeError:
                continue
            if sum(letter.isprintable() or letter.isspace() for letter in decoded) > 0.9 * len(
                decoded
            ):
                return "UTF-16"
        return None
    if _ESCAPE.search(sample):
        return "ISO-2022-JP"
    if _looks_binary(sample):
        return None
    import charset_normalizer

    best = charset_normalizer.from_bytes(sample, cp_isolation=_LIKELY).best()
    if best:
        return str(_NAMES.get(best.encoding, best.encoding))
    return "Shift_JIS" if _reads_as_japanese(sample, "cp932") else None


def _reads_as_japanese(sample: bytes, codec: str) -> bool:
    """For short texts full of ①, ㈱, 髙 and half-width kana, of which the guesser makes nothing."""
    try:
        letters = [letter for letter in sample.decode(codec) if not letter.isascii()]
    except UnicodeDecodeError:
        return False
    return sum(map(bool, map(_JAPANESE.match, letters))) * 2 > len(letters)
