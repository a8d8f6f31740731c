"""``labs chat``: base and tuned model side by side in the terminal."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer


def chat(
    adapter: Annotated[Path, typer.Option(help="Folder of a saved adapter, e.g. of a lab's run.")],
    model: Annotated[
        str | None,
        typer.Option(help="The base it was trained on; the profile's model by default."),
    ] = None,
    ask: Annotated[
        list[str] | None, typer.Option(help="A message; may be given several times. No dialogue.")
    ] = None,
    system: Annotated[str | None, typer.Option(help="A system message before each.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer in tokens.")] = 96,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a message.")] = False,
    lang: Annotated[str | None, typer.Option("--lang", help="en or ja; also LAB_LANG.")] = None,
) -> None:
    """Talk to what you trained, beside the base. Reads lines from a pipe too."""
    from rich.console import Console

    from lab_helpers.models import side_by_side as chatting
    from lab_helpers.runtime.language import set_language
    from lab_helpers.runtime.profiles import choose_profile

    if lang:
        set_language(lang)
    name = model or choose_profile().language_model
    pair = chatting.SideBySide.load(name, adapter, system=system, max_new_tokens=max_new_tokens)
    console = Console()
    messages: Iterable[str]
    if ask:
        messages = ask
    elif sys.stdin.isatty():
        messages = chatting.typed(console)
    else:
        messages = (line.rstrip("\n") for line in sys.stdin if line.strip())
    chatting.chat(pair, messages, console, as_json)
