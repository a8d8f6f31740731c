"""What a user's own file turned out to be, as tables and as lines worth saying before a training."""

from lab_helpers.course.record import Run
from lab_helpers.data.forms.problems import KINDS
from lab_helpers.data.forms.reports import Report
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


def keep_tables(run: Run, tables: dict[str, list[dict]]) -> None:
    """Those of ``tables`` that have rows, into the run's record."""
    for name, rows in tables.items():
        if rows:
            run.table(name, rows)


def check_enough(left: int, wanted: int, name: str, read: int, reasons: dict[str, int]) -> None:
    """Raise :class:`BadInput` for fewer than ``wanted`` rows, with what became of the others."""
    if left >= wanted:
        return
    told = say("; ", "、").join(
        say(f"{count} {reason}", f"{reason}: {count} 行")
        for reason, count in reasons.items()
        if count
    )
    raise BadInput(
        say(
            f"{name}: {left} of {read} rows are left to learn from, and {wanted} are needed"
            + (f" ({told})" if told else ""),
            f"{name}: {read} 行のうち学習に使えるのは {left} 行で、{wanted} 行必要です"
            + (f"（{told}）" if told else ""),
        ),
        say(
            f"labs data check {name} lists by line what is wrong with the file itself.",
            f"ファイル自体の問題は labs data check {name} で行ごとに確認できます。",
        ),
    )


def problem_rows(report: Report) -> list[dict]:
    """How many rows have each problem, and the first line that has it."""
    first: dict[str, int] = {}
    for one in report.problems:
        first.setdefault(one.code, one.line)
    return [
        {"problem": code, "rows": count, "first line": first.get(code, 0)}
        for code, count in report.counts.items()
    ]


def column_rows(report: Report) -> list[dict]:
    """The columns beside question and answer: which became part of the conversation, which are not used."""
    used, unused = say("used", "使用"), say("not used", "不使用")
    return [
        {"column": name, "rows": count, "use": use}
        for counts, use in ((report.beside, used), (report.unused, unused))
        for name, count in counts.items()
    ]


def report_lines(report: Report) -> list[str]:
    """What is worth saying aloud before a training."""
    lines = []
    bad = report.rows - report.good
    if bad:
        errors = {c: n for c, n in report.counts.items() if KINDS[c].severity == "error"}
        codes = ", ".join(f"{code} {count}" for code, count in errors.items())
        lines.append(
            say(
                f"{bad} of {report.rows} rows cannot be used ({codes}); labs data check lists them by line",
                f"{report.rows} 行のうち {bad} 行は使えません（{codes}）。labs data check で行ごとに確認できます",
            )
        )
    if report.unused:
        names = ", ".join(report.unused)
        lines.append(say(f"columns not used: {names}", f"使わない列: {names}"))
    if report.unpaired:
        lines.append(
            say(
                f"{report.unpaired} rows call their answer good or bad: only the good ones are learned "
                "(TRL's KTOTrainer learns from both)",
                f"{report.unpaired} 行に良し悪しの印があります。学習するのは良い答えだけです"
                "（TRL の KTOTrainer なら両方から学べます）",
            )
        )
    return lines
