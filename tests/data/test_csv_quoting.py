"""Quotation marks in CSV and TSV: text or syntax, and nothing swallowed when one is never closed."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.forms.shapes import detect_shape
from lab_helpers.data.reading import csv_records
from lab_helpers.data.reading.files import BadRow, Row, read_rows
from lab_helpers.runtime.errors import BadInput


def read(folder: Path, name: str, content: str) -> list[Row | BadRow]:
    path = folder / name
    path.write_bytes(content.encode())
    return list(read_rows(path))


def table(*lines: str, header: str = "q\ta") -> str:
    return "\n".join([header, *lines]) + "\n"


def cells(rows: list[Row | BadRow]) -> list[list[str | None]]:
    assert all(isinstance(row, Row) for row in rows), rows
    return [list(row.values.values()) for row in rows]


def bad(rows: list[Row | BadRow]) -> list[tuple[int, int]]:
    """Line and unread lines of every bad row."""
    return [(row.line, row.unread) for row in rows if isinstance(row, BadRow)]


# TSV: marks as text


@pytest.mark.parametrize(
    "lines",
    [
        ['Size?\t"32" is the largest.', 'And wide?\t19" or 21"', 'Deep?\t"flat"'],
        ['"Start" or "stop"?\t"Start" comes first.', "Why?\tSo."],
        ['"Which one?\tThe lamp.', "Where?\tHere."],
        ['"Which one?\tThe lamp.', 'Really?"\tYes.', "Where?\tHere."],
        ['How?\t"Slowly.', "Why?\tSo.", 'Then?\tDone."', "Where?\tHere."],
        ['"Which one?\tThe lamp.', 'Says "who"?\tShe.', "Where?\tHere.", 'What"?\tThat.'],
        ['"\tfirst', '"\tsame again', "x\ty"],
        ['\\"a\\"\tb', "c\td"],
        ["「はい」\t“yes”", "c\td"],
    ],
    ids=[
        "inch",
        "pairs",
        "opened",
        "merged_question",
        "merged_answer",
        "mixed",
        "ditto",
        "backslash",
        "curly",
    ],
)
def test_in_plain_tsv_a_mark_is_text(tmp_path, lines):
    rows = read(tmp_path, "x.tsv", table(*lines))
    assert cells(rows) == [line.split("\t") for line in lines]
    assert [row.line for row in rows] == list(range(2, len(lines) + 2))


@given(
    lines=st.lists(
        st.lists(st.text('ab "5', min_size=1, max_size=6), min_size=2, max_size=2), min_size=1
    )
)
def test_no_line_of_a_plain_tsv_is_lost_whatever_its_marks(tmp_path_factory, lines):
    """Every line is a row with the line's own text or its quoted reading, or a bad row."""
    content = table(*("\t".join(pair) for pair in lines))
    try:
        rows = read(tmp_path_factory.getbasetemp(), "plain.tsv", content)
    except BadInput:
        return
    taken = sum(1 + getattr(row, "unread", 0) for row in rows)
    assert taken == sum(bool("\t".join(pair)) for pair in lines)
    for row in rows:
        if isinstance(row, Row):
            plain = lines[row.line - 2]
            assert list(row.values.values()) in (plain, [unquoted(cell) for cell in plain])


def unquoted(cell: str) -> str:
    return next(csv.reader([cell], delimiter="\t"), [""])[0]


# TSV: quoted as spreadsheets do


@pytest.mark.parametrize(
    "rows",
    [
        [['say "hi"', "b"], ["c", "d"]],
        [["two\nlines", "b"], ["c", "d"]],
        [["a", "two\r\nlines\n\nand more"], ["c", 'a "d"']],
        [["tab\there", "b"], ["c", "d"]],
        [["c", "d"], ['ends in a mark"', "x"], ["e", "f"]],
    ],
    ids=["doubled", "lines", "lines_last", "tabs", "mark_at_end"],
)
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_a_tsv_that_a_spreadsheet_quoted_is_unquoted(tmp_path, rows, quoting):
    stream = io.StringIO()
    csv.writer(stream, csv.excel_tab, quoting=quoting).writerows([["q", "a"], *rows])
    assert cells(read(tmp_path, "x.tsv", stream.getvalue())) == rows


