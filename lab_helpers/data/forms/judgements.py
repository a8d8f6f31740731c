"""What a file says about its own answers: good or bad, or a rating."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any

from lab_helpers.data.forms.cells import read_number, says_nothing

GOOD_OR_BAD = ("label", "kto_tag")
"""Columns of unpaired preferences, as TRL's KTOTrainer and LLaMA-Factory call them."""

RATINGS = ("rating", "score", "overall_score", "quality", "stars", "reward")
_RATINGS = (*RATINGS, "ratings", "評価", "評点", "スコア", "点数")
_NUMBERS = {"1": True, "1.0": True, "0": False, "0.0": False, "-1": False, "-1.0": False}
_GOOD = (
    "true",
    "t",
    "yes",
    "y",
    "good",
    "desirable",
    "chosen",
    "ok",
    "👍",
    "良い",
    "良",
    "はい",
    "○",
    "◯",
)
_BAD = (
    "false",
    "f",
    "no",
    "n",
    "bad",
    "undesirable",
    "rejected",
    "ng",
    "👎",
    "悪い",
    "悪",
    "いいえ",
    "×",
    "✕",
)
_WORDS = dict.fromkeys(_GOOD, True) | dict.fromkeys(_BAD, False)
_VARIANTS = re.compile("[\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")  # a thumb's colour and style
_OUT_OF = re.compile(r"([-+]?\d+(?:\.\d+)?)\s*(?:/\s*\d+(?:\.\d+)?|点|points?|stars?|%|out of \d+)")
_FULL, _STARS = "★⭐", re.compile("[★⭐☆✩]+")


def find_categories(rows: Iterable[dict]) -> frozenset[str]:
    """The ``label`` columns of ``rows`` that sort them into something else than good and bad.

    One value that is neither a word for good nor one for bad is enough: "no" beside "billing" is no
    judgement. A column that is empty in all of ``rows`` is none of them.
    """
    return frozenset(
        name
        for row in rows
        for name, value in _columns(row, ("label",))
        if not says_nothing(value) and _good_or_bad(value) is None
    )


def read_labels(row: dict, categories: Collection[str] = ()) -> dict[str, bool]:
    """Each column that calls the row's answer good (True) or bad (False).

    ``categories`` are the columns of :func:`find_categories`; true and false are no category. A number in a column of ratings is a
    rating, a word such as "bad" in it a judgement.
    """
    found = {}
    for name, value in _columns(row, (*GOOD_OR_BAD, *_RATINGS)):
        if name in categories and not isinstance(value, bool):
            continue
        label = _good_or_bad(value)
        if label is not None and (_plain(name) in GOOD_OR_BAD or read_number(value) is None):
            found[name] = label
    return found


def read_label(row: dict, categories: Collection[str] = ()) -> bool | None:
    """Whether the row calls its answer good (True) or, in any column, bad; None where it does not say."""
    labels = read_labels(row, categories)
    return all(labels.values()) if labels else None


def read_ratings(row: dict) -> dict[str, float]:
    """Each column that rates the row's answer, and its number."""
    found = {name: _rating(value) for name, value in _columns(row, _RATINGS)}
    return {name: number for name, number in found.items() if number is not None}


def _columns(row: dict, wanted: tuple[str, ...]) -> list[tuple[str, Any]]:
    return [(str(name), value) for name, value in row.items() if _plain(name) in wanted]


def _plain(name: Any) -> str:
    return str(name).strip().lower()


def _good_or_bad(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str):
        number = read_number(value)
        return {1.0: True, 0.0: False, -1.0: False}.get(number) if number is not None else None
    word = _VARIANTS.sub("", unicodedata.normalize("NFKC", value)).strip().lower()
    return _NUMBERS.get(word, _WORDS.get(word))


def _rating(value: Any) -> float | None:
    """A number, or a text such as "4.0 / 5", "4点" and "★★★☆☆"."""
    if (number := read_number(value)) is not None or not isinstance(value, str):
        return number
    text = unicodedata.normalize("NFKC", _VARIANTS.sub("", value)).strip()
    if _STARS.fullmatch(text):
        return float(sum(text.count(star) for star in _FULL))
    found = _OUT_OF.fullmatch(text.lower())
    return read_number(found[1]) if found else None
