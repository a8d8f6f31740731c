"""Benchmark files as published are read unchanged; a damaged one is refused with its line."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.evaluation.benchmarks.formats import (
    MultipleChoice,
    detect,
    read_gsm8k,
    read_humaneval,
    read_multiple_choice,
)
from lab_helpers.runtime.errors import BadInput

PUBLISHED = Path(__file__).parents[2].parent / "shared" / "data"
READERS = {
    "multiple_choice": read_multiple_choice,
    "gsm8k": read_gsm8k,
    "humaneval": read_humaneval,
}
ROWS = {
    "multiple_choice": {"question": "2 + 2?", "choices": ["three", "four"], "answer": 0},
    "gsm8k": {"question": "2 + 2?", "answer": "2+2 = <<2+2=4>>4\n#### 4"},
    "humaneval": {
        "task_id": "T/0",
        "prompt": "def f():\n",
        "entry_point": "f",
        "canonical_solution": "    return 1\n",
        "test": "def check(candidate):\n    assert candidate() == 1\n",
    },
}


def published(name: str) -> Path:
    path = PUBLISHED / name
    if not path.is_file():
        pytest.skip(f"needs the published {name} beside the project")
    return path


def write(path: Path, rows: list) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_shipped_sets_are_read_by_language_and_by_name(language):
    for name, kind, count in (("mmlu", "multiple_choice", 390), ("gsm8k", "gsm8k", 150), ("humaneval", "humaneval", 44)):  # fmt: skip
        items = READERS[kind](language)
        assert len(items) == count
        assert READERS[kind](f"{name}.{language}") == items
        assert detect(f"{name}.{language}") == kind


def test_original_humaneval_stays_packed():
    path = published("HumanEval.jsonl.gz")
    tasks = read_humaneval(path)
    assert detect(path) == "humaneval"
    assert len(tasks) == 164
    assert (tasks[0].task_id, tasks[0].entry_point) == ("HumanEval/0", "has_close_elements")
    assert all("def check(" in task.test for task in tasks)


def test_original_gsm8k():
    path = published("gsm8k_test.jsonl")
    problems = read_gsm8k(path)
    assert detect(path) == "gsm8k"
    assert len(problems) == 1319
    assert [problem.answer for problem in problems[:3]] == ["18", "3", "70000"]
    assert problems[0].id == "1"


def test_original_jcommonsenseqa():
    path = published("jcommonsenseqa_valid.json")
    questions = read_multiple_choice(path)
    assert detect(path) == "multiple_choice"
    assert len(questions) == 1119
    assert questions[0].id == "8939"
    assert questions[0].choices[questions[0].answer] == "マザーボード"
    assert {len(question.choices) for question in questions} == {5}


def test_original_mmlu_csv_has_no_header_and_its_name_is_the_subject(tmp_path):
    path = tmp_path / "abstract_algebra_test.csv"
    path.write_text(
        '"Find the degree, please.",0,4,2,6,B\n"Two\nlines",a,b,c,d,D\n', encoding="utf-8"
    )
    assert detect(path) == "multiple_choice"
    assert read_multiple_choice(path) == [
        MultipleChoice(
            "1", "Find the degree, please.", ("0", "4", "2", "6"), 1, "abstract_algebra"
        ),
        MultipleChoice("3", "Two\nlines", ("a", "b", "c", "d"), 3, "abstract_algebra"),
    ]


def test_an_mmlu_csv_with_a_header(tmp_path):
    path = tmp_path / "japanese.csv"
    path.write_text(
        "\ufeffquestion,A,B,C,D,answer\n首都は？,東京,大阪,京都,奈良,A\n", encoding="utf-8"
    )
    (item,) = read_multiple_choice(path)
    assert (item.choices, item.answer) == (("東京", "大阪", "京都", "奈良"), 0)


def test_mmlu_of_the_hub_as_json_lines_and_parquet(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = {"question": "Which?", "subject": "anatomy", "choices": list("abcd"), "answer": 2}
    rows = [row, row | {"answer": 0}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "mmlu.parquet")
    jsonl = write(tmp_path / "mmlu.jsonl", rows)
    expected = [
        MultipleChoice(str(number), "Which?", ("a", "b", "c", "d"), answer, "anatomy")
        for number, answer in ((1, 2), (2, 0))
    ]
    assert read_multiple_choice(jsonl) == expected
    assert read_multiple_choice(tmp_path / "mmlu.parquet") == expected


@pytest.mark.parametrize("kind", READERS)
def test_a_file_cut_in_its_last_line_names_that_line(tmp_path, kind):
    path = write(tmp_path / "cut.jsonl", [ROWS[kind]] * 3)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BadInput, match=r"cut.jsonl line 3 .*ends in the middle"):
        READERS[kind](path)


def test_an_archive_cut_in_half_is_refused(tmp_path):
    whole = gzip.compress("".join(json.dumps(ROWS["gsm8k"] | {"id": i}) + "\n" for i in range(500)).encode())  # fmt: skip
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(whole)
    assert len(read_gsm8k(path)) == 500
    path.write_bytes(whole[: len(whole) // 2])
    for read in (read_gsm8k, detect):
        with pytest.raises(BadInput, match="not a whole gzip archive"):
            read(path)


def test_a_csv_cut_inside_a_quotation(tmp_path):
    path = tmp_path / "law_test.csv"
    path.write_text('Q,a,b,c,d,A\nQ,a,b,c,d,B\n"Long question', encoding="utf-8")
    with pytest.raises(BadInput, match=r"law_test\.csv line 3 is half-written"):
        read_multiple_choice(path)
    path.write_text("Q,a,b,c,d,A\nQ,a,b,c\n", encoding="utf-8")
    with pytest.raises(BadInput, match="line 2 has 4 cells where line 1 has 6"):
        read_multiple_choice(path)


@pytest.mark.parametrize(
    ("kind", "change", "problem"),
    [
        ("multiple_choice", {"answer": 2}, "answer outside its 2 choices"),
        ("multiple_choice", {"answer": -1}, "answer outside its 2 choices"),
        ("multiple_choice", {"answer": "C"}, "answer outside its 2 choices"),
        ("multiple_choice", {"answer": None}, "has no answer: None"),
        ("multiple_choice", {"answer": True}, "has no answer: True"),
        ("multiple_choice", {"answer": 0.5}, "has no answer"),
        ("multiple_choice", {"answer": "yes"}, "has no answer"),
        ("multiple_choice", {"choices": ["one"]}, "fewer than two choices"),
        ("multiple_choice", {"choices": ["one", ""]}, "a choice that is empty"),
        ("multiple_choice", {"choices": ["one", 3]}, "a choice that is empty or no text"),
        (
            "multiple_choice",
            {"choices": [str(i) for i in range(27)]},
            "more than there are letters",
        ),
        ("multiple_choice", {"question": " "}, "no text in 'question'"),
        ("gsm8k", {"answer": "The answer is 4."}, "no '####'"),
        ("gsm8k", {"answer": "4\n#### "}, "no number after '####'"),
        ("gsm8k", {"answer": "4\n#### four"}, "no number after '####'"),
        ("gsm8k", {"answer": 4}, "no text in 'answer'"),
        ("gsm8k", {"question": ""}, "no text in 'question'"),
        ("humaneval", {"test": "assert f() == 1"}, "without 'def check"),
        ("humaneval", {"entry_point": "f()"}, "entry_point that is no name"),
        ("humaneval", {"prompt": None}, "no text in 'prompt'"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(tmp_path, kind, change, problem):
    path = write(tmp_path / "wrong.jsonl", [ROWS[kind], ROWS[kind] | change])
    with pytest.raises(BadInput, match=f"wrong.jsonl line 2 .*{problem}"):
        READERS[kind](path)


def test_a_label_outside_the_five_choices(tmp_path):
    row = {"question": "?", **{f"choice{i}": str(i) for i in range(5)}, "label": 5}
    path = write(tmp_path / "qa.json", [row | {"label": 4}, row])
    with pytest.raises(BadInput, match="line 2 has an answer outside its 5 choices"):
        read_multiple_choice(path)


def test_ten_choices_are_in_the_order_of_their_numbers(tmp_path):
    row = {"question": "?", **{f"choice{i}": f"c{i}" for i in range(11)}, "label": 10}
    (item,) = read_multiple_choice(write(tmp_path / "many.jsonl", [row]))
    assert item.choices[item.answer] == "c10"


@pytest.mark.parametrize("kind", READERS)
def test_another_benchmark_is_named_with_its_reader(tmp_path, kind):
    path = write(tmp_path / "b.jsonl", [ROWS[kind]])
    for other in set(READERS) - {kind}:
        with pytest.raises(BadInput, match=f"in the format of {kind}, not of {other}.*read_{kind}"):
            READERS[other](path)


def test_what_is_no_benchmark_is_refused(tmp_path):
    unknown = write(tmp_path / "chat.jsonl", [{"messages": [], "title": "?"}])
    with pytest.raises(BadInput, match=r"no benchmark known here \(columns: messages, title\)"):
        detect(unknown)
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    with pytest.raises(BadInput, match="has no rows"):
        read_gsm8k(empty)
    binary = tmp_path / "model.jsonl"
    binary.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(BadInput, match="binary file"):
        detect(binary)
    with pytest.raises(BadInput, match="no such file"):
        detect(tmp_path / "none.jsonl")
    document = tmp_path / "a.docx"
    document.write_text("x")
    with pytest.raises(BadInput, match="unknown file type"):
        detect(document)


def test_an_archive_that_is_none_and_one_that_holds_a_binary(tmp_path):
    path = tmp_path / "b.jsonl.gz"
    path.write_bytes(b"not gzip at all")
    with pytest.raises(BadInput, match="not a whole gzip archive"):
        detect(path)
    path.write_bytes(gzip.compress(bytes(range(256)) * 20))
    with pytest.raises(BadInput, match="binary file"):
        detect(path)


@given(
    kind=st.sampled_from(list(READERS)),
    suffix=st.sampled_from([".jsonl", ".json", ".csv", ".jsonl.gz", ".parquet"]),
    start=st.integers(0, 400),
    put=st.binary(max_size=30),
    lost=st.integers(0, 100),
)
def test_whatever_the_damage_the_answer_is_items_or_one_clear_message(
    tmp_path_factory, kind, suffix, start, put, lost
):
    whole = "".join(json.dumps(ROWS[kind]) + "\n" for _ in range(3)).encode()
    if suffix.endswith(".gz"):
        whole = gzip.compress(whole)
    path = tmp_path_factory.getbasetemp() / f"damaged{suffix}"
    path.write_bytes(whole[:start] + put + whole[start + lost :])
    for read in (READERS[kind], detect):
        try:
            assert read(path)
            message = None
        except BadInput as error:
            message = error
        assert message is None or (message.fix and "damaged." in message.what)
