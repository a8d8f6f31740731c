"""``labs``: the course from the command line. Heavy modules are imported inside the commands."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from lab_helpers.cli.bench import bench
from lab_helpers.cli.chat import chat
from lab_helpers.cli.data import data_app
from lab_helpers.cli.eval import evaluate
from lab_helpers.cli.fit import fit
from lab_helpers.cli.rag import rag_app
from lab_helpers.cli.run import run
from lab_helpers.runtime.errors import (
    EXIT_BAD_INPUT,
    EXIT_INTERRUPTED,
    EXIT_OUTSIDE_BAND,
    BadInput,
    LabError,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="LLM fine-tuning, nothing taken on trust. Exit codes: 0 done, 1 a measurement is outside its band, "
    "2 bad input, 3 missing dependency or hardware, 130 interrupted.",
)
app.add_typer(data_app, name="data")
app.add_typer(rag_app, name="rag")
app.command()(chat)
app.command()(bench)
app.command()(fit)
app.command()(run)
app.command("eval")(evaluate)
Language = Annotated[str | None, typer.Option("--lang", help="en or ja; also LAB_LANG.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the results; also LAB_HOME.")]


def main() -> None:
    """Entry point: a user's mistake becomes one line on standard error and an exit code."""
    try:
        # Newer typer versions turn Ctrl-C into this return value, older ones into an exception.
        if app(standalone_mode=False) == EXIT_INTERRUPTED:
            raise KeyboardInterrupt
    except LabError as error:
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail(
            "Interrupted. Finished steps are kept: run the same command again to go on.",
            EXIT_INTERRUPTED,
        )
    except typer.Exit as request:
        sys.exit(request.exit_code)
    except Exception as error:
        if not hasattr(error, "format_message"):  # click's own usage errors have it
            raise
        _fail(f"{error.format_message()} See: labs --help", EXIT_BAD_INPUT)


def _fail(message: str, code: int) -> None:
    print(f"labs: {message}", file=sys.stderr)
    sys.exit(code)


def _console():
    from rich.console import Console

    return Console(stderr=True)


def _speak(lang: str | None) -> None:
    from lab_helpers.runtime.language import set_language

    if lang:
        set_language(lang)


