"""``labs bench``: speed figures for maintainers."""

import json
from typing import Annotated

import typer

from lab_helpers.cli.options import Language, speak
from lab_helpers.runtime.language import say


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help=say(
                "start, generation, rag, sft; all when left out.",
                "start、generation、rag、sft。省略するとすべて。",
            )
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            min=1, help=say("Turns; figures are medians.", "繰り返す回数。結果は中央値です。")
        ),
    ] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help=say("One JSON array.", "JSON 配列で出力します。"))
    ] = False,
    lang: Language = None,
) -> None:
    """For maintainers: how fast things are on this machine, as medians and ratios."""
    from lab_helpers.bench.benches import run_benches
    from lab_helpers.runtime.profiles import choose_profile

    speak(lang)
    choose_profile("tiny")
    rows = run_benches(names or [], repeats)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    else:
        _show(rows)


def _show(rows: list[dict]) -> None:
    from rich.console import Console
    from rich.table import Table

    from lab_helpers.figures.display import cell

    table = Table()
    for heading in ("", say("measured", "実測"), "", say("target", "目標")):
        table.add_column(heading)
    for row in rows:
        table.add_row(row["name"], cell(row["value"]), row["unit"], row["target"])
    Console().print(table)
