"""``labs data``: look at a file before you train on it. Nothing here changes a file."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab_helpers.runtime.errors import EXIT_DONE, EXIT_OUTSIDE_BAND

if TYPE_CHECKING:
    from lab_helpers.data.problems import Problem
    from lab_helpers.data.validation import Report

SHOWN_PROBLEMS = 50

data_app = typer.Typer(
    no_args_is_help=True,
    help="Check a data file: one line for every problem, and a summary. Files are only read.",
)


# A callback keeps "check" a subcommand; typer would otherwise merge a single command into "data".
@data_app.callback()
def data() -> None:
    """Check a data file: one line for every problem, and a summary. Files are only read."""


@data_app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A .jsonl, .json, .csv, .tsv or .parquet file.")],
    shape: Annotated[
        str | None,
        typer.Option(
            help="alpaca, sharegpt, openai-chat, prompt-completion, preference or question-answer; "
            "detected when left out."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON object.")
    ] = False,
    lang: Annotated[str | None, typer.Option("--lang", help="en or ja; also LAB_LANG.")] = None,
) -> None:
    """Every row by line. Exit code 0: all rows are good, 1: some are bad, 2: the file is unusable."""
    from lab_helpers.data.validation import check_file
    from lab_helpers.runtime.language import set_language
    from lab_helpers.runtime.progress import report_with

    if lang:
        set_language(lang)
    with progress_bar() as bar, report_with(bar):
        report = check_file(file, shape)
    if as_json:
        print(json.dumps(_as_dict(report), ensure_ascii=False))
    else:
        _print_problems(report)
        _print_summary(report)
    sys.exit(EXIT_DONE if report.good == report.rows else EXIT_OUTSIDE_BAND)


def progress_bar():
    """A context whose value is a reporter: a bar on standard error where that is a terminal."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import Progress

    @contextmanager
    def bar():
        screen = Console(stderr=True)
        with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
            task = progress.add_task("", total=None)

            def report(label: str, done: int, total: int) -> None:
                progress.update(task, description=label, completed=done, total=total)

            yield report

    return bar()


def _words(problem: "Problem") -> tuple[str, str]:
    """Message and way out in the current language."""
    from lab_helpers.runtime.language import language

    if language() == "ja":
        return problem.in_japanese()
    return problem.message, problem.fix()


def _as_dict(report: "Report") -> dict:
    from dataclasses import asdict

    problems = []
    for problem in report.problems:
        message, fix = _words(problem)
        problems.append(
            {
                "line": problem.line,
                "code": problem.code,
                "severity": problem.severity,
                "message": message,
                "fix": fix,
            }
        )
    return {**asdict(report), "problems": problems}


def _print_problems(report: "Report") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.runtime.language import say

    if not report.problems:
        return
    table = Table()
    for heading in (say("line", "行"), say("problem", "問題"), say("the way out", "対処")):
        table.add_column(heading)
    # Errors first: fifty warnings must not hide the line that stops the training.
    ordered = sorted(report.problems, key=lambda one: (one.severity != "error", one.line))
    for problem in ordered[:SHOWN_PROBLEMS]:
        message, fix = _words(problem)
        colour = "bold red" if problem.severity == "error" else "yellow"
        table.add_row(str(problem.line), f"[{colour}]{escape(message)}[/]", escape(fix))
    Console().print(table)
    hidden = sum(report.counts.values()) - min(len(ordered), SHOWN_PROBLEMS)
    if hidden:
        print(
            say(f"and {hidden} more (--json has more)", f"ほか{hidden}件（--jsonで詳しく出ます）")
        )


def _print_summary(report: "Report") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.runtime.language import say

    table = Table(title=escape(report.name), show_header=False)
    sampled = report.examined < report.good
    note = (
        say(f" (of {report.examined} rows)", f"（{report.examined}行を調べて）") if sampled else ""
    )
    table.add_row(say("shape", "形式"), escape(f"{report.shape} ({report.evidence})"))
    table.add_row(say("rows", "行数"), str(report.rows))
    table.add_row(say("good rows", "使える行"), str(report.good))
    for code, count in report.counts.items():
        table.add_row(f"  {code}", str(count))
    table.add_row(say("exact duplicates", "完全な重複"), str(report.duplicates))
    table.add_row(say("personal data", "個人情報") + note, _counted(report.pii))
    table.add_row(say("languages", "言語") + note, _counted(report.languages))
    names = {
        "question": say("characters before the answer", "答えより前の文字数"),
        "answer": say("characters of the answer", "答えの文字数"),
    }
    for name, points in report.lengths.items():
        table.add_row(names[name], ", ".join(f"{point} {n}" for point, n in points.items()))
    Console().print(table)


def _counted(counts: dict[str, int]) -> str:
    from lab_helpers.runtime.language import say

    return ", ".join(f"{name} {n}" for name, n in counts.items()) or say(
        "none found", "見つかりません"
    )
