"""Reading a learner's own file: what works, and what is refused with which words."""

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.forms.label_checks import SPLITS
from lab_helpers.data.labelled import LabelledTexts, read_labelled_texts, shipped_texts
from lab_helpers.runtime.errors import EXIT_BAD_INPUT, BadInput

GOOD = [
    {"text": "It warms the room.", "label": "positive"},
    {"text": "Broke, twice", "label": "negative"},
    {"text": 'The "quiet" mode is loud', "label": "negative"},
    {"text": "毎朝、静かに動く。", "label": "positive"},
]


def as_csv(rows: list[dict], delimiter: str = ",") -> str:
    """``rows`` as CSV; the first row's keys are the header."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def as_jsonl(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


WRITERS = {
    "mine.csv": as_csv,
    "mine.tsv": lambda rows: as_csv(rows, "\t"),
    "mine.jsonl": as_jsonl,
}
every_format = pytest.mark.parametrize("name", WRITERS)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def file_of(folder: Path, name: str, rows: list[dict]) -> Path:
    return written(folder, name, WRITERS[name](rows))


def refusal(path: Path) -> BadInput:
    """The error that reading ``path`` ends in. Anything but a :class:`BadInput` fails the test."""
    with pytest.raises(BadInput) as caught:
        read_labelled_texts(path)
    assert caught.value.exit_code == EXIT_BAD_INPUT
    assert caught.value.fix
    return caught.value


def pairs(data: LabelledTexts) -> Counter:
    return Counter((row["text"], row["label"]) for row in data.rows)


# What works


@every_format
def test_a_good_file_is_read_whole(tmp_path, name):
    data = read_labelled_texts(file_of(tmp_path, name, GOOD))
    assert data.name == name
    assert data.labels == ("negative", "positive")
    assert pairs(data) == Counter((row["text"], row["label"]) for row in GOOD)


@every_format
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path, name):
    content = b"\xef\xbb\xbf" + WRITERS[name](GOOD).encode("utf-8")
    data = read_labelled_texts(written(tmp_path, name, content))
    assert pairs(data) == Counter((row["text"], row["label"]) for row in GOOD)


@pytest.mark.parametrize("text_column", ["text", "sentence", "review", "body"])
@pytest.mark.parametrize("label_column", ["label", "sentiment", "class", "intent"])
def test_columns_may_have_their_usual_names(tmp_path, text_column, label_column):
    rows = [{text_column: row["text"], "stars": 3, label_column: row["label"]} for row in GOOD]
    data = read_labelled_texts(file_of(tmp_path, "mine.csv", rows))
    assert pairs(data) == Counter((row["text"], row["label"]) for row in GOOD)


@every_format
def test_a_split_column_is_kept(tmp_path, name):
    splits = ["train", "train", "test", "validation"]
    rows = [{**row, "split": split} for row, split in zip(GOOD, splits, strict=True)]
    data = read_labelled_texts(file_of(tmp_path, name, rows))
    assert data.split("train") == (["It warms the room.", "Broke, twice"], [1, 0])
    assert data.split("test") == (['The "quiet" mode is loud'], [0])
    assert data.split("validation") == (["毎朝、静かに動く。"], [1])


def test_spaces_around_texts_and_labels_do_not_count(tmp_path):
    rows = [{"text": f"  {row['text']} ", "label": f" {row['label']}\t"} for row in GOOD]
    data = read_labelled_texts(file_of(tmp_path, "mine.csv", rows))
    assert pairs(data) == Counter((row["text"], row["label"]) for row in GOOD)


def test_windows_line_ends_and_blank_lines_do_not_matter(tmp_path):
    content = as_csv(GOOD).replace("\n", "\r\n") + "\r\n\r\n"
    assert len(read_labelled_texts(written(tmp_path, "mine.csv", content)).rows) == len(GOOD)
    content = as_jsonl(GOOD).replace("\n", "\r\n\r\n")
    assert len(read_labelled_texts(written(tmp_path, "mine.jsonl", content)).rows) == len(GOOD)


@every_format
@pytest.mark.parametrize("break_", ["\n", "\u2028", "\u0085", "\x0b", "\x0c", "\x1e"])
def test_a_text_may_contain_any_kind_of_line_break(tmp_path, name, break_):
    """CSV quotes a line feed, JSON escapes it; the other five are ordinary characters in both."""
    rows = [{**row, "text": f"one{break_}two {row['text']}"} for row in GOOD]
    data = read_labelled_texts(file_of(tmp_path, name, rows))
    assert pairs(data) == Counter((row["text"], row["label"]) for row in rows)


def test_integer_labels_in_jsonl_are_labels_and_0_is_one_of_them(tmp_path):
    rows = [{**row, "label": int(row["label"] == "positive")} for row in GOOD]
    data = read_labelled_texts(file_of(tmp_path, "mine.jsonl", rows))
    assert data.labels == ("0", "1")
    assert len(data.rows) == len(GOOD)


@pytest.mark.parametrize("name", ["mine.csv", "mine.jsonl"])
def test_a_very_long_text_is_read(tmp_path, name):
    """Longer than the csv module's own limit of 131,072 characters a field."""
    rows = [*GOOD, {"text": "warm " * 30_000, "label": "positive"}]
    assert len(read_labelled_texts(file_of(tmp_path, name, rows)).rows) == len(rows)


