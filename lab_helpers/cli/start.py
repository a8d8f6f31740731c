"""``labs start``: look at the machine, then open the course in JupyterLab."""

import sys
from typing import Annotated

import typer

from lab_helpers.cli.doctor import show_findings
from lab_helpers.cli.options import Language, speak
from lab_helpers.runtime.language import say


def start(
    port: Annotated[
        int,
        typer.Option(
            help=say("Port of JupyterLab on 127.0.0.1.", "JupyterLab のポート（127.0.0.1）。")
        ),
    ] = 8888,
    browser: Annotated[
        bool, typer.Option(help=say("Open the browser.", "ブラウザーを開きます。"))
    ] = True,
    lang: Language = None,
) -> None:
    """Doctor table, then JupyterLab on lab 00, bound to 127.0.0.1."""
    from lab_helpers.course.doctor import check_machine
    from lab_helpers.course.jupyter import launch

    speak(lang)
    show_findings(check_machine())
    sys.exit(launch(port, browser))
