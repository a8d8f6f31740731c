"""Cleaning as a list of small steps in the learner's order, with a count of what each one did.

A step is a name and a function from a row to a row, or to None to take the row out::

    steps = [
        edit("normalise", normalise, "question", "answer"),
        edit("HTML", strip_html, "answer"),
        drop("too short", outside_length(5, 2000), "answer"),
        drop("not Japanese", lambda text: detect_language(text) != "ja", "answer"),
    ]
    kept, report = clean(rows, steps)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lab_helpers.data.languages import detect_language
from lab_helpers.data.texts import is_truncated, normalise, strip_html
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

__all__ = [
    "CleaningReport",
    "Step",
    "StepReport",
    "clean",
    "detect_language",
    "drop",
    "edit",
    "is_truncated",
    "normalise",
    "outside_length",
    "strip_html",
]

SHOWN_LINES = 5


class Step(NamedTuple):
    """``apply(row)`` is the row (changed or not), or None when it has to go."""

    name: str
    apply: Callable[[dict], dict | None]


@dataclass
class StepReport:
    """What one step did: rows in, rows changed, rows removed, and the first lines of each."""

    name: str
    rows: int = 0
    changed: int = 0
    removed: int = 0
    changed_lines: list[int] = field(default_factory=list)
    removed_lines: list[int] = field(default_factory=list)


@dataclass
class CleaningReport:
    """One :class:`StepReport` for each step, in order; ``rows`` came in, ``kept`` went out."""

    rows: int
    kept: int
    steps: list[StepReport]

    def table(self) -> list[dict]:
        """One plain dict a step."""
        return [
            {
                "step": step.name,
                "rows": step.rows,
                "changed": step.changed,
                "removed": step.removed,
                "lines": ", ".join(map(str, step.removed_lines or step.changed_lines)),
            }
            for step in self.steps
        ]


def clean(rows: Iterable[dict], steps: Sequence[Step]) -> tuple[list[dict], CleaningReport]:
    """The rows that all ``steps`` let pass, and what each step did. ``rows`` are not changed.

    A row's line is its ``line`` column, or else its place, counted from 1.
    """
    reports = [StepReport(step.name) for step in steps]
    kept, count = [], 0
    for place, row in enumerate(rows, 1):
        count += 1
        result = _apply(row, row.get("line", place), steps, reports)
        if result is not None:
            kept.append(result)
    return kept, CleaningReport(count, len(kept), reports)


def _apply(row: dict, line: int, steps: Sequence[Step], reports: list[StepReport]) -> dict | None:
    current = row
    for step, report in zip(steps, reports, strict=True):
        report.rows += 1
        result = step.apply(current)
        if result is None:
            report.removed += 1
            report.removed_lines += [line] if len(report.removed_lines) < SHOWN_LINES else []
            return None
        if result != current:
            report.changed += 1
            report.changed_lines += [line] if len(report.changed_lines) < SHOWN_LINES else []
        current = result
    return current


def edit(name: str, function: Callable[[str], str], *columns: str) -> Step:
    """A step that replaces every text of ``columns`` by ``function(text)``.

    A column may hold a text or a list of messages, whose contents are then the texts.
    """
    _need_columns(name, columns)

    def apply(row: dict) -> dict:
        return {**row, **{c: _edited(row[c], function) for c in columns if c in row}}

    return Step(name, apply)


def drop(name: str, wrong: Callable[[str], bool], *columns: str) -> Step:
    """A step that removes rows in which ``wrong(text)`` is true for any text of ``columns``."""
    _need_columns(name, columns)

    def apply(row: dict) -> dict | None:
        bad = any(wrong(text) for c in columns if c in row for text in _texts(row[c]))
        return None if bad else row

    return Step(name, apply)


def outside_length(shortest: int, longest: int) -> Callable[[str], bool]:
    """True for texts of fewer than ``shortest`` or more than ``longest`` characters."""
    return lambda text: not shortest <= len(text) <= longest


def _need_columns(name: str, columns: tuple[str, ...]) -> None:
    if not columns:
        raise BadInput(
            say(f"step '{name}' names no column", f"ステップ「{name}」に列が指定されていません"),
            say("Name the columns with the texts.", "文章の入った列の名前を指定してください。"),
        )


def _edited(value, function: Callable[[str], str]):
    if isinstance(value, str):
        return function(value)
    if isinstance(value, list):
        return [
            {**turn, "content": _edited(turn.get("content"), function)}
            if isinstance(turn, dict)
            else turn
            for turn in value
        ]
    return value


def _texts(value) -> list[str]:
    if isinstance(value, list):
        value = [turn.get("content") for turn in value if isinstance(turn, dict)]
        return [text for text in value if isinstance(text, str)]
    return [value] if isinstance(value, str) else []
