"""``labs doctor``: is this machine ready, and if not, what to do."""

import sys
from typing import TYPE_CHECKING

from lab_helpers.cli.options import Language, speak
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_MISSING

if TYPE_CHECKING:
    from lab_helpers.course.doctor import Finding

_COLOURS = {"ok": "green", "note": "yellow", "problem": "bold red"}


def doctor(lang: Language = None) -> None:
    """Python, libraries, hardware, precision, offline readiness, disk; every problem with its fix."""
    from lab_helpers.course.doctor import check_machine

    speak(lang)
    findings = check_machine()
    show_findings(findings)
    not_ready = any(finding.level == "problem" for finding in findings)
    sys.exit(EXIT_MISSING if not_ready else EXIT_DONE)


def show_findings(findings: "list[Finding]") -> None:
    """The doctor's table."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.runtime.language import say

    table = Table(title=say("doctor", "環境診断"))
    for heading in ("", say("found", "検出"), say("the way out", "対処")):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        value = f"[{_COLOURS[finding.level]}]{escape(finding.value)}[/]"
        table.add_row(finding.name, value, escape(finding.fix))
    Console().print(table)
