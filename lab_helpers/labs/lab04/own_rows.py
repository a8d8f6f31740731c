"""The user's own file as rows to learn: read, cleaned, cut to what the model reads; nothing goes uncounted."""

from dataclasses import dataclass
from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.data.forms.reading_options import ReadingOptions
from lab_helpers.data.forms.reports import Report
from lab_helpers.data.forms.shapes import to_prompt_completion
from lab_helpers.data.forms.validation import load_conversations
from lab_helpers.data.own_rows.row_cleaning import check_steps, clean_rows
from lab_helpers.labs.lab04.own_cleaning import (
    cleaning_metrics,
    edit_rows,
    left_rows,
    removed_rows,
    split_own_rows,
    step_rows,
)
from lab_helpers.models.language_models import load_chat_tokenizer, read_context
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import note
from lab_helpers.tuning.row_lengths import choose_length, select_fitting_rows
from lab_helpers.tuning.template_checks import select_rendered_rows, template_lines

FEWEST_ROWS = 10


@dataclass(frozen=True)
class OwnRows:
    """Rows to train on and to test with, the tokens that one may have, and how many lose their end."""

    train: list[dict]
    test: list[dict]
    max_length: int
    cut: int


def read_own_rows(path: Path, options: ReadingOptions) -> tuple[list[dict], Report]:
    """The usable rows of a file of any shape as prompt and completion with their ``line``, and the report.

    Of a preference the chosen answer is learned. Raises :class:`BadInput` for too few rows.
    """
    check_steps(options.keep)
    rows, report = load_conversations(path, options.shape, ignore=options.ignore)
    found = []
    for line, row in zip(report.kept_lines, rows, strict=True):
        form = to_prompt_completion(row, "preference" if "chosen" in row else "openai-chat")
        found.append(form | {"line": line})
    _check_enough(found, report.rows, path)
    return found, report


def prepare_own_rows(run: Run) -> OwnRows:
    """Read, clean, select and split the run's file; counts, tables and warnings go into the run."""
    assert run.data is not None
    options = run.options
    rows, report = read_own_rows(run.data, options)
    tokenizer = load_chat_tokenizer(run.model_name)
    rendered, lost_parts = select_rendered_rows(rows, tokenizer)
    cleaned, cleaning = clean_rows(rendered, frozenset(options.keep))
    usual = run.settings["own_max_length"]
    length = choose_length(read_context(run.model_name), options.max_length, usual)
    fitting, lengths = select_fitting_rows(cleaned, tokenizer, length)
    _check_enough(fitting, report.rows, run.data)
    split = split_own_rows([_without_line(row) for row in fitting], run.seed)
    train, test = split["train"], split["test"][: run.settings["own_test"]]

    run.measured(
        user_rows=report.rows,
        user_rows_without_answer=report.rows - len(rows),
        user_rows_not_in_template=len(rows) - len(rendered),
        **cleaning_metrics(cleaning),
        user_rows_too_long=lengths.lost,
        user_rows_cut=lengths.cut,
        user_train_rows=len(train),
        user_test_rows=len(test),
    )
    for name, table in (
        ("problems", problem_rows(report)),
        ("columns", column_rows(report)),
        ("cleaning", step_rows(cleaning)),
        ("edits", edit_rows(cleaning)),
        ("removed", removed_rows(cleaning)),
        ("left alone", left_rows(cleaning)),
    ):
        if table:
            run.table(name, table)
    for line in [*report_lines(report), *template_lines(lost_parts), *lengths.lines()]:
        note(line)
    return OwnRows(train, test, length, lengths.cut)


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
        codes = ", ".join(f"{code} {count}" for code, count in report.counts.items())
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


def _check_enough(rows: list[dict], read: int, path: Path) -> None:
    if len(rows) < FEWEST_ROWS:
        raise BadInput(
            f"{path.name}: {len(rows)} of {read} rows have an answer to learn from, and "
            f"{FEWEST_ROWS} are needed",
            f"labs data check {path} lists what is wrong, line by line.",
        )


def _without_line(row: dict) -> dict:
    return {name: value for name, value in row.items() if name != "line"}
