"""What cleaning did to rows that somebody else wrote: counts of everything, and the edits themselves."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lab_helpers.data.cleaning import Step, clean
from lab_helpers.data.forms.turns import Message
from lab_helpers.data.own_rows.changes import show_change

KEPT_EDITS = 1000  # of each step; all are counted
SIDES = ("prompt", "completion")

TEXTS = ("content", "reasoning_content")


@dataclass
class KeptContact:
    """A datum that was left alone, or a family of them of which ``text`` is the first; ``rows`` say so."""

    kind: str
    text: str
    rows: int
    why: str
    data: set = field(default_factory=set)


@dataclass
class RowsReport:
    """What :func:`row_cleaning.clean_rows` did; ``rows`` came in, ``kept`` went out; ``steps`` ran.

    ``changed``: rows that each step changed; ``repaired``: rows that any step changed.
    ``edits``: the first :data:`KEPT_EDITS` texts a step changed, ``{"row", "side", "step", "before",
    "after"}``; ``edit_counts`` counts all of them.
    ``removed``: every row that is gone, ``{"row", "why", "twin", "text"}``; ``twin`` is the row it repeats.
    ``contacts``: personal data left alone as the firm's; :meth:`contact_rows` lists them.
    ``html_left``: rows whose tags or entities were left alone, by why.
    ``answered_otherwise``: rows that ask what another row asks and answer differently; all are kept.
    ``questions``: how many different questions the kept rows ask.
    """

    rows: int
    steps: tuple[str, ...] = ()
    kept: int = 0
    repaired: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    edits: list[dict] = field(default_factory=list)
    edit_counts: dict[str, int] = field(default_factory=dict)
    removed: list[dict] = field(default_factory=list)
    contacts: dict[tuple, KeptContact] = field(default_factory=dict)
    html_left: Counter[str] = field(default_factory=Counter)
    answered_otherwise: int = 0
    questions: int = 0

    def count_removed(self, *why: str) -> int:
        """How many rows went for one of the reasons ``why``."""
        return sum(one["why"] in why for one in self.removed)

    def contact_rows(self) -> list[dict]:
        """``{"kind", "text", "different", "rows", "why"}`` of :attr:`contacts`, the surest first.

        ``different`` counts the data of a family, ``rows`` the rows that show whose it is.
        """
        return [
            {
                "kind": one.kind,
                "text": one.text,
                "different": len(one.data),
                "rows": one.rows,
                "why": one.why,
            }
            for one in sorted(self.contacts.values(), key=lambda one: -one.rows)
        ]


class EditLog:
    """Applies a step to rows and notes in ``report`` every text that it changed."""

    def __init__(self, report: RowsReport):
        self.report = report
        self._lines: set[int] = set()

    def apply(
        self, name: str, change: Callable[[dict], dict], rows: list[dict], lines: list[int]
    ) -> list[dict]:
        """``rows`` after ``change``, which returns a row itself where it has nothing to do."""
        changed, counted = clean(rows, [Step(name, change)])
        self.report.changed[name] = counted.steps[0].changed
        self.report.edit_counts[name] = 0
        for line, before, after in zip(lines, rows, changed, strict=True):
            if before is not after:
                self._lines.add(line)
                self._note(name, line, before, after)
        self.report.repaired = len(self._lines)
        return changed

    def _note(self, name: str, line: int, before: dict, after: dict) -> None:
        for side in SIDES:
            for old, new in _changed_texts(before[side], after[side]):
                self.report.edit_counts[name] += 1
                if self.report.edit_counts[name] <= KEPT_EDITS:
                    was, now = show_change(old, new)
                    self.report.edits.append(
                        {"row": line, "side": side, "step": name, "before": was, "after": now}
                    )


def turns_of(row: dict) -> Iterator[Message]:
    """All turns of a row, the answer last."""
    for side in SIDES:
        yield from row[side]


def edit_turns(row: dict, edit: Callable[[Message, str], str], calls: bool = False) -> dict:
    """``row`` with every text of a turn as ``edit(turn, text)``; ``row`` itself where nothing changes.

    With ``calls`` the texts in a turn's tool calls too.
    """
    fields = (*TEXTS, "tool_calls") if calls else TEXTS
    sides = {
        side: [
            turn | {name: _edit_texts(turn, turn[name], edit) for name in fields if name in turn}
            for turn in row[side]
        ]
        for side in SIDES
    }
    return row if all(row[side] == turns for side, turns in sides.items()) else {**row, **sides}


def question_of(row: dict) -> str:
    """The last turn before the answer."""
    return row["prompt"][-1]["content"] if row["prompt"] else ""


def _edit_texts(turn: Message, value: Any, edit: Callable[[Message, str], str]) -> Any:
    if isinstance(value, str):
        return edit(turn, value)
    if isinstance(value, list):
        return [_edit_texts(turn, one, edit) for one in value]
    if isinstance(value, dict):
        return {key: _edit_texts(turn, one, edit) for key, one in value.items()}
    return value


def _changed_texts(before: list[Message], after: list[Message]) -> Iterator[tuple[str, str]]:
    for old, new in zip(before, after, strict=True):
        for name in (*TEXTS, "tool_calls"):
            if old.get(name) != new.get(name):
                yield str(old[name]), str(new[name])
