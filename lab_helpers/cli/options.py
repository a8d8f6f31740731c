"""Options and small things that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Language = Annotated[str | None, typer.Option("--lang", help="en or ja; also LAB_LANG.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the results; also LAB_HOME.")]


def speak(lang: str | None) -> None:
    """Use ``--lang`` where it was given."""
    from lab_helpers.runtime.language import set_language

    if lang:
        set_language(lang)


def stderr_console():
    """A rich console on standard error: standard output is for results."""
    from rich.console import Console

    return Console(stderr=True)