def test_excel_quotes_the_cells_with_commas_and_no_others(tmp_path):
    rows = read(tmp_path, "x.tsv", table('How long?\t"Two, or three."', "When?\tNow."))
    assert cells(rows) == [["How long?", "Two, or three."], ["When?", "Now."]]


def test_where_all_texts_are_quoted_the_marks_are_no_text(tmp_path):
    rows = read(tmp_path, "x.tsv", table('"one"\t"two"', '"three"\t12', header='"q"\t"a"'))
    assert cells(rows) == [["one", "two"], ["three", "12"]]


def test_where_nothing_tells_only_the_lines_in_doubt_are_refused(tmp_path):
    rows = read(tmp_path, "x.tsv", table("How?\tSo.", 'Tall?\t"tall"', "Why?\tBecause."))
    assert [row.line for row in rows] == [2, 3, 4]
    assert bad(rows) == [(3, 0)]
    assert "does not tell whether" in rows[1].problem
    assert ".csv" in rows[1].problem


def test_a_mark_in_a_spreadsheets_tsv_that_would_merge_rows_is_named(tmp_path):
    lines = ['"say ""a"""\tb', '"say ""c"""\td', '"Which?\tLamp.', 'Who?"\tShe.', "e\tf"]
    rows = read(tmp_path, "x.tsv", table(*lines))
    assert bad(rows) == [(4, 1)]
    assert "merge whole rows" in rows[2].problem
    assert "1 line after it was left unread" in rows[2].problem
    assert rows[-1] == Row(6, {"q": "e", "a": "f"})


def test_too_many_tabs_are_a_bad_row(tmp_path):
    rows = read(tmp_path, "x.tsv", table("a\tb", 'c" d\te\tf', "g\th\t\t"))
    assert bad(rows) == [(3, 0)]
    assert "3 cells where the header has 2" in rows[1].problem


# CSV


def test_what_an_open_mark_swallowed_is_read_again_up_to_the_next_quoted_cell(tmp_path):
    lines = ["a,b", '"open,b', "c,d", "e,f", '"g, h",i', '"j ""k""",l']
    rows = read(tmp_path, "x.csv", table(*lines, header="q,a"))
    assert bad(rows) == [(3, 0)]
    assert "never closed" in rows[1].problem
    assert [row.values["q"] for row in rows if isinstance(row, Row)] == [
        "a",
        "c",
        "e",
        "g, h",
        'j "k"',
    ]


def test_lines_that_are_no_rows_after_an_open_mark_are_counted_as_unread(tmp_path):
    letter = ['"Dear all,', "the lamp, which I bought, is dark", "Yours", "A. Reader"]
    rows = read(tmp_path, "x.csv", table("a,b", *letter, header="q,a"))
    assert bad(rows) == [(3, 3)]
    assert "3 lines after it were left unread" in rows[1].problem
    rows = read(tmp_path, "x.csv", table(*letter, '"well, yes",b', "c,d", header="q,a"))
    assert bad(rows) == [(2, 3)]
    assert cells(rows[1:]) == [["well, yes", "b"], ["c", "d"]]


def test_text_after_a_closing_mark_costs_that_line_only(tmp_path):
    rows = read(tmp_path, "x.csv", table('"a" x,b', "c,d", '"e \\"f\\"",g', "h,i", header="q,a"))
    assert bad(rows) == [(2, 0), (4, 0)]
    assert "written twice" in rows[0].problem
    assert "backslash" in rows[2].problem


