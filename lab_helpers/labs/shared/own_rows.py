"""The user's own file as rows to learn: read, cleaned, cut to what the model reads; nothing goes uncounted."""

from dataclasses import dataclass
from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.data.forms.reading_options import ReadingOptions
from lab_helpers.data.forms.reports import Report
from lab_helpers.data.forms.shapes import to_prompt_completion
from lab_helpers.data.forms.validation import load_conversations
from lab_helpers.data.own_rows.row_cleaning import check_steps, clean_rows
from lab_helpers.labs.shared.own_cleaning import (
    cleaning_metrics,
    edit_rows,
    left_rows,
    removed_rows,
    split_own_rows,
    step_rows,
)
from lab_helpers.labs.shared.own_files import (
    check_enough,
    column_rows,
    keep_tables,
    problem_rows,
    report_lines,
)
from lab_helpers.models.language_models import load_chat_tokenizer, read_context
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import note
from lab_helpers.tuning.row_lengths import choose_length, select_fitting_rows
from lab_helpers.tuning.template_checks import (
    count_unused_parts,
    select_rendered_rows,
    template_lines,
)

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
    check_enough(
        len(found),
        FEWEST_ROWS,
        path.name,
        report.rows,
        {say("cannot be used", "使えない"): report.rows - len(found)},
    )
    return found, report


def prepare_own_rows(run: Run, fewest: int = FEWEST_ROWS) -> OwnRows:
    """Read, clean, select and split the run's file; counts, tables and warnings go into the run.

    :class:`BadInput` where fewer than ``fewest`` rows are left.
    """
    assert run.data is not None
    options = run.options
    rows, report = read_own_rows(run.data, options)
    tokenizer = load_chat_tokenizer(run.model_name)
    rendered, lost_turns = select_rendered_rows(rows, tokenizer)
    cleaned, cleaning = clean_rows(rendered, frozenset(options.keep))
    usual = run.settings["own_max_length"]
    length = choose_length(read_context(run.model_name), options.max_length, usual)
    fitting, lengths = select_fitting_rows(cleaned, tokenizer, length)
    lost = ", ".join(lost_turns)
    reasons = {
        say("cannot be used", "使えない"): report.rows - len(rows),
        say(
            f"have parts that the chat template does not write ({lost})",
            f"チャットテンプレートが書き出さない部分がある（{lost}）",
        ): len(rows) - len(rendered),
        say(
            "repeat another row or are empty after cleaning (--keep)",
            "クリーニング後に重複または空になる（--keep）",
        ): len(rendered) - len(cleaned),
        say(
            f"have no answer left within {length} tokens (--max-length)",
            f"{length} トークン以内に答えが残らない（--max-length）",
        ): lengths.lost,
    }
    check_enough(len(fitting), fewest, run.data.name, report.rows, reasons)
    split = split_own_rows([_without_line(row) for row in fitting], run.seed)
    train, test = split["train"], split["test"]
    unused = count_unused_parts(rendered, tokenizer)

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
    tables = {
        "problems": problem_rows(report),
        "columns": column_rows(report),
        "cleaning": step_rows(cleaning),
        "edits": edit_rows(cleaning),
        "removed": removed_rows(cleaning),
        "left alone": left_rows(cleaning),
    }
    keep_tables(run, tables)
    said = report_lines(report), template_lines(lost_turns, unused), lengths.lines()
    for line in (line for lines in said for line in lines):
        note(line)
    return OwnRows(train, test, length, lengths.cut)


def _without_line(row: dict) -> dict:
    return {name: value for name, value in row.items() if name != "line"}
