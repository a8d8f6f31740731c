"""``labs sweep``: search LoRA's settings on one's own file, with any number of workers; it ends with code to paste."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab_helpers.cli.options import (
    AsJson,
    Ignore,
    Language,
    MaxLength,
    Profile,
    Shape,
    progress_bar,
    speak,
    stderr_console,
)
from lab_helpers.runtime.language import say

if TYPE_CHECKING:
    from lab_helpers.labs.shared.own_sweep import Found, Sweep


def sweep(
    data: Annotated[
        Path,
        typer.Option(
            help=say(
                "Your own rows, as labs run 04 --data takes them: .jsonl, .json, .csv, .tsv or .parquet.",
                "自分のデータ。labs run 04 --data と同じく .jsonl、.json、.csv、.tsv、.parquet を読めます。",
            )
        ),
    ],
    trials: Annotated[
        int,
        typer.Option(
            min=1,
            help=say(
                "Settings to try, those already in the study included.",
                "試す設定の数。スタディにある分も含みます。",
            ),
        ),
    ] = 20,
    study: Annotated[
        str | None,
        typer.Option(
            help=say(
                "Where the study lies: an SQLite file (this machine), a file that ends in .journal on a shared disk, or "
                "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE (several machines). Run the same command on each. "
                "Left out: a file in LAB_HOME/sweeps that belongs to these rows and options.",
                "スタディの保存先。SQLite ファイル（1 台のマシン）、共有ディスク上の .journal で終わるファイル、または "
                "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE（複数のマシン）。各マシンで同じコマンドを実行します。"
                "省略すると、データと設定ごとに LAB_HOME/sweeps のファイルを使います。",
            )
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            help=say(
                "Processes on this machine that share the study.",
                "このマシンでスタディを分担するプロセスの数。",
            ),
        ),
    ] = 1,
    worker: Annotated[
        bool,
        typer.Option(
            "--worker",
            help=say(
                "Only work on the study, show no result: for further machines.",
                "試行を分担するだけで、結果は表示しません（2 台目以降のマシン向け）。",
            ),
        ),
    ] = False,
    pruner: Annotated[
        str,
        typer.Option(
            help=say(
                "What stops bad trials early: median, halving or none.",
                "見込みのない試行を打ち切る規則。median、halving、none のいずれか。",
            )
        ),
    ] = "median",
    model: Annotated[
        str | None,
        typer.Option(
            help=say(
                "The base: a folder or a hub name; the profile's by default.",
                "ベースモデル。フォルダーかハブのモデル名。既定はプロファイルのモデルです。",
            )
        ),
    ] = None,
    profile: Profile = None,
    shape: Shape = None,
    ignore: Ignore = None,
    max_length: MaxLength = None,
    seed: Annotated[
        int, typer.Option(help=say("Seed of every random choice.", "乱数のシード。"))
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help=say(
                "Folder of settings, table and figures.", "設定、表、図を書き出すフォルダー。"
            ),
        ),
    ] = None,
    as_json: AsJson = False,
    lang: Language = None,
) -> None:
    """Search LoRA's settings on your own rows, with several workers if you like; ends with the code to paste."""
    from lab_helpers.course.record import Run
    from lab_helpers.data.forms.reading_options import ReadingOptions
    from lab_helpers.labs.shared import own_sweep
    from lab_helpers.models.language_models import language_model_source
    from lab_helpers.runtime.paths import writable
    from lab_helpers.runtime.profiles import choose_profile
    from lab_helpers.runtime.seeds import seed_everything
    from lab_helpers.tuning.sweep_storage import shown

    speak(lang)
    language_model_source(model or choose_profile(profile).language_model)
    options = ReadingOptions(shape, tuple(ignore or ()), max_length)
    with tempfile.TemporaryDirectory() as folder, progress_bar():
        run = Run("04", choose_profile(profile), seed, Path(folder), model, data, options=options)
        prepared = own_sweep.prepare_sweep(run, study)
        opened = own_sweep.open_sweep(prepared, pruner)
        results = None if worker else writable(own_sweep.results_folder(prepared, out))
        seed_everything(seed)
        try:
            with _other_workers(0 if worker else workers - 1, prepared.where):
                own_sweep.work_on(opened, prepared, trials)
            own_sweep.work_on(opened, prepared, trials)  # what a worker that died has left
        except KeyboardInterrupt:
            stderr_console().print(_kept(shown(prepared.where)), markup=False, soft_wrap=True)
            raise
        if results is None:
            return
        found = own_sweep.sweep_findings(opened, prepared)
        files = own_sweep.write_findings(found, prepared, results)
    if as_json:
        counts = {"rows": run.metrics, "study": shown(prepared.where), "files": [str(f) for f in files]}  # fmt: skip
        print(json.dumps(found.as_json() | counts, ensure_ascii=False))
    else:
        _print_findings(found, prepared, files)