# What is refused


@every_format
def test_a_missing_text_column_is_refused_and_the_found_ones_are_named(tmp_path, name):
    rows = [{"comment": row["text"], "label": row["label"]} for row in GOOD]
    error = refusal(file_of(tmp_path, name, rows))
    assert f"{name} has no text column" in error.what
    assert "comment" in error.what
    assert "'text'" in error.fix


@every_format
def test_a_missing_label_column_is_refused_and_the_found_ones_are_named(tmp_path, name):
    rows = [{"text": row["text"], "stars": row["label"]} for row in GOOD]
    error = refusal(file_of(tmp_path, name, rows))
    assert f"{name} has no label column" in error.what
    assert "stars" in error.what
    assert "'label'" in error.fix


@pytest.mark.parametrize("encoding", ["shift_jis", "utf-16", "euc_jp"])
@every_format
def test_another_encoding_is_refused(tmp_path, name, encoding):
    content = WRITERS[name](GOOD).encode(encoding)
    error = refusal(written(tmp_path, name, content))
    assert f"{name} is not UTF-8" in error.what
    assert "UTF-8" in error.fix
    assert "Shift_JIS" in error.fix


@every_format
@pytest.mark.parametrize("column", ["text", "label"])
@pytest.mark.parametrize("empty", ["", "   "])
def test_empty_cells_are_named_by_line(tmp_path, name, column, empty):
    rows = [dict(row) for row in GOOD * 2]
    rows[1][column] = rows[4][column] = empty
    header = 0 if name.endswith("jsonl") else 1
    error = refusal(file_of(tmp_path, name, rows))
    assert f"{name} has 2 bad rows" in error.what
    for index in (1, 4):
        assert f"line {index + 1 + header}: empty {column}" in error.what


def test_a_row_with_too_few_cells_is_named_by_line(tmp_path):
    content = as_csv(GOOD) + "only a text\n"
    assert (
        f"line {len(GOOD) + 2}: empty label" in refusal(written(tmp_path, "mine.csv", content)).what
    )


def test_line_numbers_count_lines_of_the_file_and_not_rows(tmp_path):
    content = 'text,label\n"two\nlines",good\nx,good\n,bad\ny,bad\n\n,bad\n'
    error = refusal(written(tmp_path, "mine.csv", content))
    assert "line 5: empty text" in error.what
    assert "line 8: empty text" in error.what


def test_many_bad_rows_are_counted_and_the_first_eight_shown(tmp_path):
    rows = GOOD + [{"text": "", "label": "positive"}] * 30
    error = refusal(file_of(tmp_path, "mine.csv", rows))
    assert "30 bad rows" in error.what
    assert error.what.count("empty text") == 8
    assert "and 22 more" in error.what


