"""``labs``: the course from the command line. Heavy modules are imported inside the commands."""

import sys
from collections.abc import Callable
from contextlib import nullcontext

import typer

from lab_helpers.cli.bench import bench
from lab_helpers.cli.build import build
from lab_helpers.cli.bundle import bundle
from lab_helpers.cli.chat import chat
from lab_helpers.cli.claims import claims
from lab_helpers.cli.data import data_app
from lab_helpers.cli.doctor import doctor
from lab_helpers.cli.eval import evaluate
from lab_helpers.cli.fit import fit
from lab_helpers.cli.list import list_labs
from lab_helpers.cli.pretrain import pretrain
from lab_helpers.cli.rag import rag_app
from lab_helpers.cli.report import report
from lab_helpers.cli.run import run
from lab_helpers.cli.start import start
from lab_helpers.cli.sweep import sweep
from lab_helpers.cli.typer_words import (
    HelpedCommand,
    HelpedGroup,
    translated_frame,
    usage_error,
)
from lab_helpers.runtime.errors import EXIT_BAD_INPUT, EXIT_INTERRUPTED, LabError
from lab_helpers.runtime.language import say

app = typer.Typer(
    cls=HelpedGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=say(
        "LLM fine-tuning, nothing taken on trust. Exit codes: 0 done, 1 a measurement is outside its band, "
        "2 bad input, 3 missing dependency or hardware, 130 interrupted.",
        "LLM ファインチューニング — 何ひとつ鵜呑みにしない。終了コード: 0 完了、1 測定値が想定の範囲外、"
        "2 入力の誤り、3 ライブラリやハードウェアの不足、130 中断。",
    ),
)


def _add(name: str, command: Callable, help_text: str) -> None:
    app.command(name, cls=HelpedCommand, help=help_text)(command)


# The help page shows this order: the way through the course, one's own models, what maintainers need.
_add(
    "start",
    start,
    say(
        "Doctor table, then JupyterLab on lab 00, bound to 127.0.0.1.",
        "環境診断の表を表示し、JupyterLab でラボ 00 を開きます（127.0.0.1 のみ）。",
    ),
)
_add(
    "list",
    list_labs,
    say(
        "The labs, what each teaches, seconds on a 2-core CPU, your progress.",
        "ラボの一覧。学ぶこと、2 コアの CPU での秒数、進捗を表示します。",
    ),
)
_add(
    "run",
    run,
    say(
        "Run a lab's cells without Jupyter; finished trainings are remembered, so an interrupted run goes on.",
        "ラボのセルを Jupyter なしで実行します。終わった学習は保存されるので、中断しても続きから再開できます。",
    ),
)
_add(
    "doctor",
    doctor,
    say(
        "Python, libraries, hardware, precision, offline readiness, disk; every problem with its fix.",
        "Python、ライブラリ、ハードウェア、精度、オフラインの準備、ディスクを調べ、問題ごとに対処法を示します。",
    ),
)
_add(
    "claims",
    claims,
    say(
        "The ledger: every claim of the article, and what each model that measured it says.",
        "記事の主張と判定の一覧。測定したモデルごとの結果を並べます。",
    ),
)
_add(
    "report",
    report,
    say(
        "One self-contained HTML page of all your runs.",
        "これまでの実行を 1 つの HTML ページにまとめます。",
    ),
)
_add(
    "chat",
    chat,
    say(
        "Talk to what you trained, beside the base. Reads lines from a pipe too.",
        "学習したモデルとベースモデルに同時に話しかけ、回答を並べます。パイプからの入力も読みます。",
    ),
)
_add(
    "fit",
    fit,
    say(
        "What full fine-tuning, LoRA and QLoRA need in memory, and on which GPU they fit. No weight is loaded.",
        "フルファインチューニング、LoRA、QLoRA に必要なメモリーと、載る GPU を計算します。重みは読み込みません。",
    ),
)
_add(
    "sweep",
    sweep,
    say(
        "Search LoRA's settings on your own rows, with several workers if you like; ends with the code to paste.",
        "自分のデータで LoRA の設定を探索し（複数プロセスで分担可）、最後に貼り付け用のコードを示します。",
    ),
)
_add(
    "eval",
    evaluate,
    say(
        "One dashboard of a base and any adapters: tone, invented facts, speed, your benchmark files, and which answers changed.",
        "ベースモデルとアダプターを 1 つのダッシュボードで比べます（口調、作り話、速度、手元のベンチマークファイル、変わった答え）。",
    ),
)
app.add_typer(data_app, name="data")
app.add_typer(rag_app, name="rag")
_add(
    "bundle",
    bundle,
    say(
        "Packages, notebooks, data and models for machines without internet, hashed; run again, it goes on.",
        "インターネットのないマシンのために、パッケージ、ノートブック、データ、モデルをハッシュ付きでまとめます。もう一度実行すると続きから再開します。",
    ),
)
_add(
    "build",
    build,
    say(
        "For maintainers: write both editions of each notebook from labs/source.",
        "メンテナー向け: labs/source から、各ノートブックの日英両方の版を作ります。",
    ),
)
_add(
    "pretrain",
    pretrain,
    say(
        "For maintainers: pre-train Kotori from nothing; the same command resumes an interrupted run.",
        "メンテナー向け: Kotori をゼロから事前学習します。中断しても同じコマンドで再開します。",
    ),
)
_add(
    "bench",
    bench,
    say(
        "For maintainers: how fast things are on this machine, as medians and ratios.",
        "メンテナー向け: このマシンでの速さを中央値と比で測ります。",
    ),
)


def main() -> None:
    """Entry point: a user's mistake becomes one line on standard error and an exit code."""
    asks_for_help = "--help" in sys.argv or len(sys.argv) < 3
    try:
        with translated_frame() if asks_for_help else nullcontext():
            ended = app(standalone_mode=False)
        # Newer typer versions turn Ctrl-C into this return value, older ones into an exception.
        if ended == EXIT_INTERRUPTED:
            raise KeyboardInterrupt
    except LabError as error:
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail(
            say(
                "Interrupted. What was finished is kept: run the same command again to go on.",
                "中断しました。終わった分は残っています。同じコマンドをもう一度実行すると、続きから再開します。",
            ),
            EXIT_INTERRUPTED,
        )
    except typer.Exit as request:
        sys.exit(request.exit_code)
    except Exception as error:
        if not hasattr(error, "format_message"):  # click's own usage errors have it
            raise
        if not error.format_message():  # no command at all: the help page is on the screen
            sys.exit(EXIT_BAD_INPUT)
        _fail(usage_error(error.format_message()), EXIT_BAD_INPUT)


def _fail(message: str, code: int) -> None:
    print(f"labs: {message}", file=sys.stderr)
    sys.exit(code)
