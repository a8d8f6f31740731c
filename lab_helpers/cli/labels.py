"""``labs data check`` of a file of labelled texts: rows, labels, and what is wrong by line."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab_helpers.data.forms.label_checks import LabelReport

SHOWN = 50


def show_labels(report: "LabelReport", as_json: bool) -> None:
    """The report for a person, or as one JSON object."""
    if as_json:
        print(json.dumps(_as_dict(report), ensure_ascii=False))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.cli.line_breaks import breakable
    from lab_helpers.runtime.language import say

    for problem in report.problems[:SHOWN]:
        print(say("line", "行"), f"{problem.line}: {problem.message}{say('. ', '。')}{problem.fix}")
    if len(report.problems) > SHOWN:
        hidden = len(report.problems) - SHOWN
        print(
            say(f"and {hidden} more (--json has more)", f"ほか{hidden}件（--jsonで詳しく出ます）")
        )
    table = Table(title=escape(report.name), show_header=False)
    labels = ", ".join(f"{name} {count}" for name, count in report.labels.items())
    for name, value in (
        (say("shape", "形式"), say("labelled texts", "ラベルつきの文章")),
        (say("columns", "列"), f"{report.text_column}, {report.label_column}"),
        (say("rows", "行数"), str(report.rows)),
        (say("good rows", "使える行"), str(report.good)),
        (say("labels", "ラベル"), labels),
    ):
        table.add_row(breakable(name), breakable(escape(value)))
    Console().print(table)


def _as_dict(report: "LabelReport") -> dict:
    problems = [
        {"line": one.line, "code": one.code, "message": str(one.message), "fix": str(one.fix)}
        for one in report.problems
    ]
    return {
        "name": report.name,
        "shape": "labelled",
        "columns": [report.text_column, report.label_column],
        "rows": report.rows,
        "good": report.good,
        "labels": report.labels,
        "problems": problems,
    }
