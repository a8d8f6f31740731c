"""What a file says about its own answers: good or bad, a rating, which of two is better."""

from typing import Any

from lab_helpers.data.forms.preference_rows import scores_of

GOOD_OR_BAD = ("label", "kto_tag")
"""Columns of unpaired preferences, as TRL's KTOTrainer and LLaMA-Factory call them."""

RATINGS = ("rating", "score", "overall_score", "quality", "stars", "reward")
_GOOD = {"true", "1", "1.0", "good", "desirable", "chosen"}
_BAD = {"false", "0", "0.0", "bad", "undesirable", "rejected"}


def read_label(row: dict) -> bool | None:
    """Whether the row calls its answer good (True) or bad (False); None where it does not say."""
    for name, value in row.items():
        if str(name).strip().lower() in GOOD_OR_BAD:
            return _good_or_bad(value)
    return None


def read_rating(row: dict) -> tuple[str, float] | None:
    """The column that rates the row's answer, and its number."""
    for name, value in row.items():
        if str(name).strip().lower() in RATINGS and (number := _number(value)) is not None:
            return str(name), number
    return None


def judge_preference(row: dict) -> str | None:
    """The problem's code where the row's own scores say that the rejected answer is as good, or better."""
    scores = scores_of(row)
    if scores is None or scores[0] > scores[1]:
        return None
    return "scores-equal" if scores[0] == scores[1] else "scores-contradict"


def _good_or_bad(value: Any) -> bool | None:
    word = str(value).strip().lower()
    return True if word in _GOOD else False if word in _BAD else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number else None
