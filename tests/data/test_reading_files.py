"""Reading other people's files: every format, every way to be broken, and a million rows."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_back import refusal, values

from lab_helpers.data.reading.files import BadRow, Row, count_lines, read_rows
from lab_helpers.runtime.errors import BadInput

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
ROWS = [
    {"question": "何円ですか。", "answer": "118,000円です。"},
    {"question": "Why?", "answer": "So."},
]

# Control characters are left out: a small file full of them passes for binary.
letters = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\u2028\u0085,\"'")
cells = st.text(letters, max_size=20)
tables = st.lists(st.fixed_dictionaries({"a": cells, "b": cells}), min_size=1, max_size=6)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def jsonl(rows) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def csv_of(rows, delimiter=",") -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


WRITERS = {
    "x.jsonl": jsonl,
    "x.csv": csv_of,
    "x.tsv": lambda rows: csv_of(rows, "\t"),
    "x.json": lambda rows: json.dumps(rows, ensure_ascii=False, indent=1),
}
every_text_format = pytest.mark.parametrize("name", WRITERS)


@every_text_format
@given(rows=tables)
def test_what_is_written_is_read(tmp_path_factory, name, rows):
    path = written(tmp_path_factory.getbasetemp(), name, WRITERS[name](rows))
    assert values(path) == rows


@given(rows=tables)
def test_parquet_is_read(tmp_path_factory, rows):
    import pyarrow
    import pyarrow.parquet

    path = tmp_path_factory.getbasetemp() / "x.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    assert [(row.line, row.values) for row in read_rows(path)] == list(enumerate(rows, 1))
    assert count_lines(path) == len(rows)


@every_text_format
def test_a_byte_order_mark_is_accepted(tmp_path, name):
    path = written(tmp_path, name, b"\xef\xbb\xbf" + WRITERS[name](ROWS).encode())
    assert values(path) == ROWS


@every_text_format
@pytest.mark.parametrize(
    ("encoding", "guess"),
    [
        ("shift_jis", "Shift_JIS"),
        ("euc_jp", "EUC-JP"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
    ],
)
def test_another_encoding_is_named_with_the_wrong_byte(tmp_path, name, encoding, guess):
    content = WRITERS[name](ROWS * 5).encode(encoding)
    error = refusal(written(tmp_path, name, content))
    assert f"it looks like {guess}" in error.what
    byte = int(error.what.split("byte ")[1].split(";")[0])
    with pytest.raises(UnicodeDecodeError) as caught:
        content.decode("utf-8")
    assert byte == (caught.value.start if encoding != "utf-16-le" else byte)


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_one_damaged_line_in_a_utf8_file_is_a_bad_row(tmp_path, name):
    lines = WRITERS[name](ROWS * 4).encode().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"S", b"\xff") if b"S" in lines[4] else b'"\xff\xfe","x"\n'
    rows = list(read_rows(written(tmp_path, name, b"".join(lines))))
    bad = [row for row in rows if isinstance(row, BadRow)]
    assert len(rows) == 8
    assert [row.line for row in bad] == [5]
    assert "is not UTF-8" in bad[0].problem


@pytest.mark.parametrize("kept", [1, 10, 30])
def test_a_half_written_last_line_is_named(tmp_path, kept):
    content = jsonl(ROWS) + jsonl(ROWS[:1])[:kept]
    *good, last = read_rows(written(tmp_path, "x.jsonl", content))
    assert [row.values for row in good] == ROWS
    assert isinstance(last, BadRow)
    assert last.line == 3
    assert "half-written" in last.problem


@pytest.mark.parametrize(
    "broken",
    [
        "nonsense",
        "[1]",
        "7",
        '"x"',
        '{"a": }',
        '{"a": 1} {"b": 2}',
        '{"a": "\\ud800"}',
        "[" * 99999,
    ],
)
def test_a_broken_line_does_not_stop_the_reading(tmp_path, broken):
    content = jsonl(ROWS) + broken + "\n" + jsonl(ROWS)
    rows = list(read_rows(written(tmp_path, "x.jsonl", content)))
    assert [row.line for row in rows] == [1, 2, 3, 4, 5]
    assert [isinstance(row, BadRow) for row in rows] == [False, False, True, False, False]
    assert "is not" in rows[2].problem


def test_a_json_array_has_the_lines_of_its_objects(tmp_path):
    content = '[\n {"a": 1},\n {"a":\n  2},\n 3,\n {"a": 4}\n]'
    rows = list(read_rows(written(tmp_path, "x.json", content)))
    assert [row.line for row in rows] == [2, 3, 5, 6]
    assert isinstance(rows[2], BadRow)


def test_a_json_array_on_one_line_counts_its_objects(tmp_path):
    rows = read_rows(written(tmp_path, "x.json", '[{"a": 1}, {"a": 2}]'))
    assert [row.line for row in rows] == [1, 2]


@pytest.mark.parametrize("cut", [12, 18, 19])
def test_a_cut_json_array_keeps_what_came_before(tmp_path, cut):
    content = '[{"a": 1},\n{"a": 2}]'
    assert len(content) == 20
    first, *_, last = read_rows(written(tmp_path, "x.json", content[:cut]))
    assert first == Row(1, {"a": 1})
    assert isinstance(last, BadRow)
    assert last.line == 2


def test_an_object_with_a_single_list_holds_the_rows(tmp_path):
    content = json.dumps({"version": "1.0", "data": ROWS, "note": {"x": []}}, indent=2)
    rows = list(read_rows(written(tmp_path, "x.json", content)))
    assert [row.values for row in rows] == ROWS
    assert [row.line for row in rows] == [4, 8]


def test_one_conversation_in_a_json_file_is_one_row(tmp_path):
    row = {"messages": [{"role": "user", "content": "Hi"}]}
    assert values(written(tmp_path, "x.json", json.dumps(row))) == [row]


def test_two_lists_in_an_object_are_refused(tmp_path):
    error = refusal(written(tmp_path, "x.json", json.dumps({"train": ROWS, "test": ROWS})))
    assert "2 lists (train, test)" in error.what


def test_json_lines_in_a_json_file_are_read(tmp_path):
    assert values(written(tmp_path, "x.json", jsonl(ROWS))) == ROWS


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff", "[]", "[ ]\n"])
@pytest.mark.parametrize("name", WRITERS)
def test_an_empty_file_is_refused(tmp_path, name, content):
    if "[" in content and name != "x.json":
        pytest.skip("brackets are text in other formats")
    assert f"{name} has no rows" in refusal(written(tmp_path, name, content)).what


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04" + bytes(300), "Excel"),
        (b"\x1f\x8b\x08" + bytes(300), "gzip"),
        (b"%PDF-1.7\n", "PDF"),
        (bytes(range(256)) * 20, "not"),
    ],
)
def test_a_binary_file_is_refused(tmp_path, content, kind):
    assert kind in refusal(written(tmp_path, "x.csv", content)).what


def test_something_else_called_parquet_is_refused(tmp_path):
    assert "not a Parquet file" in refusal(written(tmp_path, "x.parquet", jsonl(ROWS))).what
    assert "not a Parquet file" in refusal(written(tmp_path, "y.parquet", "")).what


def test_too_many_cells_are_a_bad_row_and_empty_ones_do_not_count(tmp_path):
    content = "question,answer\na,b\nwell, yes,b\nc,d,,\n"
    rows = list(read_rows(written(tmp_path, "x.csv", content)))
    assert [row.line for row in rows] == [2, 3, 4]
    assert "3 cells" in rows[1].problem
    assert rows[2].values == {"question": "c", "answer": "d"}


def test_a_quotation_mark_that_is_never_closed_is_named_where_it_opens(tmp_path):
    content = "question,answer\na,b\n" + '"open,b\n' + "c,d\n" * 50
    rows = list(read_rows(written(tmp_path, "x.csv", content)))
    assert [row.line for row in rows] == list(range(2, 54))
    assert "never closed" in rows[1].problem
    assert all(row.values == {"question": "c", "answer": "d"} for row in rows[2:])


@pytest.mark.parametrize(
    ("header", "said"), [("a;b\n1;2\n", "';'"), ("a,a\n1,2\n", "two columns called 'a'")]
)
def test_an_odd_header_is_refused(tmp_path, header, said):
    assert said in refusal(written(tmp_path, "x.csv", header)).what


@pytest.mark.parametrize("name", ["x.txt", "x.jsonl.gz", "x", "x.xlsx"])
def test_an_unknown_type_is_refused(tmp_path, name):
    error = refusal(written(tmp_path, name, "a"))
    assert "unknown file type" in error.what
    assert ".parquet" in error.fix


@given(
    content=st.binary(max_size=200),
    name=st.sampled_from(["f.jsonl", "f.csv", "f.json", "f.parquet"]),
)
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, name):
    path = written(tmp_path_factory.getbasetemp(), name, content)
    try:
        rows = list(read_rows(path))
    except BadInput:
        return
    for row in rows:
        json.dumps(list(row), ensure_ascii=False, default=str).encode()


BIG = """
import sys
from lab_helpers.data.forms.validation import check_file
report = check_file(sys.argv[1])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(report.rows, report.good, report.duplicates, int(peak) // 1024)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_a_million_rows_are_counted_in_bounded_memory(tmp_path):
    path = tmp_path / "big.jsonl"
    with path.open("w") as stream:
        for start in range(0, 1_000_000, 1000):
            numbers = range(start, start + 1000)
            stream.write("".join(f'{{"question":"q{n}","answer":"a"}}\n' for n in numbers))
    done = subprocess.run(
        [sys.executable, "-c", BIG, str(path)], capture_output=True, text=True, check=True
    )
    rows, good, duplicates, megabytes = map(int, done.stdout.split())
    assert (rows, good, duplicates) == (1_000_000, 1_000_000, 0)
    assert megabytes < 300


# Other people's files, in their publishers' own formats


def published(name: str) -> Path:
    path = SHARED / name
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine: it is not part of the project")
    return path


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("gsm8k_test.jsonl", 1319, {"question", "answer"}),
        ("jcommonsenseqa_valid.json", 1119, {"q_id", "question", "label"}),
        ("ner_wikipedia_ja.json", 1500, {"text", "entities"}),
    ],
)
def test_published_files_are_read_whole(name, rows, columns):
    found = values(published(name))
    assert len(found) == rows
    assert all(columns <= set(row) for row in found)


def test_a_published_archive_is_refused_with_the_way_out():
    assert "Unpack" in refusal(published("HumanEval.jsonl.gz")).fix