@every_format
def test_a_label_that_only_the_test_split_has_is_refused(tmp_path, name):
    rows = [{**row, "split": "train"} for row in GOOD]
    rows += [{"text": f"{n} hm", "label": "neutral", "split": "test"} for n in (1, 2)]
    error = refusal(file_of(tmp_path, name, rows))
    first = 5 if name.endswith("jsonl") else 6
    for line in (first, first + 1):
        assert f"line {line}: unknown label 'neutral'" in error.what


@every_format
def test_a_label_that_occurs_once_is_refused(tmp_path, name):
    rows = [*GOOD, {"text": "Fine", "label": "postive"}]
    error = refusal(file_of(tmp_path, name, rows))
    line = 5 if name.endswith("jsonl") else 6
    assert f"line {line}: label 'postive' occurs only here" in error.what
    assert "1 bad rows" in error.what


@every_format
@pytest.mark.parametrize("split", ["dev", "Train", ""])
def test_an_unknown_split_is_refused(tmp_path, name, split):
    rows = [{**row, "split": "train"} for row in GOOD]
    rows += [{**GOOD[0], "split": split}]
    error = refusal(file_of(tmp_path, name, rows))
    assert f"split '{split}' is not one of train, validation, test" in error.what


@pytest.mark.parametrize("absent", ["train", "test"])
def test_a_split_column_that_never_says_train_or_test_is_refused(tmp_path, absent):
    """Nothing could be trained, or nothing measured."""
    used = [split for split in SPLITS if split != absent]
    rows = [{**row, "split": split} for split in used for row in GOOD]
    refusal(file_of(tmp_path, "mine.csv", rows))


@pytest.mark.parametrize("broken", ['{"text": "x", "label"', "not json", "[1, 2]", '"text"', "7"])
def test_a_broken_jsonl_line_is_named(tmp_path, broken):
    lines = as_jsonl(GOOD).splitlines()
    content = "\n".join([*lines[:2], "", broken, *lines[2:]])
    error = refusal(written(tmp_path, "mine.jsonl", content))
    assert "mine.jsonl line 4 is not" in error.what
    assert "one JSON object" in error.fix


@pytest.mark.parametrize("name", ["mine.txt", "mine.xls", "mine", "mine.csv.bak"])
def test_an_unknown_file_type_is_refused(tmp_path, name):
    error = refusal(written(tmp_path, name, as_csv(GOOD)))
    assert f"{name}: unknown file type" in error.what
    for known in (".csv", ".tsv", ".jsonl"):
        assert known in error.fix


@pytest.mark.parametrize("name", ["MINE.CSV", "Mine.JsonL"])
def test_the_file_type_may_be_written_in_capitals(tmp_path, name):
    content = as_csv(GOOD) if name.lower().endswith("csv") else as_jsonl(GOOD)
    assert len(read_labelled_texts(written(tmp_path, name, content)).rows) == len(GOOD)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    for path in (tmp_path / "nowhere.csv", tmp_path / "folder.csv"):
        assert f"no such file: {path}" in refusal(path).what


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path, name, content):
    assert f"{name} has no rows" in refusal(written(tmp_path, name, content)).what


def test_a_header_alone_is_refused(tmp_path):
    assert "mine.csv has no rows" in refusal(written(tmp_path, "mine.csv", "text,label\n")).what


@every_format
def test_one_label_is_not_enough(tmp_path, name):
    error = refusal(file_of(tmp_path, name, [{**row, "label": "good"} for row in GOOD]))
    assert f"{name} has only one label ('good')" in error.what


def test_a_quote_that_is_never_closed_in_a_large_file_is_refused(tmp_path):
    lines = [f"row {n} of the file,{'good' if n % 2 else 'bad'}\n" for n in range(8000)]
    lines[10] = '"never closed,good\n'
    refusal(written(tmp_path, "mine.csv", "text,label\n" + "".join(lines)))


# Splits made by the reader

labelled_rows = st.lists(st.sampled_from("abc"), min_size=4, max_size=80).filter(
    lambda labels: len(Counter(labels)) > 1 and min(Counter(labels).values()) > 1
)


