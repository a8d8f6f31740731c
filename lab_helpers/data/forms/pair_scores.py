"""What a preference row says itself about its two answers: a score of each, or how far they are apart."""

import json
import re
from collections.abc import Iterator
from typing import Any

from lab_helpers.data.forms.cells import decode_turns, read_number
from lab_helpers.data.forms.columns import columns_of

_SCORES = re.compile(r"(?:^|[_\-. ])(?:score|rating|reward|overall|quality)s?(?:$|[_\-. ])")
_MARGIN = re.compile(r"(?:^|[_\-. ])margin$")
_CHOSEN_FIRST = re.compile(r"chosen.*rejected")


def judge_preference(row: dict) -> list[tuple[str, str]]:
    """Problems of the row's own scores: their codes and the columns.

    One pair of scores in which the rejected answer is better is enough to contradict the row.
    """
    apart = list(_differences(row))
    unread = [("scores-unread", name) for name in _unread(row)]
    if any(difference < 0 for difference in apart):
        return [("scores-contradict", ""), *unread]
    if apart and not any(apart):
        return [("scores-equal", ""), *unread]
    return unread


def _differences(row: dict) -> Iterator[float]:
    """By how much each of the row's own judgements puts the chosen answer above the rejected one."""
    cells = {str(name).strip().lower(): value for name, value in row.items()}
    pairs = [
        *((value, cells.get(name.replace("chosen", "rejected"))) for name, value in cells.items() if "chosen" in name and _SCORES.search(name)),
        *(_inside(cells[name]) for name in cells if _SCORES.search(name)),
        *((numbers[0], numbers[1]) for name in cells if _SCORES.search(name) and _CHOSEN_FIRST.search(name) and (numbers := _two_numbers(cells[name]))),
        _beside_the_answers(row),
    ]  # fmt: skip
    for better, worse in pairs:
        high, low = read_number(better), read_number(worse)
        if high is not None and low is not None:
            # Not their difference: of the two largest numbers it would be none.
            yield float((high > low) - (high < low))
    for name, value in cells.items():
        if _MARGIN.search(name) and (number := read_number(value)) is not None:
            yield number


def _inside(value: Any) -> tuple[Any, Any]:
    """``{"chosen": 8, "rejected": 2}`` in one column of scores."""
    value = _from_json(value)
    return (value.get("chosen"), value.get("rejected")) if isinstance(value, dict) else (None, None)


def _beside_the_answers(row: dict) -> tuple[Any, Any]:
    """The scores that stand in the answers themselves: ``{"role", "content", "score"}``."""
    columns = columns_of(row, "preference")
    chosen, rejected = (_own_score(row[columns[name]]) for name in ("chosen", "rejected"))
    shared = [name for name in chosen if name in rejected]
    return (chosen[shared[0]], rejected[shared[0]]) if shared else (None, None)


def _own_score(answer: Any) -> dict[str, Any]:
    answer = decode_turns(answer)
    turn = answer[-1] if isinstance(answer, list) and answer else answer
    if not isinstance(turn, dict):
        return {}
    return {str(name): value for name, value in turn.items() if _SCORES.search(str(name).lower())}


def _unread(row: dict) -> Iterator[str]:
    """Columns with two numbers of which nothing says whose they are."""
    for name, value in row.items():
        plain = str(name).strip().lower()
        of_one = "chosen" in plain or "rejected" in plain
        if _SCORES.search(plain) and not of_one and _two_numbers(value):
            yield str(name)


def _two_numbers(value: Any) -> list[float] | None:
    value = _from_json(value)
    if not isinstance(value, list) or len(value) != 2:
        return None
    numbers = [number for number in map(read_number, value) if number is not None]
    return numbers if len(numbers) == 2 else None


def _from_json(value: Any) -> Any:
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
