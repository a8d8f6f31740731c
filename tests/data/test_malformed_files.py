"""Hundreds of files broken by rule: each is read or refused, and no text in it is lost unsaid.

Every cell of a file holds a mark of its own (``m0017x``). After the damage each mark that is still in the
file must be in a row, on a line that a bad row names, or on one that a bad row says was left unread.
"""

import csv
import io
import json
import random
import re
from pathlib import Path

import pytest

from lab_helpers.data.reading.files import BadRow, Row, read_rows
from lab_helpers.runtime.errors import BadInput

MARK = re.compile(r"m\d{4}x")
LINE_END = re.compile(r"\r\n|\r|\n")
QUESTIONS = ["Why", "何円ですか", 'say "hi"', "a, b", "two\nlines", '24" wide', '"quoted"']
ANSWERS = ["yes", "はい。", "it's 5\"", '"So" he said', "a\tb", "x, y", "line\r\nend"]
ENCODINGS = ["cp932", "euc_jp", "iso2022_jp", "utf-16", "utf-16-le", "utf-32"]
PUT = [b"\n", b"\r", b"\\", b'\\"', b"'", b"\xff", b"\x82\xa0", b"null", b"12", b"}{", b"][", b",,"]
SEEDS = 120


def make_rows(rng: random.Random) -> list[dict]:
    return [
        {
            "question": f"m{2 * number:04}x {rng.choice(QUESTIONS)}",
            "answer": f"{rng.choice(ANSWERS)} m{2 * number + 1:04}x",
        }
        for number in range(rng.randrange(1, 9))
    ]


def talks(rows: list[dict]) -> list[list[dict]]:
    roles = (("user", "question"), ("assistant", "answer"))
    return [[{"role": role, "content": row[name]} for role, name in roles] for row in rows]


def as_json(rng: random.Random, rows: list[dict]) -> str:
    if rng.random() < 0.3:
        return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"
    shapes = [rows, {"data": rows}, talks(rows), [{"messages": talk} for talk in talks(rows)]]
    return json.dumps(rng.choice(shapes), ensure_ascii=False, indent=rng.choice([None, 0, 1, 4]))


def as_table(rng: random.Random, rows: list[dict], delimiter: str) -> str:
    if delimiter == "\t" and rng.random() < 0.5:
        plain = ("\t".join(re.sub(r"[\t\r\n]", " ", cell) for cell in row.values()) for row in rows)
        return "question\tanswer\n" + "".join(f"{line}\n" for line in plain)
    stream = io.StringIO()
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
    columns = ["question", "answer"]
    writer = csv.DictWriter(
        stream, columns, delimiter=delimiter, lineterminator="\n", quoting=quoting
    )
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


WRITERS = {
    "jsonl": lambda rng, rows: "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows),
    "json": as_json,
    "csv": lambda rng, rows: as_table(rng, rows, ","),
    "tsv": lambda rng, rows: as_table(rng, rows, "\t"),
}


def one_of(rng: random.Random, content: bytes, wanted: bytes) -> int:
    places = [place for place, byte in enumerate(content) if byte in wanted]
    return rng.choice(places) if places else 0


def cut(rng, content):
    return content[: rng.randrange(len(content))]


def behead(rng, content):
    return content[rng.randrange(len(content)) :]


def take_out(rng, content):
    place = one_of(rng, content, rng.choice([b'"', b"[]{}", b",\t", b"\n"]))
    return content[:place] + content[place + 1 :]


def double(rng, content):
    place = one_of(rng, content, rng.choice([b'"', b"[]{}", b",\t", b"\n"]))
    return content[: place + 1] + content[place:]


def put_in(rng, content):
    place = rng.randrange(len(content))
    what = rng.choice([*PUT, b"\xef\xbb\xbf", bytes(rng.randrange(1, 5))])
    return content[:place] + what + content[place:]


def take_piece(rng, content):
    start = rng.randrange(len(content))
    return content[:start] + content[start + rng.randrange(40) :]


def encode_otherwise(rng, content):
    return content.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


def swap_line_ends(rng, content):
    return content.replace(b"\n", rng.choice([b"\r", b"\r\n", b"\n\n"]))


def repeat_start(rng, content):
    return content + content[: rng.randrange(len(content))]


def swap_type(rng, content):
    marks = list(re.finditer(rb'"m\d{4}x[^"]*"', content))
    if not marks:
        return content
    found = rng.choice(marks)
    value = rng.choice([b"17", b"[%b]" % found[0], b'{"inner": %b}' % found[0], b"NaN"])
    return content[: found.start()] + value + content[found.end() :]


DAMAGES = [cut, behead, take_out, double, put_in, take_piece, encode_otherwise, swap_line_ends,
           repeat_start, swap_type]  # fmt: skip