@given(labels=labelled_rows, seed=st.integers(0, 10))
def test_a_made_split_is_disjoint_complete_stratified_and_repeatable(
    tmp_path_factory, labels, seed
):
    rows = [{"text": f"text {n}", "label": label} for n, label in enumerate(labels)]
    path = file_of(tmp_path_factory.getbasetemp(), "mine.jsonl", rows)
    data = read_labelled_texts(path, seed)
    assert read_labelled_texts(path, seed) == data
    parts = {split: data.split(split) for split in SPLITS}
    texts = [text for part, _ in parts.values() for text in part]
    assert sorted(texts) == sorted(row["text"] for row in rows)
    by_text = {row["text"]: row["label"] for row in rows}
    for part_texts, part_labels in parts.values():
        assert [data.labels[i] for i in part_labels] == [by_text[text] for text in part_texts]
    for label, count in Counter(labels).items():
        label_id = data.labels.index(label)
        found = {split: ids.count(label_id) for split, (_, ids) in parts.items()}
        for split, share in (("train", 0.6), ("validation", 0.1), ("test", 0.3)):
            assert abs(found[split] - share * count) < 1, (split, label)
        assert found["train"] >= 1
        assert found["test"] >= 1


def test_another_seed_makes_another_split(tmp_path):
    rows = [{"text": f"text {n}", "label": "ab"[n % 2]} for n in range(60)]
    path = file_of(tmp_path, "mine.csv", rows)
    trained = [set(read_labelled_texts(path, seed).split("train")[0]) for seed in range(4)]
    assert all(a != b for n, a in enumerate(trained) for b in trained[:n])


# Samples for learning curves


@given(size=st.integers(1, 700), seed=st.integers(0, 5))
def test_a_sample_is_balanced_without_repeats_and_repeatable(size, seed):
    data = shipped_texts("requests", "en")
    texts, labels = data.sample(size, seed)
    assert data.sample(size, seed) == (texts, labels)
    train = dict(zip(*data.split("train"), strict=True))
    assert len(texts) == len(labels) == min(size, len(train))
    assert len(set(texts)) == len(texts)
    assert all(train[text] == label for text, label in zip(texts, labels, strict=True))
    counts, available = Counter(labels), Counter(train.values())
    most = max(counts.values())
    for label, there in available.items():
        assert counts[label] >= min(there, most - 1), "a label is short though it has more rows"


def test_another_seed_draws_another_sample():
    data = shipped_texts("reviews", "en")
    assert set(data.sample(32, 0)[0]) != set(data.sample(32, 1)[0])


def test_shipped_texts_have_sorted_labels_and_all_rows():
    data = shipped_texts("reviews", "ja")
    assert data.labels == ("negative", "neutral", "positive")
    assert sum(len(data.split(split)[0]) for split in SPLITS) == len(data.rows)


# One text on one side


@given(
    copies=st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["{}", " {}", "{}!"])), max_size=30
    ),
    seed=st.integers(0, 3),
)
def test_texts_that_differ_in_case_or_space_only_are_in_one_split(tmp_path_factory, copies, seed):
    rows = [{"text": f"Text of part {n}!", "label": "ab"[n % 2]} for n in range(10)]
    rows += [
        {"text": form.format(f"TEXT of  part {n}"), "label": "ab"[n % 2]} for n, form in copies
    ]
    data = read_labelled_texts(
        file_of(tmp_path_factory.getbasetemp(), "mine.jsonl", rows), seed=seed
    )
    sides: dict[str, set[str]] = {}
    for row in data.rows:
        sides.setdefault("".join(row["text"].lower().split()), set()).add(row["split"])
    assert len(data.rows) == len(rows)
    assert all(len(found) == 1 for found in sides.values())


def test_a_files_own_splits_that_share_texts_are_said(tmp_path, monkeypatch):
    heard = []
    monkeypatch.setattr("lab_helpers.data.labelled.note", heard.append)
    rows = [{**row, "split": "train"} for row in GOOD]
    rows.append({**GOOD[1], "text": "BROKE,  twice", "split": "test"})
    assert len(read_labelled_texts(file_of(tmp_path, "mine.csv", rows)).rows) == 5
    assert "1 validation or test rows repeat" in heard[0]
