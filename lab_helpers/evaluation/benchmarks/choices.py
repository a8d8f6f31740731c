"""The choices of a multiple-choice row: a list, an object by letters, or a column for each."""

import json
import re

from lab_helpers.evaluation.benchmarks.answers import COLUMNS, LETTERS, ChoiceRow

_NUMBERED_CHOICE = re.compile(r"choice(\d+)")


class WrongRow(Exception):
    """A row of a benchmark file that cannot be used; reads on from "line 7 "."""

    def __init__(self, problem: str, way_out: str = "Mend this line or take it out."):
        self.way_out = way_out
        super().__init__(problem)


def read_question(values: dict) -> ChoiceRow:
    """The choices and answers of a row. Raises :class:`WrongRow`."""
    choices, names = _choices(values)
    if len(choices) < 2:
        raise WrongRow("has fewer than two choices")
    if len(choices) > len(LETTERS):
        raise WrongRow(f"has {len(choices)} choices, more than there are letters")
    if not all(isinstance(choice, str) and choice.strip() for choice in choices):
        raise WrongRow("has a choice that is empty or no text")
    answers = {column: values[column] for column in COLUMNS if column in values}
    first = next(
        (start for start in (0, 1) if names and names == _counted_from(start, len(names))), None
    )
    if names and first is None:
        # The publisher's own names of the choices: an answer that is one of them is that letter.
        answers = {
            column: LETTERS[names.index(str(value))] if str(value) in names else value
            for column, value in answers.items()
        }
    return ChoiceRow(tuple(choices), answers, first)


def _counted_from(start: int, count: int) -> list[str]:
    return [str(number) for number in range(start, start + count)]


def _choices(values: dict) -> tuple[list, list[str]]:
    """The choices, and what they are called where their columns or keys have names (numbers or letters)."""
    found = values.get("choices", values.get("options"))
    if isinstance(found, str):
        found = _list_in_text(found)
    if isinstance(found, list):
        return found, []
    if isinstance(found, dict) and isinstance(found.get("text"), list):
        names = [str(name) for name in found.get("label") or []]
        if len(names) != len(found["text"]) or len(set(names)) < len(names):
            raise WrongRow("has choices without a label of its own for each")
        return found["text"], names
    if isinstance(found, dict):
        names = sorted(found)
        if names != list(LETTERS[: len(names)]):
            raise WrongRow(
                f"has choices that are not called A, B, … ({', '.join(map(str, found))})"
            )
        return [found[name] for name in names], names
    numbered = sorted(
        (int(match[1]), key) for key in values if (match := _NUMBERED_CHOICE.fullmatch(str(key)))
    )
    if numbered:
        return [values[key] for _, key in numbered], [str(number) for number, _ in numbered]
    keys = sorted(key for key in values if key in tuple(LETTERS))
    return [values[key] for key in keys], []


def _list_in_text(text: str) -> list:
    """A list of choices that a CSV cell holds as JSON."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise WrongRow(
            "has its choices as one text that is no JSON list",
            "Give them as a JSON list, or in columns A, B, C, …",
        )
    return found