def test_a_record_of_several_lines_with_a_mistake_in_it_is_one_bad_row(tmp_path):
    rows = read(tmp_path, "x.csv", table('"two', 'lines",b,c', "d,e", header="q,a"))
    assert bad(rows) == [(2, 1)]
    assert "3 cells where the header has 2" in rows[0].problem
    rows = read(tmp_path, "x.csv", table('"How?', 'Please.",Press "on" now.', "d,e", header="q,a"))
    assert cells(rows) == [["How?\nPlease.", 'Press "on" now.'], ["d", "e"]]


def test_a_header_that_cannot_be_read_is_refused_with_its_line(tmp_path):
    with pytest.raises(
        BadInput, match=r"header of x\.csv cannot be read .line 1 opens a quotation"
    ):
        read(tmp_path, "x.csv", '"q,a\nb,c\n')


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_excels_own_first_line_names_the_separator(tmp_path, separator):
    content = f"sep={separator}\r\nq{separator}a\r\nb{separator}c\r\n"
    assert read(tmp_path, "x.csv", content) == [Row(3, {"q": "b", "a": "c"})]


def test_a_cell_without_a_column_name_is_not_lost(tmp_path):
    rows = read(tmp_path, "x.csv", ",q,a,\n0,b,c,\n1,d,e,note\n")
    assert rows[0] == Row(2, {"q": "b", "a": "c"})
    assert "'note') in column 4, which has no name" in rows[1].problem


def test_a_title_above_the_header_is_refused_by_name(tmp_path):
    with pytest.raises(BadInput, match="title above the header") as caught:
        read(tmp_path, "x.csv", "Our questions 2026,\n,\nq,a\nb,c\n")
    assert "Delete the lines above" in caught.value.fix
    assert read(tmp_path, "x.csv", ",text\n0,b\n") == [Row(2, {"text": "b"})]


@pytest.mark.parametrize(("name", "comma"), [("x.csv", ","), ("x.tsv", "\t")])
def test_a_title_of_one_cell_is_refused_by_name(tmp_path, name, comma):
    for title in ("# exported 2026", "Questions\nof the shop"):
        with pytest.raises(BadInput, match="title above the header") as caught:
            read(tmp_path, name, f"{title}\nq{comma}a\nb{comma}c\nd{comma}e\n")
        assert "Delete the lines above" in caught.value.fix


def test_sentences_with_commas_under_one_name_are_no_table(tmp_path):
    rows = read(tmp_path, "x.csv", "text\nWell, yes\nNo, thanks\n")
    assert [row.problem.split(":")[0] for row in rows] == ["has 2 cells where the header has 1"] * 2
    assert cells(read(tmp_path, "x.csv", "text\nhello\nworld\n")) == [["hello"], ["world"]]


@pytest.mark.parametrize(("name", "comma"), [("x.csv", ","), ("x.tsv", "\t")])
def test_a_header_in_the_middle_is_no_row(tmp_path, name, comma):
    table = f"q{comma}a\nb{comma}c\n"
    first, joined, second = read(tmp_path, name, table + "\ufeff" + table)
    assert (first, second) == (Row(2, {"q": "b", "a": "c"}), Row(4, {"q": "b", "a": "c"}))
    assert joined == BadRow(3, "repeats the header: two files were joined")


# CSV: a space before a mark


