"""``labs chat``: base and tuned model side by side in the terminal."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab_helpers.cli.options import Language, speak
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

if TYPE_CHECKING:
    from lab_helpers.models.side_by_side import SideBySide


def chat(
    adapter: Annotated[
        Path,
        typer.Option(
            help=say(
                "Folder of a saved adapter, e.g. of a lab's run.",
                "保存したアダプターのフォルダー（ラボの実行結果など）。",
            )
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            help=say(
                "The base it was trained on; the profile's model by default.",
                "アダプターの学習に使ったベースモデル。既定はプロファイルのモデルです。",
            )
        ),
    ] = None,
    ask: Annotated[
        list[str] | None,
        typer.Option(
            help=say(
                "A message; may be given several times. No dialogue.",
                "メッセージ。複数回指定できます。指定すると対話にはなりません。",
            )
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            help=say("A system message before each.", "各メッセージの前に置くシステムメッセージ。")
        ),
    ] = None,
    max_new_tokens: Annotated[
        int, typer.Option(min=1, help=say("Longest answer in tokens.", "回答の最大トークン数。"))
    ] = 96,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help=say(
                "One JSON object a message.",
                "メッセージごとに JSON オブジェクトを 1 つ出力します。",
            ),
        ),
    ] = False,
    lang: Language = None,
) -> None:
    """Talk to what you trained, beside the base. Reads lines from a pipe too."""
    from rich.console import Console

    from lab_helpers.models.side_by_side import SideBySide
    from lab_helpers.runtime.profiles import choose_profile

    speak(lang)
    name = model or choose_profile().language_model
    pair = SideBySide.load(name, adapter, system=system, max_new_tokens=max_new_tokens)
    console = Console()
    answer_all(pair, ask or _read_messages(console), console, as_json)


def _read_messages(console) -> Iterator[str]:
    """What a person types, until an empty line or the end of the input; else a pipe's lines."""

    if not sys.stdin.isatty():
        yield from (line.rstrip("\n") for line in sys.stdin if line.strip())
        return
    console.print(say("An empty line ends the chat.", "空行で終了します。"))
    while True:
        try:
            line = console.input("> ")
        except EOFError:
            return
        if not line.strip():
            return
        yield line


def answer_all(pair: "SideBySide", messages: Iterable[str], console, as_json: bool) -> None:
    """Answer each message; one that is refused is told, and the next one comes."""
    for message in messages:
        try:
            replies = pair.ask(message)
        except BadInput as error:
            console.print(f"[yellow]{error}[/]")
            continue
        if as_json:
            print(json.dumps({"message": message, **replies}, ensure_ascii=False), flush=True)
        else:
            _show(replies, console)


def _show(replies: dict[str, str], console) -> None:
    """The two replies in two columns."""
    from rich.table import Table
    from rich.text import Text

    from lab_helpers.cli.line_breaks import breakable

    table = Table(expand=True, show_lines=False)
    for heading in (say("base", "ベース"), say("tuned", "調整後")):
        table.add_column(heading, ratio=1)
    table.add_row(breakable(Text(replies["base"])), breakable(Text(replies["tuned"])))
    console.print(table)
