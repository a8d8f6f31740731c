"""What people call JSON: every kind that has one meaning is read, every other one is refused by name."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_back import refusal, values

from lab_helpers.data.forms.shapes import detect_shape
from lab_helpers.data.reading.files import BadRow, Row, read_rows
from lab_helpers.data.reading.json_values import is_turn
from lab_helpers.runtime.errors import BadInput

ROWS = [{"question": f"Why {n}?", "answer": "だから。"} for n in range(7)]
TALK = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
SHARED = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
both = pytest.mark.parametrize("name", ["x.jsonl", "x.json"])


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_bytes(content.encode())
    return path


def lines(rows) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


# Read: one meaning


@both
@pytest.mark.parametrize("indent", [None, 0, 2])
def test_an_array_is_read_under_either_name(tmp_path, name, indent):
    text = json.dumps(ROWS, ensure_ascii=False, indent=indent)
    assert values(written(tmp_path, name, text)) == ROWS
    assert values(written(tmp_path, name, "\ufeff\n" + text + "\n\n")) == ROWS


@both
def test_an_array_with_an_object_a_line_is_read_under_either_name(tmp_path, name):
    text = "[\n" + ",\n".join(json.dumps(row) for row in ROWS) + "\n]\n"
    assert values(written(tmp_path, name, text)) == ROWS
    assert [row.line for row in read_rows(tmp_path / name)] == list(range(2, 9))
    assert values(written(tmp_path, name, "[\n" + json.dumps(ROWS[0]) + "\n]")) == ROWS[:1]


@both
def test_objects_printed_over_several_lines_are_read_one_after_another(tmp_path, name):
    text = "\n".join(json.dumps(row, indent=2) for row in ROWS)
    assert values(written(tmp_path, name, text)) == ROWS
    assert [row.line for row in read_rows(tmp_path / name)] == list(range(1, 29, 4))


@both
def test_arrays_one_after_another_are_read(tmp_path, name):
    text = json.dumps(ROWS[:3], indent=1) + "\n" + json.dumps(ROWS[3:], indent=1)
    assert values(written(tmp_path, name, text)) == ROWS


@both
@pytest.mark.parametrize("end", ["\r", "\r\n", "\n\n", "\r\r"])
def test_lines_may_end_in_carriage_returns(tmp_path, name, end):
    assert values(written(tmp_path, name, lines(ROWS).replace("\n", end))) == ROWS


@both
@pytest.mark.parametrize(("talk", "column"), [(TALK, "messages"), (SHARED, "conversations")])
def test_a_list_of_turns_is_a_conversation(tmp_path, name, talk, column):
    expected = [{column: talk}] * 3
    assert values(written(tmp_path, name, lines([talk] * 3))) == expected
    assert values(written(tmp_path, name, json.dumps([talk] * 3))) == expected
    assert values(written(tmp_path, name, json.dumps([talk] * 3, indent=1))) == expected
    assert values(written(tmp_path, name, json.dumps(talk))) == expected[:1]
    assert values(written(tmp_path, name, json.dumps(talk, indent=1))) == expected[:1]


def test_an_array_of_turns_that_do_not_alternate_is_not_taken_for_one_conversation(tmp_path):
    turns = [*TALK, *TALK[1:]]
    assert values(written(tmp_path, "x.json", json.dumps(turns, indent=1))) == turns
    assert all(map(is_turn, turns))
    assert not is_turn({"messages": TALK})


def test_a_system_turn_may_come_first(tmp_path):
    talk = [{"role": "system", "content": "Be kind."}, *TALK, *TALK]
    assert values(written(tmp_path, "x.json", json.dumps(talk))) == [{"messages": talk}]


@both
def test_rows_that_the_hubs_viewer_wrapped_are_unwrapped(tmp_path, name):
    wrapped = [{"row_idx": n, "row": row, "truncated_cells": []} for n, row in enumerate(ROWS)]
    assert values(written(tmp_path, name, lines([{"row": row} for row in ROWS]))) == ROWS
    assert values(written(tmp_path, name, lines(wrapped))) == ROWS
    answer = {"features": [{"name": "question"}], "rows": wrapped, "num_rows_total": 900}
    assert values(written(tmp_path, name, json.dumps(answer))) == ROWS
    wrapped[1]["truncated_cells"] = ["answer"]
    rows = list(read_rows(written(tmp_path, name, json.dumps(answer))))
    assert [isinstance(row, BadRow) for row in rows] == [number == 1 for number in range(7)]
    assert "cut by the viewer" in rows[1].problem


def test_a_single_object_with_lists_of_its_own_is_a_row(tmp_path):
    row = {"question": "Why?", "answer": "So.", "tags": ["a", "b"]}
    assert values(written(tmp_path, "x.json", json.dumps(row))) == [row]
    talk = {"messages": TALK, "tools": [{"name": "clock"}]}
    assert values(written(tmp_path, "x.json", json.dumps(talk, indent=1))) == [talk]


def test_files_put_together_with_their_byte_order_marks_are_read(tmp_path):
    text = "\ufeff" + lines(ROWS[:3]) + "\ufeff" + lines(ROWS[3:])
    assert values(written(tmp_path, "x.jsonl", text)) == ROWS


# Refused by name

KINDS = {
    "python": (lines(ROWS).replace('"', "'"), "not JSON but Python", "json.dumps"),
    "python_none": (lines(ROWS).replace('"だから。"', "None"), "not JSON but Python", "json.dumps"),
    "commas": (lines(ROWS).replace("}\n", "},\n"), "a comma after the object", "[ and ]"),
    "last_commas": (
        lines(ROWS).replace("}\n", ",}\n"),
        "a comma before a closing bracket",
        "comma away",
    ),
    "curly": (lines(ROWS).replace('"', "”"), "curly quotation marks", "word processor"),
    "table": (lines([["question", "answer"], ["Why?", "So."]]), "a list of 2 texts", "Name the"),
    "chunks": (lines([ROWS, ROWS]), "a list of 7 objects", "line of its own"),
    "twice": (lines(json.dumps(row) for row in ROWS), "json.dumps twice", "json.dumps"),
    "pointer": (
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        "Git LFS pointer",
        "git lfs pull",
    ),
    "page": ("<!DOCTYPE html>\n<html><body>404</body></html>\n", "a web page", "/resolve/"),
    "xml": ("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "web page", "again"),
    "error": ('{"error": "Invalid username or password."}', "error message of a server", "login"),
    "not_found": ('{"message": "Not Found", "status": "404"}', "'Not Found'", "again"),
    "chatgpt": (
        json.dumps([{"title": "t", "mapping": {"a": {"id": "a", "message": None}}}]),
        "ChatGPT export",
        "messages",
    ),
    "by_columns": (
        json.dumps({"question": {"0": "a", "1": "b"}, "answer": {"0": "c", "1": "d"}}),
        "a table by columns (question, answer)",
        'orient="records"',
    ),
    "lists_by_columns": ('{"question": ["a", "b"], "answer": ["c", "d"]}', "by columns", "rows"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_rows_is_refused_by_name(tmp_path, kind):
    content, said, way_out = KINDS[kind]
    error = refusal(written(tmp_path, "x.jsonl", content))
    assert said in error.what
    assert way_out in error.fix


@pytest.mark.parametrize("kind", ["pointer", "page", "xml", "error", "chatgpt", "by_columns"])
def test_the_same_in_other_types_of_file(tmp_path, kind):
    content, said, _ = KINDS[kind]
    names = ["x.json"]
    if kind in ("pointer", "page", "xml"):
        names += ["x.csv", "x.tsv", "x.parquet"]
    for name in names:
        assert said in refusal(written(tmp_path, name, content)).what


def test_objects_between_commas_without_brackets_are_refused(tmp_path):
    text = ",\n".join(json.dumps(row, indent=1) for row in ROWS)
    assert "commas, without brackets" in refusal(written(tmp_path, "x.json", text)).what


def test_one_line_of_another_kind_is_a_bad_row_and_no_refusal(tmp_path):
    text = lines(ROWS) + "{'question': 'Why?'}\n" + lines(ROWS)
    rows = list(read_rows(written(tmp_path, "x.jsonl", text)))
    assert [row.line for row in rows if isinstance(row, BadRow)] == [8]
    assert "Python" in rows[7].problem


def test_a_name_that_stands_twice_in_an_object_is_a_bad_row(tmp_path):
    text = lines(ROWS[:1]) + '{"question": "a", "answer": "b", "answer": "c"}\n'
    *_, last = read_rows(written(tmp_path, "x.jsonl", text))
    assert last == BadRow(2, "has 'answer' twice in one object")


def test_a_file_of_broken_lines_says_what_they_are(tmp_path):
    rows = list(read_rows(written(tmp_path, "x.jsonl", '{"question" "a"}\n' * 9)))
    assert len(rows) == 9
    with pytest.raises(BadInput, match=r"first 9 lines is a row: line 1 is not JSON .*8 more"):
        detect_shape(rows)


# Damaged documents go on after the damage


def damaged(folder: Path, text: str) -> tuple[list[str], list[BadRow]]:
    rows = list(read_rows(written(folder, "x.json", text)))
    good = [row.values["question"] for row in rows if isinstance(row, Row)]
    return good, [row for row in rows if isinstance(row, BadRow)]


@pytest.mark.parametrize("indent", [1, 4])
def test_an_entry_that_cannot_be_read_costs_that_entry_only(tmp_path, indent):
    text = json.dumps(ROWS, indent=indent).replace('Why 2?"', "Why 2?")
    good, (bad,) = damaged(tmp_path, text)
    assert good == [f"Why {n}?" for n in (0, 1, 3, 4, 5, 6)]
    assert (bad.line, bad.unread) == (10, 3)
    assert "3 lines after it were left unread" in bad.problem


def test_the_first_entry_of_an_array_with_an_entry_a_line_may_be_the_damaged_one(tmp_path):
    text = "[\n" + ",\n".join(json.dumps(row) for row in ROWS) + "\n]"
    good, (bad,) = damaged(tmp_path, text.replace('"Why 0?"', "Why 0?"))
    assert good == [f"Why {n}?" for n in range(1, 7)]
    assert (bad.line, bad.unread) == (2, 0)


def test_a_missing_comma_between_entries_loses_nothing(tmp_path):
    text = json.dumps(ROWS, indent=1).replace(" },\n {", " }\n {", 1)
    assert damaged(tmp_path, text) == ([f"Why {n}?" for n in range(7)], [])


def test_a_list_that_lacks_its_bracket_does_not_swallow_the_next(tmp_path):
    first, rest = json.dumps([TALK] * 4, indent=1).split("\n ],", 1)
    text = first + "\n ]," + rest.replace("\n ],", "\n ,", 1)
    rows = list(read_rows(written(tmp_path, "x.json", text)))
    assert [isinstance(row, Row) for row in rows] == [True, False, True, True]
    assert (rows[1].line, rows[1].unread) == (12, 9)


def test_where_entries_cannot_be_told_the_rest_is_counted(tmp_path):
    nested = [{"question": f"Why {n}?", "turns": [{"answer": "So."}]} for n in range(7)]
    good, (bad,) = damaged(tmp_path, json.dumps(nested, indent=0).replace('Why 2?"', "Why 2?"))
    assert good == ["Why 0?", "Why 1?"]
    assert (bad.line, bad.unread) == (18, 40)
    good, (bad,) = damaged(tmp_path, json.dumps(ROWS).replace('Why 2?"', "Why 2?"))
    assert good == ["Why 0?", "Why 1?"]
    assert "characters were left unread" in bad.problem


def test_what_follows_an_array_is_not_lost(tmp_path):
    good, (bad,) = damaged(tmp_path, json.dumps(ROWS, indent=1) + '\n{"x": 1}\n')
    assert len(good) == 7
    assert "goes on after the array ends" in bad.problem


# Any value

values_of_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
plain_rows = st.lists(
    st.dictionaries(st.sampled_from(["a", "b", "c", "role", "row"]), values_of_json, min_size=1),
    min_size=2,
    max_size=4,
)


@both
@given(rows=plain_rows, indent=st.sampled_from([None, 0, 3]))
def test_json_lines_and_arrays_hold_the_same_rows(tmp_path_factory, name, rows, indent):
    folder = tmp_path_factory.getbasetemp()
    results = []
    for text in (lines(rows), json.dumps(rows, indent=indent)):
        try:
            results.append([getattr(row, "values", None) for row in read_rows(written(folder, name, text))])  # fmt: skip
        except BadInput as error:
            results.append(str(error).partition("line")[0])
    assert results[0] == results[1]


@both
@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("lines", [1, 2])
def test_objects_one_after_another_on_a_line_are_rows(tmp_path, name, end, lines):
    line = "".join(map(json.dumps, ROWS))
    assert values(written(tmp_path, name, "\n".join([line] * lines) + end)) == ROWS * lines


@both
def test_one_line_of_two_objects_among_others_is_named(tmp_path, name):
    single, double = json.dumps(ROWS[0]), json.dumps(ROWS[0]) * 2
    rows = list(read_rows(written(tmp_path, name, f"{single}\n{double}\n{single}\n")))
    assert [row.line for row in rows if isinstance(row, BadRow)] == [2]
