"""``labs pretrain``: for maintainers, Kotori from nothing, with loss and throughput on a bar."""

from pathlib import Path
from typing import Annotated

import typer

from lab_helpers.cli.options import stderr_console
from lab_helpers.runtime.language import say


def pretrain(
    out: Annotated[
        Path,
        typer.Option(
            help=say(
                "Folder of the run: checkpoints, log, tokenizer.",
                "実行のフォルダー（チェックポイント、ログ、トークナイザー）。",
            )
        ),
    ],
    settings: Annotated[
        Path | None,
        typer.Option(
            help=say(
                "TOML file; pretraining.toml of the package by default.",
                "TOML ファイル。既定はパッケージの pretraining.toml です。",
            )
        ),
    ] = None,
    until: Annotated[
        int | None, typer.Option(help=say("Stop after this step.", "このステップで止めます。"))
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            help=say(
                "Folder for the finished model's files.",
                "完成したモデルのファイルを書き出すフォルダー。",
            )
        ),
    ] = None,
) -> None:
    """For maintainers: pre-train Kotori from nothing; the same command resumes an interrupted run."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from lab_helpers.bench.pretraining import export_with_pictures
    from lab_helpers.models.kotori.pretraining import SETTINGS_FILE, Pretraining, read_settings

    read = read_settings(settings or SETTINGS_FILE)
    console = stderr_console()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(
            say("tokenizer and first batch", "トークナイザーと最初のバッチ"), total=read.steps
        )

        def show(row: dict) -> None:
            if "loss" in row:
                progress.update(task, completed=row["step"], description=loss_line(row))
            else:
                console.print(skills_line(row))

        run = Pretraining(out, read, show)
        progress.update(task, completed=run.step)
        run.run(until)
    if export and run.step == read.steps:
        console.print(f"sha256 {export_with_pictures(out, export, read)}")


def loss_line(row: dict) -> str:
    """The loss and the tokens a second of one logged step."""
    rate = row["tokens"] / row["seconds"] if row["seconds"] else 0
    return say(
        f"loss {row['loss']:.2f}, {rate:,.0f} tokens/s",
        f"損失 {row['loss']:.2f}、{rate:,.0f} トークン/秒",
    )


def skills_line(row: dict) -> str:
    """The watched skills of one step."""
    counters = ("step", "tokens", "seconds")
    skills = ", ".join(f"{name} {value:.2f}" for name, value in row.items() if name not in counters)
    return say(f"step {row['step']}: {skills}", f"ステップ {row['step']}: {skills}")
