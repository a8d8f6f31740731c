"""``labs eval``: a base and its adapters side by side, on the course's measurements and on benchmark files."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from lab_helpers.cli.options import AsJson, progress_bar, speak
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


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
    profile: Annotated[
        str | None,
        typer.Option(
            help=say(
                "tiny, small, t4 or gpu; also LAB_PROFILE.",
                "tiny、small、t4、gpu のいずれか。環境変数 LAB_PROFILE でも指定できます。",
            )
        ),
    ] = None,
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
    """One dashboard of a base and any adapters: tone, invented facts, speed, and your benchmark files."""
    from rich.console import Console

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
        board, rows = measure_models(
            model or chosen.language_model, adapter or [], exam, chosen.lab("06")
        )
    board, rows = _told_apart(board, rows, exam.files)
    if html:
        write_dashboard(html, board)
    if as_json:
        print(json.dumps({"models": board.scores, "benchmarks": rows}, ensure_ascii=False))
    else:
        Console().print(_table(board, language()))
    if html and not as_json:
        print(html)


def _told_apart(board, rows: list[dict], files: list[Path]):
    """``board`` and ``rows`` with as much of each file's folder in its name as tells it from the others."""
    from dataclasses import replace

    metrics, named, left = [], [], list(rows)
    for metric in board.metrics:
        number = re.match(r"file(\d+)", metric.name)
        if number is None:
            metrics.append(metric)
            continue
        path = files[int(number[1])]
        longer = shortest_name(path, files) + metric.en.removeprefix(path.name)
        metrics.append(replace(metric, en=longer, ja=longer))
        # A row a model follows for each of these metrics, in the same order.
        named += [row | {"benchmark": longer} for row in left[: len(board.models)]]
        del left[: len(board.models)]
    return replace(board, metrics=tuple(metrics)), named


def shortest_name(path: Path, paths: list[Path]) -> str:
    """The end of ``path`` that no other of ``paths`` has: its name, or its name behind some folders."""
    others = [one for one in map(Path.absolute, paths) if one != path.absolute()]
    parts = path.absolute().parts
    for count in range(1, len(parts)):
        if all(other.parts[-count:] != parts[-count:] for other in others):
            return "/".join(parts[-count:])
    return str(path)


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
