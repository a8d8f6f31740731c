"""How ``labs data check`` and ``labs rag index`` show what is wrong with a learner's own files."""

from collections.abc import Sequence
from typing import Protocol

SHOWN = 50


class Told(Protocol):
    """A problem with a code, a severity, and its sentences in both languages."""

    @property
    def code(self) -> str: ...

    @property
    def severity(self) -> str: ...

    @property
    def message(self) -> str: ...

    def fix(self) -> str: ...

    def in_japanese(self) -> tuple[str, str]: ...


def problem_dict(problem: Told) -> dict[str, str]:
    """A problem for ``--json``, its sentences in the current language."""
    message, fix = _in_words(problem)
    return {"code": problem.code, "severity": problem.severity, "message": message, "fix": fix}


def _in_words(problem: Told) -> tuple[str, str]:
    """Message and way out in the current language."""
    from lab_helpers.runtime.language import language

    return problem.in_japanese() if language() == "ja" else (problem.message, problem.fix())


def show_problems(problems: Sequence[tuple[str | int, Told]], heading: str) -> int:
    """A table of ``(place, problem)``, errors first; how many it shows.

    ``heading`` says what a place is. Fifty warnings must not hide the line that stops a training.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.cli.line_breaks import breakable
    from lab_helpers.runtime.language import say

    if not problems:
        return 0
    table = Table()
    for title in (heading, say("problem", "問題"), say("the way out", "対処")):
        table.add_column(title, overflow="fold")  # Japanese has no spaces to break lines at.
    ordered = sorted(problems, key=lambda one: (one[1].severity != "error", one[0]))[:SHOWN]
    for place, problem in ordered:
        message, fix = _in_words(problem)
        colour = "bold red" if problem.severity == "error" else "yellow"
        cells = (escape(str(place)), f"[{colour}]{escape(message)}[/]", escape(fix))
        table.add_row(*map(breakable, cells))
    Console().print(table)
    return len(ordered)
