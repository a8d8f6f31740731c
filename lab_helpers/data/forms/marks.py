"""Marks by which a file says that a turn, or a whole row, is not to be learned."""

from typing import Any

from lab_helpers.data.forms.cells import read_number

MARKS = ("weight", "train", "training")
_ROW_MARKS = (*MARKS, "loss")
_OFF = ("false", "no", "off")


def is_off(mark: Any) -> bool:
    """``False``, 0, a negative weight, and their spellings in a table; an absent mark is none."""
    if isinstance(mark, bool):
        return not mark
    if isinstance(mark, str) and mark.strip().lower() in _OFF:
        return True
    number = read_number(mark)
    return number is not None and number <= 0


def row_marks_off(row: dict) -> list[str]:
    """The columns of a row that say that nothing of it is to be learned.

    A ``loss`` may be a measured number: only False and its words are a mark.
    """
    found = []
    for name, value in row.items():
        plain = str(name).strip().lower()
        measured = (
            plain == "loss" and not isinstance(value, bool) and read_number(value) is not None
        )
        if plain in _ROW_MARKS and not measured and is_off(value):
            found.append(str(name))
    return found
