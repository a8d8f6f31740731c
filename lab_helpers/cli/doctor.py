"""``labs doctor``: is this machine ready, and if not, what to do."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab_helpers.cli.options import AsJson, Language, progress_bar, speak
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_MISSING, BadInput
from lab_helpers.runtime.language import say

if TYPE_CHECKING:
    from lab_helpers.course.doctor import Finding

_COLOURS = {"ok": "green", "note": "yellow", "problem": "bold red"}


def doctor(
    classroom: Annotated[
        bool,
        typer.Option(
            "--classroom",
            help=say(
                "Also what a class room needs: ports, no network, files.",
                "教室で必要なことも調べます（ポート、オフラインでの動作、ファイル）。",
            ),
        ),
    ] = False,
    bundle: Annotated[
        Path | None,
        typer.Option(
            help=say(
                "With --classroom: verify this bundle, and whether it installs here.",
                "--classroom と一緒に指定します。このバンドルと、ここにインストールできるかを確認します。",
            )
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help=say(
                "The profile that is to run here; also LAB_PROFILE.",
                "ここで使うプロファイル。環境変数 LAB_PROFILE でも指定できます。",
            )
        ),
    ] = None,
    as_json: AsJson = False,
    lang: Language = None,
) -> None:
    """Python, libraries, hardware, precision, offline readiness, disk; every problem with its fix."""
    from lab_helpers.runtime.profiles import load_profile

    speak(lang)
    if bundle and not classroom:
        raise BadInput(
            say("--bundle works with --classroom", "--bundle は --classroom と一緒に使います"),
            say(
                "labs doctor --classroom --bundle FOLDER",
                "例: labs doctor --classroom --bundle FOLDER",
            ),
        )
    if profile:
        load_profile(profile)  # a wrong name is told before anything is looked at
    findings = _look(classroom, bundle, profile)
    ready = all(finding.level != "problem" for finding in findings)
    if as_json:
        told = {"ready": ready, "findings": [asdict(finding) for finding in findings]}
        print(json.dumps(told, ensure_ascii=False))
    else:
        show_findings(findings)
    sys.exit(EXIT_DONE if ready else EXIT_MISSING)


def _look(classroom: bool, bundle: Path | None, profile: str | None) -> "list[Finding]":
    if not classroom:
        from lab_helpers.course.doctor import check_machine

        return check_machine(profile)
    from lab_helpers.course.classroom.checks import check_classroom

    with progress_bar():
        return check_classroom(bundle, profile)


def show_findings(findings: "list[Finding]") -> None:
    """The doctor's table."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.cli.line_breaks import breakable

    table = Table(title=say("doctor", "環境診断"))
    for heading in ("", say("found", "検出"), say("the way out", "対処")):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        value = f"[{_COLOURS[finding.level]}]{escape(finding.value)}[/]"
        table.add_row(*map(breakable, (escape(finding.title), value, escape(finding.fix))))
    Console().print(table)
