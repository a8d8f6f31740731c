"""``labs report``: all your runs on one page."""

from pathlib import Path
from typing import Annotated

import typer

from lab_helpers.cli.options import Language, Out, require_folder, speak
from lab_helpers.runtime.language import say


def report(
    to: Annotated[
        Path | None, typer.Option(help=say("File to write.", "書き出すファイル。"))
    ] = None,
    out: Out = None,
    lang: Language = None,
) -> None:
    """One self-contained HTML page of all your runs."""
    from lab_helpers.course.report import write_report
    from lab_helpers.runtime.paths import home

    speak(lang)
    require_folder(out)
    print(write_report(to or home() / "report.html", out))
