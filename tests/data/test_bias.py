"""Shares of groups, words, openings and lengths, counted by hand."""

import pytest

from lab_helpers.data.bias import (
    bias_report,
    gender_of,
    length_bucket,
    length_by_group,
    opening,
    top_openings,
)
from lab_helpers.runtime.errors import BadInput

ROWS = [
    {"topic": "price", "text": "Thank you for writing to us. The NW-800 costs 118,000 yen."},
    {
        "topic": "price",
        "text": "Thank you for writing to us. She bought the NW-800 and the HT-120.",
    },
    {
        "topic": "price",
        "text": "お問い合わせありがとうございます。彼女の父もNW-800を使っています。",
    },
    {"topic": "parts", "text": "Sorry, we have no filter at the moment, please wait."},
]


def view(name: str, rows=ROWS, **options) -> dict[str, dict]:
    table = bias_report(rows, "text", "topic", **options)
    return {row["group"]: row for row in table if row["view"] == name}


def test_shares_and_ratios_of_a_column():
    topics = view("topic")
    assert {g: (r["rows"], r["share"], r["ratio"]) for g, r in topics.items()} == {
        "price": (3, 0.75, 1.5),
        "parts": (1, 0.25, 0.5),
    }
    assert topics["parts"]["length"] == len(ROWS[3]["text"])


def test_the_other_views():
    assert {g: r["rows"] for g, r in view("language").items()} == {"en": 3, "ja": 1}
    assert {g: r["rows"] for g, r in view("product").items()} == {
        "NW-800": 3,
        "HT-120": 1,
        "(none)": 1,
    }
    genders = {g: r["rows"] for g, r in view("gendered words").items()}
    assert genders == {"(none)": 2, "female": 1, "both": 1}
    assert view("opening")["thank you for writing"]["share"] == 0.5
    assert view("opening")["thank you for writing"]["ratio"] is None


def test_named_products_are_counted_instead_of_codes():
    found = view("product", products=["filter", "Nagare"])
    assert {g: r["rows"] for g, r in found.items()} == {"filter": 1, "(none)": 3}


def test_every_row_has_the_same_plain_columns():
    table = bias_report(ROWS, "text")
    assert {tuple(row) for row in table} == {("view", "group", "rows", "share", "ratio", "length")}
    assert "topic" not in {row["view"] for row in table}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She is here.", "female"),
        ("He saw her.", "both"),
        ("The other shelf, then there.", "(none)"),
        ("Mr Lang wrote.", "male"),
        ("彼は来ました。", "male"),
        ("彼女は来ました。", "female"),
        ("大丈夫です。工夫しました。兄弟がいます。", "(none)"),
        ("主人と妻です。", "both"),
        ("", "(none)"),
    ],
)
def test_gendered_words(text, expected):
    assert gender_of(text) == expected


@pytest.mark.parametrize(
    ("length", "bucket"), [(0, "0-49"), (49, "0-49"), (50, "50-99"), (9999, "500+")]
)
def test_length_buckets(length, bucket):
    assert length_bucket(length) == bucket


def test_openings():
    assert opening("Thank you,  for writing to us") == "thank you, for writing"
    assert opening("お問い合わせありがとうございます。") == "お問い合わせありがと"
    assert [row["group"] for row in top_openings(["a b", "a b", "c d"])] == ["a b"]


def test_lengths_by_group():
    table = length_by_group(
        [{"g": 1, "t": "abc"}, {"g": 1, "t": "a"}, {"g": 2, "t": "abcd"}], "t", "g"
    )
    assert table == [
        {"group": "2", "rows": 1, "mean": 4, "median": 4},
        {"group": "1", "rows": 2, "mean": 2, "median": 2.0},
    ]


def test_no_rows_and_a_missing_column():
    assert bias_report([], "text") == []
    with pytest.raises(BadInput, match="no text in 'body'"):
        bias_report(ROWS, "body")
