"""Which choice is the right one? What a multiple-choice file's answers mean, decided over the whole file.

Publishers write the place counted from 0 (MMLU on the hub), from 1, a letter (MMLU's CSV, MMLU-Pro), or the
choice itself. A single "3" may be any of them. A reading must fit every row of the file, and where
several fit they must name the same choices; else the file is refused, never scored against a wrong answer.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from lab_helpers.runtime.errors import BadInput

Answers = Literal["0-based", "1-based", "letters", "texts"]

READINGS: tuple[Answers, ...] = ("0-based", "1-based", "letters", "texts")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLUMNS = ("answer", "label", "answer_index", "answer_idx", "answerKey")
"""Where the answer stands. A file may have several of them: then they must agree."""

_LETTER = re.compile(r"[(\[{<]?\s*([A-Za-z])\s*[)\]}>.:、。]*")
_LETTER_AND_TEXT = re.compile(r"[(\[]?([A-Za-z])[)\].:、。]+\s*(\S.*)", re.DOTALL)
_SAY = (
    "Say which: --answers=0-based, 1-based, letters or texts in labs eval (answers=… in Python), "
    "or write the answers as letters."
)


class UnclearAnswer(Exception):
    """An answer that names no choice; ``row`` is its place in the file's rows, None where it is all of them."""

    def __init__(self, row: int | None, problem: str, way_out: str = ""):
        self.row = row
        self.way_out = way_out or "Mend this line or take it out."
        super().__init__(problem)


@dataclass(frozen=True)
class ChoiceRow:
    """What decides about a row: its ``choices`` and the ``answers`` by column; ``first`` is the number in the
    name of its first choice's column (``choice0``, ``choice1``), None where the choices are a list."""

    choices: tuple[str, ...]
    answers: dict[str, Any]
    first: int | None = None


def right_places(questions: Sequence[ChoiceRow], given: Answers | None = None) -> list[int]:
    """For every question the place (from 0) of its right choice.

    ``given`` says how the answers are to be read; None decides by the whole file. Raises
    :class:`UnclearAnswer` for a row that fits no reading, for columns that disagree, and where two readings fit.
    """
    columns = _columns(questions)
    allowed = READINGS if given else _allowed(questions)
    options = {column: _readings(questions, column, allowed) for column in columns}
    if given:
        main = next((column for column in columns if given in options[column]), columns[0])
        if given not in options[main]:
            raise _misfit(questions, main, (given,))
        options[main] = {given: options[main][given]}
    for column in columns:
        if not options[column]:
            raise _misfit(questions, column, allowed)
    if len(columns) > 1:
        options = _agreeing(questions, options)
    found = {tuple(places) for places in options[columns[0]].values()}
    if len(found) > 1:
        raise _ambiguous(questions, columns[0], options[columns[0]])
    return list(found.pop())


def check_reading(name: str | None) -> Answers | None:
    """``name`` as a reading, None as it is; raises :class:`BadInput` for any other."""
    for reading in READINGS:
        if name == reading:
            return reading
    if name is None:
        return None
    raise BadInput(f"unknown kind of answers '{name}'", f"Use one of: {', '.join(READINGS)}.")


def is_letter(text: str) -> bool:
    """Whether ``text`` is a letter, as in "B", "b", "(B)", "B." or the full-width "Ｂ"."""
    return _LETTER.fullmatch(unicodedata.normalize("NFKC", text).strip()) is not None


def _columns(questions: Sequence[ChoiceRow]) -> list[str]:
    """The columns that hold answers: all of :data:`COLUMNS` that name a choice in most rows."""
    there = [column for column in COLUMNS if any(column in one.answers for one in questions)]
    useful = [
        column
        for column in there
        if max(map(sum, _fitting(questions, column, READINGS).values())) * 2 > len(questions)
    ]
    return useful or there[:1] or ["answer"]


def _fitting(
    questions: Sequence[ChoiceRow], column: str, readings: Sequence[Answers]
) -> dict[Answers, list[bool]]:
    """Of each reading, for which rows ``column`` names a choice in it."""
    return {
        reading: [
            _place(question.answers.get(column), question, reading) is not None
            for question in questions
        ]
        for reading in readings
    }


def _allowed(questions: Sequence[ChoiceRow]) -> tuple[Answers, ...]:
    """The readings that the names of the choices leave: ``choice0`` says that the first is number 0."""
    if all(question.first == 0 for question in questions):
        return ("0-based", "letters", "texts")
    return READINGS


def _readings(
    questions: Sequence[ChoiceRow], column: str, allowed: Sequence[Answers]
) -> dict[Answers, list[int]]:
    """Each of the ``allowed`` readings of ``column`` that fits every row, with the places it names."""
    found: dict[Answers, list[int]] = {}
    for reading in allowed:
        places = []
        for question in questions:
            place = _place(question.answers.get(column), question, reading)
            if place is None:
                break
            places.append(place)
        else:
            found[reading] = places
    # Where the names of the choices count, a number means that name before anything else.
    first = {question.first for question in questions}
    by_name: Answers = "1-based" if first == {1} else "0-based"
    if len(allowed) > 1 and first in ({0}, {1}) and by_name in found:
        return {by_name: found[by_name]}
    return found


