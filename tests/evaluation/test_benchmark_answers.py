"""What an answer means is decided over the whole file; where nothing decides, nothing is scored."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.evaluation.benchmarks.answers import LETTERS, READINGS, check_reading
from lab_helpers.evaluation.benchmarks.formats import detect, read_multiple_choice
from lab_helpers.runtime.errors import BadInput

CITIES = ["Rome", "Oslo", "Lima", "Kyiv"]


def written(folder, answers, choices=CITIES, name="quiz.jsonl", **more):
    """A file with a row an answer; lists in ``more`` are further columns."""
    rows = []
    for number, answer in enumerate(answers):
        extra = {column: values[number] for column, values in more.items()}
        row = {"question": f"Where {number}?", "choices": choices, "answer": answer, **extra}
        rows.append(row)
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def places(path, answers=None) -> list[int]:
    return [item.answer for item in read_multiple_choice(path, answers)]


def refusal(path, answers=None) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read_multiple_choice(path, answers)
    assert caught.value.fix
    return caught.value


# The file decides


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        (["0", "2", "1"], [0, 2, 1]),
        ([1, 2, 3, 4], [0, 1, 2, 3]),
        (["4", "1"], [3, 0]),
        ([2.0, 0.0], [2, 0]),
        (["４", "１"], [3, 0]),
        (list("ABD"), [0, 1, 3]),
        (list("abd"), [0, 1, 3]),
        (["(B)", "A.", "[d]", "C)"], [1, 0, 3, 2]),
        (["Ｂ", "（Ａ）", "Ｄ．", "c、"], [1, 0, 3, 2]),
        (["B. Oslo", "(A) Rome", "d: kyiv"], [1, 0, 3]),
        (["Oslo", "Kyiv", " rome "], [1, 3, 0]),
    ],
)
def test_answers_are_read_as_the_file_writes_them(tmp_path, answers, expected):
    assert places(written(tmp_path, answers)) == expected


def test_choices_that_are_numbers_are_read_where_another_line_decides(tmp_path):
    numbers = ["1", "2", "3", "4"]
    # As places counted from 0, from 1 or as texts "3" may be either; 0 leaves only the first.
    assert places(written(tmp_path, ["3", "0"], numbers)) == [3, 0]
    # Counted from 1 and the texts themselves name the same choices.
    assert places(written(tmp_path, ["3", "4"], numbers)) == [2, 3]
    assert places(written(tmp_path, ["40", "10"], ["10", "20", "30", "40"])) == [3, 0]
    assert places(written(tmp_path, ["B", "A"], ["B", "A", "D", "C"]), "texts") == [0, 1]


@pytest.mark.parametrize("columns", [("choice0", "choice1", "choice2"), ("choice1", "choice2", "choice3")])  # fmt: skip
def test_numbered_columns_say_how_the_answer_counts(tmp_path, columns):
    row = {"question": "Where?", **dict(zip(columns, CITIES, strict=False))}
    path = tmp_path / "quiz.jsonl"
    label = int(columns[1][-1])
    path.write_text(json.dumps(row | {"label": label}))
    assert places(path) == [1]
    assert places(path, "0-based" if label == 1 else "1-based") == [1]


# Two columns


def test_mmlu_pro_has_a_letter_and_an_index_that_agree(tmp_path):
    path = tmp_path / "pro.jsonl"
    row = {
        "question_id": 70,
        "question": "Which?",
        "options": [f"option {number}" for number in range(10)],
        "answer": "I",
        "answer_index": 8,
        "category": "law",
    }
    path.write_text(json.dumps(row))
    assert detect(path) == "multiple_choice"
    (item,) = read_multiple_choice(path)
    assert (item.id, item.subject, item.answer, len(item.choices)) == ("70", "law", 8, 10)
    path.write_text(json.dumps(row) + "\n" + json.dumps(row | {"answer_index": 7}))
    error = refusal(path)
    assert "pro.jsonl line 2 names two choices: answer is 'I' and answer_index is 7" in error.what


def test_an_index_counted_from_1_is_known_by_its_letter(tmp_path):
    path = written(tmp_path, ["B", "C"], answer_index=[2, 3])
    assert places(path) == [1, 2]
    assert places(written(tmp_path, ["Oslo", "Lima"], label=[1, 2])) == [1, 2]
    assert "names two choices" in refusal(written(tmp_path, ["B", "C"], answer_index=[2, 2])).what


def test_a_letter_beside_the_text_of_the_answer(tmp_path):
    path = tmp_path / "quiz.jsonl"
    row = {"question": "Where?", "options": {"A": "Rome", "B": "Oslo"}, "answer": "Oslo"}
    path.write_text(json.dumps(row | {"answer_idx": "B"}))
    assert places(path) == [1]
    path.write_text(json.dumps(row | {"answer_idx": "A"}))
    assert "names two choices" in refusal(path).what


def test_a_column_that_only_sounds_like_answers_does_not_count(tmp_path):
    assert places(written(tmp_path, ["B", "C"], label=["hard", "easy"])) == [1, 2]


def test_choices_with_names_of_their_own(tmp_path):
    path = tmp_path / "arc.jsonl"
    row = {"question": "Where?", "choices": {"text": CITIES, "label": list("1234")}}
    path.write_text(json.dumps(row | {"answerKey": "3"}))
    assert places(path) == [2]
    row["choices"]["label"] = list("WXYZ")
    path.write_text(json.dumps(row | {"answerKey": "X"}))
    assert places(path) == [1]
    row["choices"]["label"] = list("WWYZ")
    path.write_text(json.dumps(row | {"answerKey": "Y"}))
    assert "without a label of its own" in refusal(path).what


# Nothing decides


@pytest.mark.parametrize("answers", [[1, 2, 3], [2], ["1", "3"], [1, 1, 1, 2]])
def test_numbers_that_may_count_from_0_or_1_are_refused_with_the_way_out(tmp_path, answers):
    path = written(tmp_path, answers)
    error = refusal(path)
    assert error.what.startswith("quiz.jsonl line 1 has the answer")
    assert "ambiguous" in error.what
    assert "--answers=0-based, 1-based" in error.fix
    assert places(path, "0-based") == [int(answer) for answer in answers]
    assert places(path, "1-based") == [int(answer) - 1 for answer in answers]


def test_choices_that_are_numbers_or_letters_themselves_are_refused(tmp_path):
    numbers = written(tmp_path, ["3", "2"], ["1", "2", "3", "4"])
    assert "ambiguous: '4' when the file's answers are 0-based, '3'" in refusal(numbers).what
    assert places(numbers, "texts") == [2, 1]
    letters = written(tmp_path, ["A", "B"], ["B", "A", "C"])
    assert "letters" in refusal(letters).what
    assert places(letters, "letters") == [0, 1]
    assert places(letters, "texts") == [1, 0]


@pytest.mark.parametrize(
    ("answers", "line", "said"),
    [
        ([0, 1, 4, 2, 3], 3, "outside its 4 choices: 4, and most answers count from 0"),
        ([4, 3, 4, 2, 0], 5, "outside its 4 choices: 0, and most answers count from 1"),
        (["A", "B", "E"], 3, "outside its 4 choices"),
        (["A", "B", 0], 3, "has the answer 0, and most answers of the file are read as letters"),
        (["Rome", "Oslo", "Bonn"], 3, "has no answer: 'Bonn'"),
        (["A", "A. Oslo"], 2, "has no answer: 'A. Oslo'"),
        ([0, 1, -1], 3, "outside its 4 choices"),
        ([0, 1, None], 3, "has no answer: None"),
        ([0, 1, True], 3, "has no answer: True"),
        ([0, 1, [1]], 3, r"has no answer: [1]"),
        ([0, 1, 0.5], 3, "has no answer: 0.5"),
    ],
)
def test_the_row_that_fits_no_reading_is_named(tmp_path, answers, line, said):
    error = refusal(written(tmp_path, answers))
    assert f"quiz.jsonl line {line} has" in error.what
    assert said in error.what


@pytest.mark.parametrize("reading", READINGS)
def test_a_reading_that_does_not_fit_is_refused(tmp_path, reading):
    answers = {"0-based": [4], "1-based": [0], "letters": [1], "texts": ["2"]}[reading]
    assert "line 1 has" in refusal(written(tmp_path, answers), reading).what


@pytest.mark.parametrize(
    ("answers", "expected"), [(["B", "D"], [1, 3]), (["Lima", "Rome"], [2, 0]), ([1, 4], [0, 3])]
)
def test_what_is_said_of_the_answers_is_for_files_that_do_not_tell(tmp_path, answers, expected):
    assert places(written(tmp_path, answers), "1-based") == expected
    assert places(written(tmp_path, answers), "letters") == expected


def test_a_file_that_counts_otherwise_than_was_said_is_refused_at_its_line(tmp_path):
    error = refusal(written(tmp_path, [3, 1, 0, 2]), "1-based")
    assert "line 3 has the answer 0: this file counts from 0" in error.what
    assert "without --answers" in error.fix
    row = {"question": "?", "choice0": "Rome", "choice1": "Oslo", "choice2": "Lima", "label": 1}
    path = tmp_path / "named.jsonl"
    path.write_text(json.dumps(row))
    assert "counts from 0, and its answers were said to be 1-based" in refusal(path, "1-based").what


def test_a_bad_line_of_a_file_that_tells_is_named_whatever_was_said(tmp_path):
    error = refusal(written(tmp_path, ["A", "B", "E"]), "1-based")
    assert "line 3 has an answer outside its 4 choices" in error.what


def test_an_unknown_reading_is_refused():
    assert check_reading(None) is None
    assert check_reading("letters") == "letters"
    with pytest.raises(BadInput, match="unknown kind of answers 'roman'"):
        check_reading("roman")


# MMLU's CSV


def test_a_headless_csv_may_write_its_letters_in_any_way(tmp_path):
    path = tmp_path / "law_test.csv"
    path.write_text("Which?,a,b,c,d,（Ｂ）\nWho?,a,b,c,d,c\n", encoding="utf-8")
    assert places(path) == [1, 2]


def test_a_header_that_ends_in_a_letter_is_no_question(tmp_path):
    path = tmp_path / "quiz.csv"
    path.write_text("answer,question,A,B,C,D\nB,Which?,a,b,c,d\n")
    (item,) = read_multiple_choice(path)
    assert (item.question, item.answer) == ("Which?", 1)


def test_choices_in_one_cell_are_read_as_json_only(tmp_path):
    path = tmp_path / "quiz.csv"
    path.write_text('question,options,answer\nWhich?,"[""a"", ""b""]",B\n')
    assert places(path) == [1]
    path.write_text("question,options,answer\nWhich?,\"['a', 'b']\",B\n")
    assert "no JSON list" in refusal(path).what


# Any file


@given(seed=st.integers(0, 10**6), reading=st.sampled_from(READINGS), count=st.integers(2, 10))
def test_a_file_is_read_right_or_refused_and_right_when_told(
    tmp_path_factory, seed, reading, count
):
    rng = random.Random(seed)
    pool = rng.choice([[f"text {n}" for n in range(12)], [str(n) for n in range(12)], LETTERS[:12]])
    gold, rows = [], []
    for _ in range(rng.randrange(1, 9)):
        choices = rng.sample(list(pool), count)
        place = rng.randrange(count)
        answer = {"0-based": place, "1-based": str(place + 1), "letters": LETTERS[place],
                  "texts": choices[place]}[reading]  # fmt: skip
        gold.append(place)
        rows.append({"question": "?", "choices": choices, "answer": answer})
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert places(path, reading) == gold
    try:
        found = places(path)
    except BadInput:
        return
    assert found == gold
