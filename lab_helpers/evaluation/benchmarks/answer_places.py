"""One answer of a multiple-choice row: the place that it names when it is read in a certain way."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Answers = Literal["0-based", "1-based", "letters", "texts"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTER = re.compile(r"[(\[{<]?\s*([A-Za-z])\s*[)\]}>.:、。]*")
_LETTER_AND_TEXT = re.compile(r"[(\[]?([A-Za-z])[)\].:、。]+\s*(\S.*)", re.DOTALL)


@dataclass(frozen=True)
class ChoiceRow:
    """What decides about a row: its ``choices`` and the ``answers`` by column; ``first`` is the number in the
    name of its first choice's column (``choice0``, ``choice1``), None where the choices are a list."""

    choices: tuple[str, ...]
    answers: dict[str, Any]
    first: int | None = None


def place_of(answer: Any, question: ChoiceRow, reading: Answers) -> int | None:
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


def is_number(answer: Any) -> bool:
    if answer is None or isinstance(answer, bool | list | dict):
        return False
    return _number(answer, unicodedata.normalize("NFKC", str(answer)).strip()) is not None


def is_letter(text: str) -> bool:
    """Whether ``text`` is a letter, as in "B", "b", "(B)", "B." or the full-width "Ｂ"."""
    return _LETTER.fullmatch(unicodedata.normalize("NFKC", text).strip()) is not None


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