def read_or_refuse(path: Path) -> list[Row | BadRow] | None:
    """The rows, or None where the file is refused with words and a way out."""
    refusal = None
    try:
        return list(read_rows(path))
    except BadInput as error:
        refusal = error
    assert refusal.what
    assert refusal.fix
    return None


def check(path: Path, content: bytes) -> str:
    """Raises AssertionError for a mark that is lost; returns what became of the file."""
    path.write_bytes(content)
    found = read_or_refuse(path)
    if found is None:
        return "refused"
    bad = [row for row in found if isinstance(row, BadRow)]
    assert all(row.unread == 0 or "left unread" in row.problem for row in bad)
    read = json.dumps([row.values for row in found if isinstance(row, Row)], ensure_ascii=False)
    text = content.decode("utf-8-sig", "surrogateescape")
    filled = [(n, line) for n, line in enumerate(LINE_END.split(text), 1) if line.strip()]
    if path.suffix.startswith(".json") and len(filled) == 1:
        # One line: the numbers are those of entries, and what is unread is counted in characters.
        assert bad or not set(MARK.findall(text)) - set(MARK.findall(read))
        return "bad" if bad else "read"
    if path.suffix in (".csv", ".tsv"):
        header_lines = LINE_END.split(text[: end_of_header(text, path.suffix)])
        filled = [(n, line) for n, line in filled if n > len(header_lines)]
    lost = [
        (n, mark)
        for n, line in filled
        for mark in MARK.findall(line)
        if mark not in read and not any(row.line <= n <= row.line + row.unread for row in bad)
    ]
    assert not lost, (lost, bad, content)
    return "bad" if bad else "read"


def end_of_header(text: str, suffix: str) -> int:
    """Where the header ends, which may be what the damage left of a row of several lines."""
    start = len(text) - len(text.lstrip())
    lines = io.StringIO(text[start:], newline="")
    if suffix == ".csv" or text.lstrip().startswith('"'):
        next(csv.reader(lines, delimiter="," if suffix == ".csv" else "\t"), None)
    else:
        lines.readline()
    return start + lines.tell() - 1


@pytest.mark.parametrize("kind", WRITERS)
def test_no_text_of_a_malformed_file_is_lost_unsaid(tmp_path, kind):
    outcomes = set()
    for seed in range(SEEDS):
        rng = random.Random(f"{kind} {seed}")
        content = WRITERS[kind](rng, make_rows(rng)).encode()
        damages = [DAMAGES[seed % len(DAMAGES)], *rng.choices(DAMAGES, k=rng.choice([0, 0, 1, 2]))]
        for damage in damages:
            content = damage(rng, content) or b" "
        outcomes.add(check(tmp_path / f"x.{kind}", content))
    assert outcomes == {"read", "bad", "refused"}


@pytest.mark.parametrize("kind", WRITERS)
def test_undamaged_files_of_these_kinds_are_read_whole(tmp_path, kind):
    for seed in range(30):
        rng = random.Random(f"{kind} {seed}")
        content = WRITERS[kind](rng, make_rows(rng)).encode()
        outcome = check(tmp_path / f"x.{kind}", content)
        # A TSV in which nothing tells whether marks are text may have lines in doubt.
        assert outcome == "read" or (kind == "tsv" and outcome == "bad"), content


def test_rows_of_a_damaged_parquet_file_are_all_accounted_for(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    outcomes = set()
    for seed in range(60):
        rng = random.Random(seed)
        rows = rng.randrange(1, 2000)
        table = pa.table({"a": [f"text {n}" for n in range(rows)], "b": list(range(rows))})
        pq.write_table(table, path, compression=rng.choice(["none", "snappy", "gzip", "zstd"]),
                       row_group_size=rng.choice([100, 1000]))  # fmt: skip
        content = bytearray(path.read_bytes())
        footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
        for _ in range(rng.choice([1, 3, 20])):
            content[rng.randrange(4, footer)] ^= rng.randrange(1, 256)
        path.write_bytes(content if seed % 5 else content[: rng.randrange(len(content))])
        found = read_or_refuse(path)
        if found is None:
            outcomes.add("refused")
            continue
        assert sum(1 + getattr(row, "unread", 0) for row in found) == rows
        outcomes.add("bad" if any(isinstance(row, BadRow) for row in found) else "read")
    assert {"bad", "refused"} <= outcomes


def test_a_text_that_is_not_utf8_in_a_parquet_file_costs_its_row_only(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "x.parquet"
    texts = pa.array([b"fine", "は".encode(), b"\xff\xfe", b"last"])
    table = pa.table({"a": texts.view(pa.string())})
    pq.write_table(table, path)
    rows = list(read_rows(path))
    assert [isinstance(row, Row) for row in rows] == [True, True, False, True]
    assert rows[2] == BadRow(3, "is not UTF-8")