@pytest.mark.parametrize("header", ["q,a", "q, a", '"q", "a"', '"q","a"'])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['"How?", "3 years."', '"Who?", "Me."'], [["How?", "3 years."], ["Who?", "Me."]]),
        (['"How?", "b, c"', 'Who?, "d, ""e"""'], [["How?", "b, c"], ["Who?", 'd, "e"']]),
        (['"How?", "two\nlines"', '"Who?", "Me."'], [["How?", "two\nlines"], ["Who?", "Me."]]),
        (['"How?",  3', '"Who?", "Me"'], [["How?", "3"], ["Who?", "Me"]]),
        (["How?,3", '"Who?", "Me"'], [["How?", "3"], ["Who?", "Me"]]),
    ],
)
def test_a_space_before_every_quoted_cell_belongs_to_the_comma(tmp_path, header, lines, expected):
    assert cells(read(tmp_path, "x.csv", table(*lines, header=header))) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ['"How?","3, years."', '"Who?", "Me."'],
        ['"How?","3"', '"Who?", "Me, you"'],
        ["How?,3", 'Who?, "Me"'],
        ['"How?","3"', 'Who?, "Me\nand you"'],
    ],
)
def test_a_space_before_some_quoted_cells_is_named_as_the_reason(tmp_path, lines):
    first, *others = read(tmp_path, "x.csv", table(*lines, header="q,a"))
    assert isinstance(first, Row)
    assert "has a space before a quotation mark" in others[0].problem
    assert sum(1 + getattr(row, "unread", 0) for row in others) == lines[1].count("\n") + 1


def test_marks_inside_a_text_after_a_space_stay_text(tmp_path):
    lines = ['How?, "Yes" he said', '"Who?","a, ""b"""', '"a",", ""c"" "']
    rows = read(tmp_path, "x.csv", table(*lines, header="q,a"))
    assert cells(rows) == [["How?", ' "Yes" he said'], ["Who?", 'a, "b"'], ["a", ', "c" ']]


@given(st.lists(st.text('a", \n', min_size=1, max_size=30), min_size=1, max_size=4))
def test_no_line_is_lost_whatever_its_spaces_and_marks(tmp_path_factory, lines):
    content = "q,a\nb,c\n" + "\n".join(lines) + "\n"
    rows = read(tmp_path_factory.getbasetemp(), "spaces.csv", content)
    last = max(row.line + getattr(row, "unread", 0) for row in rows)
    filled = [n for n, line in enumerate(content.split("\n"), 1) if line]
    assert last == max(filled)


def test_invisible_characters_are_no_part_of_a_column_name(tmp_path):
    assert cells(read(tmp_path, "x.csv", "\ufeffq\u00a0,a\u200b\nb,c\n")) == [["b", "c"]]
    assert set(read(tmp_path, "x.csv", "q\u00a0,a\u200b\nb,c\n")[0].values) == {"q", "a"}


def test_json_in_a_csv_is_refused_by_name(tmp_path):
    with pytest.raises(BadInput, match="holds JSON") as caught:
        read(tmp_path, "x.csv", '{"q": "a", "a": "b"}\n{"q": "c", "a": "d"}\n')
    assert ".jsonl" in caught.value.fix


def test_a_file_without_a_single_row_says_why(tmp_path):
    rows = read(tmp_path, "x.csv", 'q,a\n"b" c,d\n"e" f,g\n')
    with pytest.raises(BadInput, match=r"line 2 has text after a closing quotation mark.*1 more"):
        detect_shape(rows)


def test_no_file_takes_quadratic_time(tmp_path, monkeypatch):
    """Each tenth line opens a cell that only the end closes: what may be read twice is limited."""
    monkeypatch.setattr(csv_records, "_READ_AGAIN", 20_000)
    lines = ['x","y\n' if number % 10 == 0 else "a,b\n" for number in range(5000)]
    records = csv_records.Records(iter(lines), ",")
    records.width = 2
    found = list(records)
    assert max(getattr(one, "unread", 0) for one in found) > 1000, "the limit was not reached"
    assert sum(1 + getattr(one, "unread", 0) for one in found) == len(lines)


@given(
    rows=st.lists(
        st.tuples(st.text('a", \n', max_size=5), st.text('a", \n', max_size=5)).map(list),
        min_size=1,
        max_size=5,
    )
)
def test_well_formed_csv_is_read_as_python_reads_it(tmp_path_factory, rows):
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([["q", "a"], *rows])
    found = read(tmp_path_factory.getbasetemp(), "formed.csv", stream.getvalue())
    assert cells(found) == rows
