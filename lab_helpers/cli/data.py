"""``labs data``: look at a file before you train on it. Nothing here changes a file."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from lab_helpers.cli.options import Ignore, Language, MaxLength, Shape, progress_bar, speak
from lab_helpers.cli.problems import problem_dict, show_problems
from lab_helpers.cli.typer_words import HelpedCommand, HelpedGroup
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_OUTSIDE_BAND
from lab_helpers.runtime.language import say

if TYPE_CHECKING:
    from lab_helpers.data.forms.reports import Report
    from lab_helpers.tuning.row_lengths import RowLengths

data_app = typer.Typer(
    cls=HelpedGroup,
    no_args_is_help=True,
    help=say(
        "Check a data file: one line for every problem, and a summary. Files are only read.",
        "データファイルを検査し、問題を 1 件 1 行で示して、最後にまとめを表示します。ファイルは読むだけです。",
    ),
)


# A callback keeps "check" a subcommand; typer would otherwise merge a single command into "data".
@data_app.callback()
def data() -> None:
    """Check a data file: one line for every problem, and a summary. Files are only read."""


@data_app.command(
    cls=HelpedCommand,
    help=say(
        "Every row by line. Exit code 0: all rows are good, 1: some are bad, 2: the file is unusable.",
        "1 行ずつ検査します。終了コード: 0 すべて問題なし、1 使えない行がある、2 ファイルが使えない。",
    ),
)
def check(
    file: Annotated[
        Path,
        typer.Argument(
            help=say(
                "A .jsonl, .json, .csv, .tsv or .parquet file.",
                ".jsonl、.json、.csv、.tsv、.parquet のいずれかのファイル。",
            )
        ),
    ],
    shape: Shape = None,
    ignore: Ignore = None,
    max_length: MaxLength = None,
    model: Annotated[
        str | None,
        typer.Option(
            help=say(
                "Count tokens as this model does: a folder or a hub name. Left out, as Kotori, on a sample.",
                "トークン数を数えるモデル。フォルダーかハブのモデル名。省略すると Kotori で、一部の行だけを数えます。",
            )
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help=say(
                "Print the report as one JSON object.",
                "結果を 1 つの JSON オブジェクトで出力します。",
            ),
        ),
    ] = False,
    lang: Language = None,
) -> None:
    """Every row by line. Exit code 0: all rows are good, 1: some are bad, 2: the file is unusable."""
    from lab_helpers.data.forms.validation import check_file

    speak(lang)
    if shape is None and _holds_labels(file):
        _check_labels(file, as_json)
    with progress_bar():
        lengths = _lengths(file, model, max_length)
        report = check_file(file, shape, ignore=ignore or (), observe=lengths)
    if as_json:
        print(json.dumps(_as_dict(report, lengths), ensure_ascii=False))
    else:
        _print_problems(report)
        _print_summary(report, lengths)
    sys.exit(EXIT_DONE if report.good == report.rows else EXIT_OUTSIDE_BAND)


def _holds_labels(file: Path) -> bool:
    """Whether the first row has a text and a label, and is no conversation."""
    from lab_helpers.data.forms.columns import shapes_of
    from lab_helpers.data.forms.label_checks import is_label_file
    from lab_helpers.data.reading.files import Row, read_rows

    first = next((row for row in read_rows(file) if isinstance(row, Row)), None)
    return first is not None and not shapes_of(first.values) and is_label_file(first.values)


def _check_labels(file: Path, as_json: bool) -> NoReturn:
    from lab_helpers.cli.labels import show_labels
    from lab_helpers.data.forms.label_checks import check_labels

    report = check_labels(file)
    show_labels(report, as_json)
    sys.exit(EXIT_DONE if report.good == report.rows else EXIT_OUTSIDE_BAND)


SAMPLED_ROWS = 5000


def _lengths(file: Path, model: str | None, max_length: int | None) -> "RowLengths":
    """What counts tokens: of each row where somebody asked for it, else of a sample."""
    from lab_helpers.data.reading.files import count_lines
    from lab_helpers.models.language_models import load_chat_tokenizer, read_context
    from lab_helpers.runtime.profiles import choose_profile
    from lab_helpers.tuning.row_lengths import RowLengths, choose_length

    usual = choose_profile().lab("04")["own_max_length"]  # what labs run 04 --data allows
    asked, name = model or max_length, model or "kotori"
    every = 1 if asked else max(1, count_lines(file) // SAMPLED_ROWS)
    length = choose_length(read_context(name), max_length, usual)
    return RowLengths(load_chat_tokenizer(name), length, every)


def _as_dict(report: "Report", lengths: "RowLengths") -> dict:
    from dataclasses import asdict

    problems = [{"line": problem.line, **problem_dict(problem)} for problem in report.problems]
    return {**asdict(report), "problems": problems, "tokens": lengths.summary()}


def _print_problems(report: "Report") -> None:

    lines = [(problem.line, problem) for problem in report.problems]
    hidden = sum(report.counts.values()) - show_problems(lines, say("line", "行"))
    if hidden:
        print(
            say(f"and {hidden} more (--json has more)", f"ほか{hidden}件（--jsonで詳しく出ます）")
        )


def _print_summary(report: "Report", lengths: "RowLengths") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.cli.line_breaks import breakable

    table = Table(title=escape(report.name), show_header=False)
    for name, value in _summary(report, lengths):
        table.add_row(breakable(name), breakable(escape(value)))
    Console().print(table)


def _summary(report: "Report", lengths: "RowLengths") -> list[tuple[str, str]]:
    """The lines of the table: what was read, what is wrong, what is not used, how long it is."""

    sampled = report.examined < report.good
    note = (
        say(f" (of {report.examined} rows)", f"（{report.examined}行を調べて）") if sampled else ""
    )
    unknown = say("unknown", "不明")
    languages = {unknown if one == "unknown" else one: n for one, n in report.languages.items()}
    lines = [
        (
            say("shape", "形式"),
            say(f"{report.shape} ({report.evidence})", f"{report.shape}（{report.evidence}）"),
        ),
        (say("rows", "行数"), str(report.rows)),
        (say("good rows", "使える行"), str(report.good)),
        *((f"  {code}", str(count)) for code, count in report.counts.items()),
        *_column_lines(report),
        (say("exact duplicates", "完全な重複"), str(report.duplicates)),
        (say("personal data", "個人情報") + note, _counted(report.pii)),
        (say("languages", "言語") + note, _counted(languages)),
    ]
    names = {
        "question": say("characters before the answer", "答えより前の文字数"),
        "answer": say("characters of the answer", "答えの文字数"),
    }
    lines += [
        (names[name], ", ".join(f"{_point_name(point)} {n}" for point, n in points.items()))
        for name, points in report.lengths.items()
    ]
    longest, cut, lost = lengths.longest, lengths.cut, lengths.lost
    sampled = lengths.rows < report.good
    note = say(f" (of {lengths.rows} rows)", f"（{lengths.rows}行を調べて）") if sampled else ""
    name = say(f"tokens, at most {lengths.max_length}", f"トークン（上限{lengths.max_length}）")
    counted = say(
        f"longest {longest}, answers cut {cut}, answers lost {lost}",
        f"最長{longest}、答えが途中で切れる{cut}行、答えが残らない{lost}行",
    )
    if lengths.unwritten:
        counted += say(
            f", not in the chat template {lengths.unwritten}",
            f"、チャットテンプレートが書き出せない{lengths.unwritten}行",
        )
    return [*lines, (name + note, counted)]


def _column_lines(report: "Report") -> list[tuple[str, str]]:
    """What the columns beside the shape's own became, and what is worth knowing of them."""

    lines = []
    if report.beside:
        lines.append((say("columns used as well", "あわせて使う列"), _counted(report.beside)))
    if report.unused:
        lines.append((say("columns not used", "使わない列"), _counted(report.unused)))
    if report.earlier_answers:
        lines.append(
            (
                say("earlier answers", "途中の答え"),
                say(
                    f"{report.earlier_answers}: context, only the last answer of a row is learned",
                    f"{report.earlier_answers}件（文脈として使い、学習するのは各行の最後の答えだけ）",
                ),
            )
        )
    if report.unpaired:
        lines.append(
            (
                say("good or bad", "良し悪しの印"),
                say(
                    f"{report.unpaired} rows say which: SFT learns the good ones, TRL's KTOTrainer both "
                    "(lab_helpers.data.preferences.unpaired_rows)",
                    f"{report.unpaired}行にあります。SFTは良い例だけ、TRLのKTOTrainerは両方から学びます"
                    "（lab_helpers.data.preferences.unpaired_rows）",
                ),
            )
        )
    if report.rated:
        name, low, high = report.rated
        lines.append(
            (
                say("ratings", "評点"),
                say(
                    f"{name}: {low:g} to {high:g}; labs run refuses to learn all of them alike",
                    f"{name}: {low:g}〜{high:g}。labs run はすべてを同じように学習することを拒みます",
                ),
            )
        )
    return lines


def _point_name(point: str) -> str:
    """A point of a distribution; ``p90`` is called so in both languages."""
    return say(point, {"min": "最小", "median": "中央値", "max": "最大"}.get(point, point))


def _counted(counts: dict[str, int]) -> str:

    return ", ".join(f"{name} {n}" for name, n in counts.items()) or say(
        "none found", "見つかりません"
    )
