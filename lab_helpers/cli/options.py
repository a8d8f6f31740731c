"""Options and small things that several commands share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

Language = Annotated[
    str | None,
    typer.Option(
        "--lang",
        help=say("en or ja; also LAB_LANG.", "en か ja。環境変数 LAB_LANG でも指定できます。"),
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        help=say(
            "Folder of the results; also LAB_HOME.",
            "結果のフォルダー。環境変数 LAB_HOME でも指定できます。",
        ),
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        help=say(
            "tiny, small, t4 or gpu; also LAB_PROFILE.",
            "tiny、small、t4、gpu のいずれか。環境変数 LAB_PROFILE でも指定できます。",
        )
    ),
]
Shape = Annotated[
    str | None,
    typer.Option(
        help=say(
            "alpaca, sharegpt, openai-chat, prompt-completion, preference or question-answer; "
            "detected when left out.",
            "alpaca、sharegpt、openai-chat、prompt-completion、preference、question-answer のいずれか。省略すると自動で判別します。",
        )
    ),
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(
        help=say(
            "A column to take as absent; may be given several times.",
            "ないものとして扱う列。複数回指定できます。",
        )
    ),
]
MaxLength = Annotated[
    int | None,
    typer.Option(
        min=1,
        help=say(
            "Tokens a row may have, its answer included.", "1 行の最大トークン数（答えを含む）。"
        ),
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help=say("Print one JSON object.", "JSON オブジェクトを 1 つ出力します。")
    ),
]


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
        raise BadInput(
            say(f"no such folder: {out}", f"フォルダーがありません: {out}"),
            say(
                "Give the folder that labs run --out wrote to.",
                "labs run --out の出力先フォルダーを指定してください。",
            ),
        )