def _place(answer: Any, question: ChoiceRow, reading: Answers) -> int | None:
    """The place that ``answer`` names in one reading, or None where it names none."""
    if answer is None or isinstance(answer, bool | list | dict):
        return None
    choices = question.choices
    written = unicodedata.normalize("NFKC", str(answer)).strip()
    if reading == "texts":
        return _place_of_text(str(answer), choices)
    if reading == "letters":
        return _place_of_letter(written, choices) if isinstance(answer, str) else None
    number = _number(answer, written)
    if number is None:
        return None
    place = number - (reading == "1-based")
    return place if 0 <= place < len(choices) else None


def _number(answer: Any, written: str) -> int | None:
    if isinstance(answer, float):
        return int(answer) if answer.is_integer() else None
    match = re.fullmatch(r"(-?\d{1,9})(?:\.0+)?", written)
    return int(match[1]) if match else None


def _is_number(answer: Any) -> bool:
    if answer is None or isinstance(answer, bool | list | dict):
        return False
    return _number(answer, unicodedata.normalize("NFKC", str(answer)).strip()) is not None


def _place_of_letter(written: str, choices: Sequence[str]) -> int | None:
    match = _LETTER.fullmatch(written)
    text = None
    if match is None and (match := _LETTER_AND_TEXT.fullmatch(written)):
        text = match[2]
    if match is None:
        return None
    place = LETTERS.index(match[1].upper())
    if place >= len(choices) or (text is not None and _alike(text) != _alike(choices[place])):
        return None
    return place


def _place_of_text(answer: str, choices: Sequence[str]) -> int | None:
    """The one choice that reads as ``answer``; of two the one that is the same to the letter."""
    for same in (str.strip, _alike):
        places = [place for place, choice in enumerate(choices) if same(choice) == same(answer)]
        if len(places) == 1:
            return places[0]
    return None


def _alike(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _agreeing(
    questions: Sequence[ChoiceRow], options: dict[str, dict[Answers, list[int]]]
) -> dict[str, dict[Answers, list[int]]]:
    """Of each column the readings with which some reading of every other column agrees on all rows."""
    kept = {
        column: {
            reading: places
            for reading, places in readings.items()
            if all(places in other.values() for other in options.values())
        }
        for column, readings in options.items()
    }
    if all(kept.values()):
        return kept
    first, *others = options
    for column in others:
        pairs = [
            (mine, theirs)
            for mine in options[first].values()
            for theirs in options[column].values()
        ]
        if any(mine == theirs for mine, theirs in pairs):
            continue
        mine, theirs = max(pairs, key=lambda pair: sum(map(int.__eq__, *pair)))
        row = next(row for row, place in enumerate(mine) if place != theirs[row])
        answers = questions[row].answers
        raise UnclearAnswer(
            row,
            f"names two choices: {first} is {answers[first]!r} and {column} is {answers[column]!r}",
            "Mend this line, or take one of the two columns out.",
        )
    raise UnclearAnswer(
        None,
        f"has answers in {len(options)} columns ({', '.join(options)}) that do not agree",
        "Keep only the column that is right.",
    )


def _misfit(
    questions: Sequence[ChoiceRow], column: str, readings: Sequence[Answers]
) -> UnclearAnswer:
    """No reading fits all rows: the rows that the most fitting one leaves out, or two kinds mixed."""
    fitting = _fitting(questions, column, readings)
    for row, question in enumerate(questions):
        if not any(rows[row] for rows in fitting.values()):
            return _no_choice(row, question, column, readings)
    best = max(readings, key=lambda reading: sum(fitting[reading]))
    row = fitting[best].index(False)
    answer = questions[row].answers.get(column)
    if best in ("0-based", "1-based") and _is_number(answer):
        count = len(questions[row].choices)
        return UnclearAnswer(
            row,
            f"has an answer outside its {count} choices: {answer!r}, and most answers count from {best[0]}",
            "Mend this line or take it out.",
        )
    return UnclearAnswer(
        row,
        f"has the answer {answer!r}, and most answers of the file are read as {best}",
        "Write all answers in one way: as letters, as texts, or as numbers counted from 0 or from 1.",
    )


def _no_choice(
    row: int, question: ChoiceRow, column: str, readings: Sequence[Answers]
) -> UnclearAnswer:
    answer, count = question.answers.get(column), len(question.choices)
    if _is_number(answer) or (isinstance(answer, str) and is_letter(answer)):
        given = f" when read as {readings[0]}" if len(readings) == 1 else ""
        return UnclearAnswer(
            row,
            f"has an answer outside its {count} choices{given}",
            f"It must be 0 to {count - 1}, 1 to {count}, or A to {LETTERS[count - 1]}.",
        )
    return UnclearAnswer(
        row,
        f"has no answer: {answer!r}",
        "It is the right choice's number or letter, or its text.",
    )


def _ambiguous(
    questions: Sequence[ChoiceRow], column: str, readings: dict[Answers, list[int]]
) -> UnclearAnswer:
    first, second = next(
        (one, other) for one, other in combinations(readings, 2) if readings[one] != readings[other]
    )
    row = next(r for r, place in enumerate(readings[first]) if place != readings[second][r])
    answer = questions[row].answers.get(column)
    choices = questions[row].choices
    one, other = (choices[readings[reading][row]] for reading in (first, second))
    return UnclearAnswer(
        row,
        f"has the answer {answer!r}, which is ambiguous: {one[:30]!r} when the file's answers are {first}, "
        f"{other[:30]!r} when they are {second}, and no line decides",
        _SAY,
    )
