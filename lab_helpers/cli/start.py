"""``labs start``: look at the machine, then open the course in JupyterLab."""

import sys
from typing import Annotated

import typer

from lab_helpers.cli.doctor import show_findings
from lab_helpers.cli.options import Language, speak


def start(
    port: Annotated[int, typer.Option(help="Port of JupyterLab on 127.0.0.1.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    lang: Language = None,
) -> None:
    """Doctor table, then JupyterLab on lab 00, bound to 127.0.0.1."""
    from lab_helpers.course.doctor import check_machine
    from lab_helpers.course.jupyter import launch

    speak(lang)
    show_findings(check_machine())
    sys.exit(launch(port, browser))
