"""``labs data``: look at a file before you train on it. Nothing here changes a file."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab_helpers.cli.options import Language, progress_bar, speak
from lab_helpers.cli.problems import problem_dict, show_problems
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_OUTSIDE_BAND

if TYPE_CHECKING:
    from lab_helpers.data.validation import Report

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
    lang: Language = None,
) -> None:
    """Every row by line. Exit code 0: all rows are good, 1: some are bad, 2: the file is unusable."""
    from lab_helpers.data.validation import check_file

    speak(lang)
    with progress_bar():
        report = check_file(file, shape)
    if as_json:
        print(json.dumps(_as_dict(report), ensure_ascii=False))
    else:
        _print_problems(report)
        _print_summary(report)
    sys.exit(EXIT_DONE if report.good == report.rows else EXIT_OUTSIDE_BAND)


def _as_dict(report: "Report") -> dict:
    from dataclasses import asdict

    problems = [{"line": problem.line, **problem_dict(problem)} for problem in report.problems]
    return {**asdict(report), "problems": problems}


def _print_problems(report: "Report") -> None:
    from lab_helpers.runtime.language import say

    lines = [(problem.line, problem) for problem in report.problems]
    hidden = sum(report.counts.values()) - show_problems(lines, say("line", "行"))
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
