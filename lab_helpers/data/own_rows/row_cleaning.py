"""Cleaning rows that somebody else wrote: nothing lost and nothing rewritten without being said.

A row is ``{"prompt": [turns], "completion": [turns]}`` in TRL's format; a ``line`` column names it,
or else its place, from 1. The steps, each of which can be left out:

- ``spelling``: what no reader sees is repaired (:mod:`unseen`).
- ``html``: a page's formatting around a text goes (the rule: :mod:`markup`), unless more than half
  of the file's rows have tags on that side: then that is how they are written.
- ``personal-data``: a customer's is masked, the firm's stays (:mod:`contacts`).
- ``near-duplicates``: of rows that say the same the first is kept (:mod:`copies`).
"""

from collections.abc import Callable, Collection, Sequence

from lab_helpers.data.forms.turns import Message
from lab_helpers.data.own_rows.changes import shorten
from lab_helpers.data.own_rows.copies import answered_otherwise, question_groups, remove_copies
from lab_helpers.data.own_rows.row_report import EditLog, RowsReport, question_of, turns_of
from lab_helpers.data.own_rows.row_steps import Change, make_mask, make_repair, make_strip_pages
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

_EDITS: dict[str, Callable[[Sequence[dict], RowsReport], Change]] = {
    "spelling": make_repair,  # first: a zero-width character may stand in a tag
    "html": make_strip_pages,
    "personal-data": make_mask,
}
STEPS = (*_EDITS, "near-duplicates")

COPY, NEAR_DUPLICATE, NO_ANSWER, NO_QUESTION = "copy", "near-duplicate", "no answer", "no question"
_ENDS = ((NO_ANSWER, "completion"), (NO_QUESTION, "prompt"))


def clean_rows(
    rows: Sequence[dict], keep: Collection[str] = frozenset()
) -> tuple[list[dict], RowsReport]:
    """``rows`` cleaned by :data:`STEPS` but for those in ``keep``, and what was done to which row.

    ``rows`` are not changed; every one is in the result or in ``report.removed``. Cleaning the
    result again changes nothing. Raises :class:`BadInput` for a step that there is not.
    """
    check_steps(keep)
    report = RowsReport(len(rows), tuple(step for step in STEPS if step not in keep))
    lines = [row.get("line", place) for place, row in enumerate(rows, 1)]
    log, cleaned = EditLog(report), list(rows)
    for name, make in _EDITS.items():
        if name == "personal-data":  # It looks at all rows: those that have gone must not count.
            cleaned, lines = _drop_emptied(rows, cleaned, lines, report)
        if name in report.steps:
            cleaned = log.apply(name, make(cleaned, report), cleaned, lines)
    if "near-duplicates" in report.steps:
        cleaned = _drop_copies(cleaned, lines, report)
    report.kept = len(cleaned)
    report.answered_otherwise = sum(map(len, answered_otherwise(cleaned)))
    report.questions = len(question_groups(cleaned))
    report.removed.sort(key=lambda one: one["row"])
    return cleaned, report


def check_steps(keep: Collection[str]) -> None:
    """Raise :class:`BadInput` for a name that is none of :data:`STEPS`."""
    if unknown := sorted(set(keep) - set(STEPS)):
        raise BadInput(
            say(
                f"there is no cleaning step '{unknown[0]}'",
                f"「{unknown[0]}」というクリーニングの手順はありません",
            ),
            say(
                f"Use {', '.join(STEPS)}.", f"次のいずれかを指定してください: {', '.join(STEPS)}。"
            ),
        )


def _drop_emptied(
    before: Sequence[dict], rows: list[dict], lines: list[int], report: RowsReport
) -> tuple[list[dict], list[int]]:
    """Rows and lines without those of which cleaning left no question or no answer."""
    kept = []
    for line, old, new in zip(lines, before, rows, strict=True):
        why = next((why for why, side in _ENDS if _emptied(old[side], new[side])), None)
        if why is None:
            kept.append((new, line))
        else:
            report.removed.append(_removal(line, why, None, old))
    return [row for row, _ in kept], [line for _, line in kept]


def _emptied(before: list[Message], after: list[Message]) -> bool:
    return bool(before and before[-1]["content"].strip() and not after[-1]["content"].strip())


def _drop_copies(rows: list[dict], lines: list[int], report: RowsReport) -> list[dict]:
    kept, twins = remove_copies(rows)
    for place, twin in twins.items():
        same = list(turns_of(rows[place])) == list(turns_of(rows[twin]))
        why = COPY if same else NEAR_DUPLICATE
        report.removed.append(_removal(lines[place], why, lines[twin], rows[place]))
    return kept


def _removal(line: int, why: str, twin: int | None, row: dict) -> dict:
    return {"row": line, "why": why, "twin": twin, "text": shorten(question_of(row))}