@app.command()
def start(
    port: Annotated[int, typer.Option(help="Port of JupyterLab on 127.0.0.1.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    lang: Language = None,
) -> None:
    """Doctor table, then JupyterLab on lab 00, bound to 127.0.0.1."""
    from lab_helpers.course.jupyter import launch

    _speak(lang)
    _show_doctor()
    sys.exit(launch(port, browser))


@app.command("list")
def list_labs(lang: Language = None) -> None:
    """The labs, what each teaches, seconds on a 2-core CPU, your progress."""
    from rich.console import Console
    from rich.table import Table

    from lab_helpers.course import progress
    from lab_helpers.course.registry import LABS
    from lab_helpers.runtime.language import say

    _speak(lang)
    table = Table()
    for heading in (
        "",
        say("lab", "ラボ"),
        say("teaches", "学ぶこと"),
        say("CPU", "CPU"),
        say("done", "進捗"),
    ):
        table.add_column(heading)
    for lab in LABS:
        names = [exercise.name for exercise in lab.exercises().EXERCISES]
        table.add_row(
            lab.number,
            str(lab.title),
            str(lab.teaches),
            f"{lab.cpu_seconds} s",
            progress.summary(lab.number, names),
        )
    Console().print(table)


@app.command()
def doctor(lang: Language = None) -> None:
    """Python, libraries, hardware, precision, offline readiness, disk; every problem with its fix."""
    _speak(lang)
    if _show_doctor():
        sys.exit(3)


def _show_doctor() -> int:
    """Print the doctor's table; the number of problems."""
    from rich.console import Console
    from rich.table import Table

    from lab_helpers.course.doctor import examine
    from lab_helpers.runtime.language import say

    findings = examine()
    table = Table(title=say("doctor", "環境診断"))
    for heading in ("", say("found", "検出"), say("the way out", "対処")):
        table.add_column(heading)
    colour = {"ok": "green", "note": "yellow", "problem": "bold red"}
    for finding in findings:
        table.add_row(finding.name, f"[{colour[finding.level]}]{finding.value}[/]", finding.fix)
    Console().print(table)
    return sum(finding.level == "problem" for finding in findings)


@app.command()
def claims(
    out: Out = None, as_json: Annotated[bool, typer.Option("--json")] = False, lang: Language = None
) -> None:
    """The ledger: every claim of the article, the verdict, your measured value, the lab."""
    from rich.console import Console
    from rich.table import Table

    from lab_helpers.course.claims import ledger, verdict_name
    from lab_helpers.course.runs import latest_records
    from lab_helpers.course.registry import LABS
    from lab_helpers.runtime.language import say

    _speak(lang)
    rows = ledger(latest_records(_existing(out)), {lab.number for lab in LABS})
    if as_json:
        print(
            json.dumps(
                [{"id": c.id, "lab": c.lab, "verdict": v, "measured": m} for c, v, m in rows],
                ensure_ascii=False,
            )
        )
        return
    table = Table(show_lines=True)
    for heading in (
        "",
        say("claim", "主張"),
        say("verdict", "判定"),
        say("measured", "実測"),
        say("lab", "ラボ"),
    ):
        table.add_column(heading)
    for claim, verdict, measured in rows:
        table.add_row(
            claim.id,
            f"「{claim.quote}」\n{claim.gloss}",
            verdict_name(verdict),
            measured,
            claim.lab,
        )
    Console().print(table)


@app.command()
def report(
    to: Annotated[Path | None, typer.Option(help="File to write.")] = None,
    out: Out = None,
    lang: Language = None,
) -> None:
    """One self-contained HTML page of all your runs."""
    from lab_helpers.course.report import write_report
    from lab_helpers.runtime.paths import home

    _speak(lang)
    print(write_report(to or home() / "report.html", _existing(out)))


@app.command()
def pretrain(
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoints, log, tokenizer.")],
    settings: Annotated[
        Path | None, typer.Option(help="TOML file; pretraining.toml of the package by default.")
    ] = None,
    until: Annotated[int | None, typer.Option(help="Stop after this step.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Folder for the finished model's files.")
    ] = None,
) -> None:
    """For maintainers: pre-train Kotori from nothing; the same command resumes an interrupted run."""
    from lab_helpers.bench.pretraining import pretrain as start_pretraining

    start_pretraining(out, settings, until, export, _console())


@app.command()
def build(
    names: Annotated[
        list[str] | None, typer.Argument(help="Lab numbers; none means all that changed.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what differs; exit 1 if anything does.")
    ] = False,
    stamp: Annotated[
        bool, typer.Option("--stamp", help="Accept the translations as they are now.")
    ] = False,
    execute: Annotated[
        bool, typer.Option(help="Execute the English edition for its outputs.")
    ] = True,
) -> None:
    """For maintainers: write both editions of each notebook from labs/source."""
    from lab_helpers.course import notebooks
    from lab_helpers.course.registry import get_lab

    wanted = {get_lab(name).number for name in names or []}
    paths = [path for path in notebooks.sources() if not wanted or path.name[:2] in wanted]
    if check:
        problems = [
            p
            for path in paths
            for p in [*notebooks.stale_translations(path), *notebooks.differences(path)]
        ]
        print("\n".join(problems) or "All notebooks are what their sources build.")
        sys.exit(EXIT_OUTSIDE_BAND if problems else 0)
    for path in paths:
        if stamp:
            print(f"{path.name}: {notebooks.stamp_translations(path)} translations stamped")
        stale = notebooks.stale_translations(path)
        if stale:
            raise BadInput("; ".join(stale), "Translate them again, then: labs build --stamp")
        if wanted or notebooks.needs_build(path):
            for written in notebooks.build(path, execute):
                print(written)


def _existing(out: Path | None) -> Path | None:
    if out and not out.is_dir():
        raise BadInput(f"no such folder: {out}", "Give the folder that labs run --out wrote to.")
    return out


if __name__ == "__main__":
    main()
