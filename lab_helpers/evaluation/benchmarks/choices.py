"""The choices of a multiple-choice row: a list, an object by letters, or a column for each."""

import json
import re

from lab_helpers.evaluation.benchmarks.answers import COLUMNS, LETTERS, ChoiceRow
from lab_helpers.runtime.language import say

_NUMBERED_CHOICE = re.compile(r"choice(\d+)")


class WrongRow(Exception):
    """A row of a benchmark file that cannot be used; reads on from "line 7 "."""

    def __init__(self, problem: str, way_out: str = ""):
        self.way_out = way_out or say(
            "Mend this line or take it out.", "この行を直すか、取り除いてください。"
        )
        super().__init__(problem)


def read_question(values: dict) -> ChoiceRow:
    """The choices and answers of a row. Raises :class:`WrongRow`."""
    choices, names = _choices(values)
    if len(choices) < 2:
        raise WrongRow(say("has fewer than two choices", "選択肢が 2 つ未満です"))
    if len(choices) > len(LETTERS):
        raise WrongRow(
            say(
                f"has {len(choices)} choices, more than there are letters",
                f"選択肢が {len(choices)} 個あり、文字（A、B、…）が足りません",
            )
        )
    if not all(isinstance(choice, str) and choice.strip() for choice in choices):
        raise WrongRow(
            say(
                "has a choice that is empty or no text",
                "空の選択肢か、文字列でない選択肢があります",
            )
        )
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
            raise WrongRow(
                say(
                    "has choices without a label of its own for each",
                    "選択肢のラベルが足りないか、重複しています",
                )
            )
        return found["text"], names
    if isinstance(found, dict):
        names = sorted(found)
        if names != list(LETTERS[: len(names)]):
            raise WrongRow(
                say(
                    f"has choices that are not called A, B, … ({', '.join(map(str, found))})",
                    f"選択肢の名前が A、B、… になっていません（{', '.join(map(str, found))}）",
                )
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
            say(
                "has its choices as one text that is no JSON list",
                "選択肢が、JSON のリストではない 1 つの文字列になっています",
            ),
            say(
                "Give them as a JSON list, or in columns A, B, C, …",
                "JSON のリストにするか、A、B、C、… の列に分けてください。",
            ),
        )
    return found
