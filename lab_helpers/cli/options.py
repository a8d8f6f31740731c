"""Options and small things that several commands share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lab_helpers.runtime.errors import BadInput

Language = Annotated[str | None, typer.Option("--lang", help="en or ja; also LAB_LANG.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the results; also LAB_HOME.")]
Shape = Annotated[
    str | None,
    typer.Option(
        help="alpaca, sharegpt, openai-chat, prompt-completion, preference or question-answer; "
        "detected when left out."
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(help="A column to take as absent; may be given several times."),
]
MaxLength = Annotated[
    int | None, typer.Option(min=1, help="Tokens a row may have, its answer included.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def speak(lang: str | None) -> None:
    """Use ``--lang`` where it was given."""
    from lab_helpers.runtime.language import set_language

    if lang:
        set_language(lang)


def stderr_console():
    """A rich console on standard error: standard output is for results."""
    from rich.console import Console

    return Console(stderr=True)


@contextmanager
def progress_bar() -> Iterator[None]:
    """While inside, a bar on standard error shows whatever reports, where that is a terminal."""
    from rich.progress import Progress

    from lab_helpers.runtime.progress import report_with

    screen = stderr_console()
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def show(label: str, done: int, total: int) -> None:
            progress.update(task, description=label, completed=done, total=total)

        with report_with(show):
            yield


def require_folder(out: Path | None) -> None:
    """Refuse an ``--out`` to read from that is not there."""
    if out and not out.is_dir():
        raise BadInput(f"no such folder: {out}", "Give the folder that labs run --out wrote to.")
