"""``labs eval``: a base and its adapters side by side, on the course's measurements and on benchmark files."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lab_helpers.cli.options import AsJson, Profile, progress_bar, speak
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.lexicon import term


def evaluate(
    model: Annotated[
        str | None,
        typer.Option(
            help=say(
                "The base: a folder or a hub name; the profile's by default.",
                "ベースモデル。フォルダーかハブのモデル名。既定はプロファイルのモデルです。",
            )
        ),
    ] = None,
    adapter: Annotated[
        list[Path] | None,
        typer.Option(
            help=say(
                "Folder of a saved adapter of that base; may be given several times.",
                "そのベースで学習したアダプターのフォルダー。複数回指定できます。",
            )
        ),
    ] = None,
    benchmark: Annotated[
        list[Path] | None,
        typer.Option(
            help=say(
                "A file of MMLU, JCommonsenseQA, GSM8K or HumanEval as published, or a like one (.gz too); may be given several times.",
                "公開されている形式の MMLU、JCommonsenseQA、GSM8K、HumanEval、または同様のファイル（.gz も可）。複数回指定できます。",
            )
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=say(
                "Ask only the first items of each file.",
                "各ファイルの先頭からこの件数だけを使います。",
            ),
        ),
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(
            help=say(
                "How multiple-choice files write their answers, where the file itself does not tell: "
                "0-based, 1-based, letters or texts.",
                "選択式のファイルで正解の書き方が分からない場合に指定します。0-based、1-based、letters、texts のいずれか。",
            )
        ),
    ] = None,
    house: Annotated[
        bool,
        typer.Option(
            help=say(
                "Also the company's questions, facts and mini MMLU, and speed.",
                "会社についての質問、事実、ミニ MMLU、速度も測ります。",
            )
        ),
    ] = True,
    chat: Annotated[
        bool,
        typer.Option(
            help=say(
                "Ask word problems in the model's chat template.",
                "文章題をモデルのチャットテンプレートで尋ねます。",
            )
        ),
    ] = False,
    max_new_tokens: Annotated[
        int, typer.Option(min=1, help=say("Longest answer in tokens.", "回答の最大トークン数。"))
    ] = 256,
    html: Annotated[
        Path | None,
        typer.Option(
            help=say(
                "Write the dashboard as one HTML page.",
                "ダッシュボードを 1 つの HTML ページに書き出します。",
            )
        ),
    ] = None,
    profile: Profile = None,
    as_json: AsJson = False,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            help=say(
                "en or ja, also of the company's questions.",
                "en か ja。会社についての質問の言語にもなります。",
            ),
        ),
    ] = None,
) -> None:
    """One dashboard of a base and any adapters: tone, invented facts, speed, your benchmark files, and which answers changed."""
    from lab_helpers.evaluation.benchmarks.answers import check_reading
    from lab_helpers.labs.lab06.dashboard_page import write_dashboard
    from lab_helpers.labs.lab06.examination import Exam, measure_models
    from lab_helpers.runtime.language import language
    from lab_helpers.runtime.profiles import choose_profile

    speak(lang)
    if not house and not benchmark:
        raise BadInput(
            say("nothing to measure", "測るものがありません"),
            say(
                "Leave out --no-house, or give a --benchmark FILE.",
                "--no-house を外すか、--benchmark FILE を指定してください。",
            ),
        )
    reading = check_reading(answers)
    exam = Exam(benchmark or [], limit, language(), house, chat, max_new_tokens, reading)
    chosen = choose_profile(profile)
    with progress_bar():
        found = measure_models(
            model or chosen.language_model, adapter or [], exam, chosen.lab("06")
        )
    if html:
        write_dashboard(html, found.board, flips=found.flips)
    if as_json:
        print(json.dumps(_as_json(found), ensure_ascii=False))
    else:
        _print_tables(found, language())
    if html and not as_json:
        print(html)


def _as_json(found) -> dict:
    """Scores, a row a benchmark, and the flips with every changed item."""
    flips = [flip.counts() | {"changed": flip.rows()} for flip in found.flips]
    return {"models": found.board.scores, "benchmarks": found.rows, "flips": flips}


SHOWN_FLIPS = 2
"""Of each kind so many changed items are printed; the page and --json have more."""


def _print_tables(found, spoken: str) -> None:
    """The dashboard; then which answers changed from the base to each adapter, and some of the replies."""
    from rich.console import Console

    console = Console()
    console.print(_table(found.board, spoken))
    if found.flips:
        console.print(_rows_table([flip.counts() for flip in found.flips]))
    for flip in found.flips:
        if rows := flip.rows(SHOWN_FLIPS):
            console.print(_rows_table(rows, f"{term(flip.name)}: {' → '.join(flip.models)}"))


def _rows_table(rows: list[dict], title: str | None = None):
    """Rows of equal keys as a table, names and numbers as a notebook shows them."""
    from rich.table import Table
    from rich.text import Text as Plain

    table = Table(title=title)
    for key in rows[0]:
        table.add_column(term(key))
    for row in rows:
        cells = [f"{value:.2g}" if isinstance(value, float) else term(str(value)) for value in row.values()]  # fmt: skip
        table.add_row(*map(Plain, cells))  # a reply may hold what rich reads as markup
    return table


def _table(board, spoken: str):
    """A row a metric, a column a model: a terminal is narrow."""
    from rich.table import Table

    table = Table()
    table.add_column("指標" if spoken == "ja" else "metric")
    for name in board.models:
        table.add_column(name, justify="right")
    for metric in board.metrics:
        best = board.best(metric)
        cells = [board.cell(name, metric, name in best) for name in board.models]
        table.add_row(board.heading(metric, spoken), *cells)
    return table