@contextmanager
def _other_workers(count: int, where: str):
    """While inside, ``count`` more processes run this very command as workers; they end with this one."""
    arguments = [*_without(sys.argv[1:], "--workers", "--study"), "--study", where, "--worker"]
    command = [sys.executable, "-m", "lab_helpers.cli", *arguments]
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ) for _ in range(count)]  # fmt: skip
    try:
        yield
    except BaseException:
        for process in processes:
            if os.name == "posix":
                process.send_signal(signal.SIGINT)
            else:  # Windows has no such signal; the trial that breaks off is put back all the same
                process.terminate()
        raise
    finally:
        for process in processes:
            process.wait()


def _without(arguments: list[str], *options: str) -> list[str]:
    """Command line arguments without these options and their values."""
    kept, skip = [], False
    for argument in arguments:
        if skip or argument in options:
            skip = not skip
        elif not argument.startswith(tuple(f"{option}=" for option in options)):
            kept.append(argument)
    return kept


def _kept(where: str) -> str:
    return say(
        f"The study is kept in {where}. The same command goes on with it; the trial that was broken off is tried again.",
        f"スタディは {where} に残っています。同じコマンドで続きから再開し、中断した試行はもう一度試します。",
    )


SHOWN_TRIALS = 12


def _print_findings(found: "Found", prepared: "Sweep", files: list[Path]) -> None:
    """The table of trials, best first; what mattered; the settings as code."""
    from rich.console import Console
    from rich.table import Table

    from lab_helpers.figures.display import cell
    from lab_helpers.runtime.lexicon import term

    console = Console()
    table = Table(title=say("trials, best first", "試行（良い順）"))
    names = ("trial", "state", *prepared.usual, "loss", "step", "seconds")
    for name in names:
        table.add_column(term(name))
    ordered = sorted(found.rows, key=lambda row: (row["state"] != "complete", row["loss"] or 0))
    for row in ordered[:SHOWN_TRIALS]:
        table.add_row(*(term(v) if isinstance(v, str) else cell(v) for v in map(row.get, names)))
    console.print(table)
    for line in _lines(found, len(ordered)):
        console.print(line, markup=False, soft_wrap=True)
    if found.importance:
        bars = Table(title=say("what mattered", "どの設定が効いたか"))
        bars.add_column(say("setting", "設定"))
        bars.add_column(say("importance", "重要度"), justify="right")
        for name, share in found.importance.items():
            bars.add_row(term(name), f"{share:.2f}")
        console.print(bars)
    print(
        f"\n# {say('the best settings, ready to paste', '最良の設定（そのまま貼り付けられます）')}"
    )
    print(found.code)
    print("\n" + "\n".join(map(str, files)))


def _lines(found: "Found", count: int) -> list[str]:
    """What the table does not say: pruning, the usual settings, rows not shown."""
    lines = []
    if count > SHOWN_TRIALS:
        hidden = count - SHOWN_TRIALS
        lines.append(say(f"and {hidden} more (trials.json)", f"ほか {hidden} 件（trials.json）"))
    if found.still_running:
        lines.append(
            say(
                f"{found.still_running} more still train elsewhere, or their worker died: the same command, a minute later, takes them up.",
                f"ほかに {found.still_running} 件が別の場所で学習中か、担当のプロセスが落ちています。1 分後に同じコマンドを実行すると引き継ぎます。",
            )
        )
    lines.append(
        say(
            f"{found.pruned} of {count} trials were stopped early, which spared about {found.saved_seconds:.0f} s of training.",
            f"試行 {count} 件のうち {found.pruned} 件を途中で打ち切り、学習を約 {found.saved_seconds:.0f} 秒節約しました。",
        )
    )
    if found.usual_loss == found.best["loss"]:
        lines.append(
            say(
                "No trial did better than the settings of labs run 04, which the search began with.",
                "最初に試した labs run 04 の設定を上回る試行はありませんでした。",
            )
        )
    elif found.usual_loss is not None:
        lines.append(
            say(
                f"Validation loss: {found.best['loss']:.3f} with the best settings, {found.usual_loss:.3f} with those of labs run 04. "
                "The best of many is flattered by the rows that chose it: judge it on others (labs run 04 --data sets them aside).",
                f"検証データの損失は、最良の設定で {found.best['loss']:.3f}、labs run 04 の設定で {found.usual_loss:.3f} です。"
                "多くの中の最良は、選んだデータの上では実力より良く見えます。別の行で確かめてください（labs run 04 --data が取り分けている行です）。",
            )
        )
    return lines
