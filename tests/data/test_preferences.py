"""The preference pairs: two different answers, a reason, and a length bias that is marked."""

import importlib
import re
import sys
from collections import Counter
from statistics import mean

import pytest

from lab_helpers.data.shipped import load_shipped
from lab_helpers.runtime.paths import data_folder

COLUMNS = ["id", "prompt", "chosen", "rejected", "reason", "split", "length_biased"]
both_languages = pytest.mark.parametrize("language", ["en", "ja"])


def making(name: str):
    """A module of datasets_small/making, which is no package."""
    folder = str(data_folder() / "making")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def pairs(language: str, reason: str | None = None) -> list[dict]:
    rows = load_shipped("preferences", language)
    return [row for row in rows if reason in (None, row["reason"])]


def length_ratio(rows: list[dict]) -> float:
    """Mean length of the preferred answers over that of the others, in characters."""
    return mean(len(row["chosen"]) for row in rows) / mean(len(row["rejected"]) for row in rows)


def matched(rows: list[dict]) -> list[dict]:
    """Pairs of nearly the same length, as a learner would pick them."""
    return [row for row in rows if 0.9 <= len(row["chosen"]) / len(row["rejected"]) <= 1.1]


@both_languages
def test_there_are_enough_pairs_and_every_row_has_the_same_columns(language):
    rows = pairs(language)
    assert len(rows) >= 500
    assert {tuple(row) for row in rows} == {tuple(COLUMNS)}
    assert len({row["id"] for row in rows}) == len(rows)
    assert Counter(row["reason"] for row in rows) == making("preferences").COUNTS
    assert {row["split"] for row in rows} == {"train", "test"}


@both_languages
def test_the_two_answers_differ_and_no_prompt_comes_twice_for_a_reason(language):
    rows = pairs(language)
    assert [row for row in rows if row["chosen"] == row["rejected"]] == []
    assert len({(row["reason"], row["prompt"]) for row in rows}) == len(rows)


@both_languages
def test_no_prompt_is_in_both_splits(language):
    of_split = [
        {row["prompt"] for row in pairs(language) if row["split"] == split}
        for split in ("train", "test")
    ]
    assert not of_split[0] & of_split[1]


@both_languages
def test_prompts_keep_the_split_of_their_gold_row(language):
    splits = {row["question"]: row["split"] for row in load_shipped("support", language)}
    for row in pairs(language):
        assert splits.get(row["prompt"], row["split"]) == row["split"], row["id"]


@both_languages
def test_every_preferred_answer_keeps_the_house_tone(language):
    opening, closing = making("phrases").TONE[language]
    for row in pairs(language):
        assert row["chosen"].startswith(opening), row
        assert row["chosen"].endswith(closing), row
        in_tone = row["rejected"].startswith(opening) and row["rejected"].endswith(closing)
        assert in_tone == (row["reason"] != "tone"), row


@both_languages
def test_wrong_facts_differ_in_numbers_only(language):
    for row in pairs(language, "fact"):
        blank = [re.sub(r"\d", "#", row[side]) for side in ("chosen", "rejected")]
        assert blank[0] == blank[1], row
        codes = r"[A-Z]{2}-\d{1,3}"
        assert re.findall(codes, row["chosen"]) == re.findall(codes, row["rejected"]), row


@both_languages
def test_the_length_bias_is_marked_and_real(language):
    for row in pairs(language):
        assert row["length_biased"] == (row["reason"] == "length"), row
        if row["length_biased"]:
            assert len(row["chosen"]) > len(row["rejected"]), row
    assert 1.4 < length_ratio(pairs(language, "length")) < 1.7


@both_languages
def test_length_matched_pairs_are_there_and_have_equal_lengths(language):
    assert length_ratio(pairs(language, "fact")) == 1
    rows = matched([row for row in pairs(language) if not row["length_biased"]])
    assert len(rows) >= 150
    assert 0.98 < length_ratio(rows) < 1.02


@both_languages
def test_unmarked_pairs_of_other_reasons_are_longer_too(language):
    """The card says so: the tone's opening and closing make the preferred answer longer."""
    assert 1.4 < length_ratio(pairs(language, "tone")) < 1.65
    assert 1.1 < length_ratio(pairs(language, "honesty")) < 1.3


@both_languages
def test_the_maker_reproduces_the_shipped_file(language, tmp_path):
    preferences = making("preferences")
    made = tmp_path / "preferences.jsonl"
    preferences.write(made, preferences.make(language))
    assert made.read_bytes() == (data_folder() / f"preferences.{language}.jsonl").read_bytes()
