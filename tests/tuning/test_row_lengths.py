"""Long rows are counted before anything trains, and a training of cut answers is refused."""

import pytest

from lab_helpers.models.language_models import load_chat_tokenizer
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.masks import ids_and_labels
from lab_helpers.tuning.row_lengths import RowLengths, choose_length, select_fitting_rows


@pytest.fixture(scope="module")
def tokenizer(tiny_chat_model):
    return load_chat_tokenizer(str(tiny_chat_model))


def row(question: str, answer: str) -> dict:
    return {
        "prompt": [{"role": "user", "content": question}],
        "completion": [{"role": "assistant", "content": answer}],
    }


def pair(question: str, chosen: str, rejected: str) -> dict:
    parts = row(question, chosen)
    other = [{"role": "assistant", "content": rejected}]
    return {"prompt": parts["prompt"], "chosen": parts["completion"], "rejected": other}


SHORT, LONG = "Why?", "Why? " * 80


def test_rows_are_told_apart_at_the_token(tokenizer):
    whole = len(ids_and_labels(tokenizer, row(SHORT, SHORT))[0])
    assert RowLengths(tokenizer, whole).count(row(SHORT, SHORT)) is None
    assert RowLengths(tokenizer, whole - 1).count(row(SHORT, SHORT)) == "answer-cut"
    assert RowLengths(tokenizer, whole).count(row(LONG, SHORT)) == "answer-lost"


def test_lost_rows_go_and_cut_rows_are_counted(tokenizer):
    rows = [row(SHORT, SHORT), row(LONG, SHORT), row(SHORT, LONG)]
    kept, lengths = select_fitting_rows(rows, tokenizer, 64)
    assert kept == [rows[0], rows[2]]
    assert (lengths.rows, lengths.lost, lengths.cut) == (3, 1, 1)
    assert len(lengths.lines()) == 2
    assert "1 of 3" in lengths.lines()[0]
    assert RowLengths(tokenizer, 64).lines() == []


@pytest.mark.parametrize("rows", [[row(SHORT, LONG)] * 3, [row(LONG, SHORT), row(SHORT, LONG)]])
def test_a_training_in_which_no_answer_ends_is_refused(tokenizer, rows):
    with pytest.raises(BadInput, match="never learn to stop") as caught:
        select_fitting_rows(rows, tokenizer, 64)
    assert "--max-length" in caught.value.fix
    assert len(select_fitting_rows([*rows, row(SHORT, SHORT)], tokenizer, 64)[0]) >= 1


def test_pairs_that_are_alike_as_far_as_they_are_read_are_lost(tokenizer):
    rows = [
        pair(SHORT, "Press it.", "Throw it."),
        pair(LONG, "Press it.", "Throw it."),
        pair(SHORT, LONG + "yes", LONG + "no"),
        pair(SHORT, "Yes.", LONG),
    ]
    kept, lengths = select_fitting_rows(rows, tokenizer, 64)
    assert kept == [rows[0], rows[3]]
    assert (lengths.lost, lengths.cut) == (2, 1)


def test_a_sample_is_counted_and_named(tokenizer):
    lengths = RowLengths(tokenizer, 64, every=3)
    found = [lengths(line, row(SHORT, LONG)) for line in range(1, 10)]
    assert lengths.summary() == {"max_length": 64, "rows": 3, "longest": lengths.longest, "cut": 3, "lost": 0, "unwritten": 0}  # fmt: skip
    assert [[one.code for one in some] for some in found[:3]] == [[], [], ["answer-cut"]]
    assert "64" in found[2][0].message


def test_rows_that_the_template_cannot_write_are_counted_and_end_nothing(tokenizer):
    called = [{"role": "tool", "content": "118"}]
    spoken = row(SHORT, SHORT)
    messages = {"messages": [*spoken["prompt"], *called, *spoken["completion"]]}
    lengths = RowLengths(tokenizer, 64)
    assert [one.code for one in lengths(7, messages)] == ["not-in-template"]
    assert lengths.summary()["unwritten"] == 1


def test_the_length_is_what_is_wanted_within_what_the_model_reads():
    assert choose_length(1024, None, 512) == 512
    assert choose_length(256, None, 512) == 256
    assert choose_length(1024, 900, 512) == 900
    assert choose_length(None, 900) == 900
    assert choose_length(1024, None) == 1024
    with pytest.raises(BadInput, match="2,000 is more than the model reads at once"):
        choose_length(1024, 2000)
    with pytest.raises(BadInput, match="does not say"):
        choose_length(None, None)
