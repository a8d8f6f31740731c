"""Label files: every label that is none, or the second spelling of another, is named by its line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.forms.label_checks import check_labels, is_label_file
from lab_helpers.data.labelled import read_labelled_texts
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import speaking

GOOD = [("It is warm.", "good"), ("Broke.", "bad"), ("Quiet.", "good"), ("Loud.", "bad")]


def written(folder, labels, texts=None, name="x.jsonl"):
    texts = texts or [f"text {number}" for number in range(len(labels))]
    rows = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def found(path) -> list[tuple[int, str]]:
    return [(problem.line, problem.code) for problem in check_labels(path).problems]


def test_a_good_file_is_counted_by_label(tmp_path):
    texts, labels = zip(*GOOD, strict=True)
    report = check_labels(written(tmp_path, [*labels, "good"], [*texts, "Fine."]))
    assert (report.rows, report.good, report.problems) == (5, 5, [])
    assert list(report.labels.items()) == [("good", 3), ("bad", 2)]
    assert (report.text_column, report.label_column, report.has_splits) == ("text", "label", False)
    assert report.clean[0] == {"line": 1, "text": "It is warm.", "label": "good", "split": ""}


@pytest.mark.parametrize(
    "label", [float("nan"), "nan", "NaN", "None", "null", "NULL", "<NA>", " nan "]
)
def test_what_stands_for_no_value_is_no_class(tmp_path, label):
    path = written(tmp_path, ["a", "b", label, "a", "b", label, label])
    assert found(path) == [(line, "no-value-label") for line in (3, 6, 7)]
    with pytest.raises(BadInput, match=r"line 3: label '.*' stands for a missing value"):
        read_labelled_texts(path)


def test_none_in_small_letters_may_be_a_class(tmp_path):
    assert found(written(tmp_path, ["none", "order", "none", "order"])) == []


def test_nan_of_a_parquet_file_and_of_a_csv_by_pandas(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"text": list("abcdef"), "label": [1, 0, None, 1, 0, 1]})
    frame.to_parquet(tmp_path / "x.parquet")
    assert found(tmp_path / "x.parquet") == [(3, "empty-label")]
    assert check_labels(tmp_path / "x.parquet").labels == {"1.0": 3, "0.0": 2}
    frame.to_csv(tmp_path / "x.csv")
    assert found(tmp_path / "x.csv") == [(4, "empty-label")]
    frame.to_csv(tmp_path / "y.csv", na_rep="nan")
    assert found(tmp_path / "y.csv") == [(4, "no-value-label")]


@pytest.mark.parametrize(
    ("usual", "rare"),
    [
        ("1", "1.0"),
        (1, 1.0),
        ("positive", "Positive"),
        ("positive", "POSITIVE"),
        ("very good", "very  good"),
        ("very good", "verygood"),
        ("肯定", "肯 定"),
        ("A1", "Ａ１"),
        ("ポジ", "ﾎﾟｼﾞ"),
        ("-1", "-1.00"),
    ],
)
def test_a_second_spelling_of_a_label_is_named_where_it_stands(tmp_path, usual, rare):
    labels = [usual, "other", usual, "other", rare, usual, rare]
    path = written(tmp_path, labels)
    assert found(path) == [(5, "label-spelling"), (7, "label-spelling")]
    problem = check_labels(path).problems[0]
    assert problem.message.en == f"label '{rare}' is elsewhere written '{usual}'"
    assert check_labels(path).labels == {str(usual): 3, "other": 2}
    with pytest.raises(BadInput, match="2 bad rows: line 5: label"):
        read_labelled_texts(path)


@pytest.mark.parametrize(("one", "other"), [("1", "10"), ("1.5", "1"), ("01", "1"), ("a", "b")])
def test_different_labels_stay_different(tmp_path, one, other):
    assert found(written(tmp_path, [one, other] * 3)) == []


def test_whole_columns_of_floats_are_labels(tmp_path):
    assert check_labels(written(tmp_path, [1.0, 0.0] * 3)).labels == {"1.0": 3, "0.0": 3}


def test_texts_and_labels_that_are_none_are_named(tmp_path):
    path = written(tmp_path, ["a", ["a"], "b", {"a": 1}, "a", "b"], ["x", "y", float("nan"), "z", ["w"], "v"])  # fmt: skip
    assert found(path) == [
        (1, "label-once"),
        (2, "not-a-label"),
        (3, "empty-text"),
        (4, "not-a-label"),
        (5, "not-a-text"),
        (6, "label-once"),
    ]


def test_lines_that_cannot_be_read_are_problems_of_the_report(tmp_path):
    path = written(tmp_path, ["a", "b", "a", "b"])
    path.write_text(path.read_text() + '{"text": "x"\n')
    report = check_labels(path)
    assert (report.rows, report.good) == (5, 4)
    assert [(p.line, p.code) for p in report.problems] == [(5, "unreadable")]
    with pytest.raises(BadInput, match="line 5 is not JSON"):
        read_labelled_texts(path)


def test_problems_speak_both_languages(tmp_path):
    problem = check_labels(written(tmp_path, ["a", "nan", "b", "a", "b"])).problems[0]
    assert "missing value" in str(problem.message)
    with speaking("ja"):
        assert "値がない" in str(problem.message)
        assert "ラベル" in str(problem.fix)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["text", "label"], True),
        ([" Review ", "Sentiment", "id"], True),
        (["question", "answer"], False),
        (["prompt", "completion", "label"], False),
        (["text"], False),
        ([], False),
    ],
)
def test_label_files_are_known_by_their_columns(columns, expected):
    assert is_label_file(columns) is expected


def test_column_names_may_be_written_in_capitals(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("Text,LABEL\na,x\nb,y\nc,x\nd,y\n")
    assert read_labelled_texts(path).labels == ("x", "y")


labels = st.lists(st.one_of(st.none(), st.integers(0, 2), st.floats(), st.text("aA1. ", max_size=3)), min_size=1, max_size=12)  # fmt: skip


@given(labels=labels)
def test_every_row_is_good_or_has_a_problem(tmp_path_factory, labels):
    report = check_labels(written(tmp_path_factory.getbasetemp(), labels))
    named = {problem.line for problem in report.problems}
    assert report.good + len(named) == report.rows == len(labels)
    assert {row["line"] for row in report.clean} | named == set(range(1, len(labels) + 1))
    assert sum(report.labels.values()) == report.good
    folded = {label.lower().replace(" ", "").removesuffix(".0") for label in report.labels}
    assert len(folded) == len(report.labels)


@pytest.mark.parametrize("label", ["N/A", "n/a", "#N/A", "nan\u200b"])
def test_what_spreadsheets_write_for_no_value_is_no_class(tmp_path, label):
    path = written(tmp_path, ["a", "b", label, "a", "b", label])
    assert found(path) == [(3, "no-value-label"), (6, "no-value-label")]


def test_what_nobody_sees_is_named_and_written_out(tmp_path):
    path = written(tmp_path, ["positive", "bad", "positive", "bad", "positive\u200b", "\u200b"])
    assert found(path) == [(5, "label-spelling"), (6, "empty-label")]
    assert "'positive⟨U+200B⟩'" in check_labels(path).problems[0].message.en
    path = written(tmp_path, ["good\u200b", "bad", "good\u200b", "bad", "good"])
    assert found(path) == [(1, "label-spelling"), (3, "label-spelling")]


@pytest.mark.parametrize("text", ["\u200b", " \ufeff\u200d ", "\u00ad"])
def test_a_text_of_what_nobody_sees_is_empty(tmp_path, text):
    assert found(written(tmp_path, ["a", "b", "a", "b", "a"], ["x", "y", "z", "w", text])) == [
        (5, "empty-text")
    ]


@pytest.mark.parametrize(("true", "false"), [(1, 0), ("1", "0"), (1.0, 0.0)])
def test_truth_beside_numbers_is_a_second_spelling(tmp_path, true, false):
    path = written(tmp_path, [true, false, true, false, True, "FALSE"])
    assert found(path) == [(5, "label-spelling"), (6, "label-spelling")]
    assert found(written(tmp_path, [True, False, True, False])) == []


def test_one_text_with_two_labels_is_named_on_both_lines(tmp_path):
    texts = ["It is warm.", "x", "IT IS  ＷＡＲＭ.", "y", "x", "x"]
    path = written(tmp_path, ["good", "bad", "bad", "good", "bad", "Bad"], texts)
    assert found(path) == [(1, "two-labels"), (3, "two-labels"), (6, "label-spelling")]
    problems = check_labels(path).problems
    assert problems[0].message.en == "label 'good', and line 3 labels the same text 'bad'"
    assert problems[1].message.en == "label 'bad', and line 1 labels the same text 'good'"
    with speaking("ja"):
        assert "3 行目" in str(problems[0].message)
    with pytest.raises(BadInput, match="line 1: label 'good', and line 3"):
        read_labelled_texts(path)


@pytest.mark.parametrize("name", ["Split", " SPLIT ", "split"])
def test_the_split_column_is_known_in_any_case(tmp_path, name):
    rows = [
        {"text": f"t{n}", "label": "ab"[n % 2], name: "train" if n < 4 else "test"}
        for n in range(8)
    ]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = read_labelled_texts(path)
    assert [row["split"] for row in data.rows] == ["train"] * 4 + ["test"] * 4
