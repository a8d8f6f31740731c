"""The files of the benchmarks as their publishers ship them: which one is it, and what does it hold?

Read unchanged, plain or as .gz: GSM8K (Cobbe et al. 2021) and HumanEval (Chen et al. 2021) as JSON lines;
multiple choice as MMLU's CSV without a header (Hendrycks et al. 2021), as ``choices`` and ``answer`` (the
hub's MMLU as JSON lines or Parquet, and the sets shipped here), as ``options``, ``answer`` and
``answer_index`` (MMLU-Pro, Wang et al. 2024), as ``choice0`` … and ``label`` (JCommonsenseQA of JGLUE,
Kurihara et al. 2022). What an answer means is decided over the whole file (``answers.py``). Every reader
also takes a language, ``"en"`` or ``"ja"``, for the shipped set.
"""

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from lab_helpers.data.reading.compressed import unpacked
from lab_helpers.data.reading.encoding import check_encoding
from lab_helpers.data.reading.files import BadRow, Row, read_rows
from lab_helpers.evaluation.benchmarks.answers import (
    COLUMNS,
    Answers,
    ChoiceRow,
    UnclearAnswer,
    is_letter,
    right_places,
)
from lab_helpers.evaluation.benchmarks.choices import WrongRow, read_question
from lab_helpers.evaluation.benchmarks.numbers import exact_number
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import Text, say
from lab_helpers.runtime.paths import data_folder

Format = Literal["multiple_choice", "gsm8k", "humaneval"]
Item = TypeVar("Item")

SHIPPED: dict[str, Format] = {
    "mmlu": "multiple_choice",
    "gsm8k": "gsm8k",
    "humaneval": "humaneval",
}

_MMLU_FILE = re.compile(r"_(test|dev|val)$")
_PROGRAM = ("task_id", "prompt", "entry_point", "canonical_solution", "test")
_KNOWN = Text(
    "Known are MMLU (question, choices, answer; or its CSV), MMLU-Pro (question, options, answer), "
    "JCommonsenseQA (question, choice0 …, label), "
    "GSM8K (question, answer with '####') and HumanEval (task_id, prompt, entry_point, test).",
    "対応している形式は、MMLU（question、choices、answer、またはその CSV）、MMLU-Pro（question、options、answer）、JCommonsenseQA（question、choice0 …、label）、GSM8K（question、「####」を含む answer）、HumanEval（task_id、prompt、entry_point、test）です。",
)


@dataclass(frozen=True)
class MultipleChoice:
    """One question; ``answer`` is the place (from 0) of the right one of ``choices``."""

    id: str
    question: str
    choices: tuple[str, ...]
    answer: int
    subject: str = ""


@dataclass(frozen=True)
class WordProblem:
    """One problem of GSM8K; ``solution`` is the whole worked answer, ``answer`` the number after ####."""

    id: str
    question: str
    solution: str
    answer: str


@dataclass(frozen=True)
class Program:
    """One task of HumanEval: a completion of ``prompt`` is right if ``check(entry_point)`` of ``test`` returns."""

    task_id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    test: str


def read_multiple_choice(path: Path | str, answers: Answers | None = None) -> list[MultipleChoice]:
    """All questions of an MMLU-like or JCommonsenseQA file; :class:`BadInput` names the line at fault.

    ``answers`` says how the answers are written; None finds it out from the whole file, and refuses the
    file where it cannot be told.
    """
    drafts = _read(path, "multiple_choice", _multiple_choice)
    name = _source(path, "multiple_choice").name
    try:
        places = right_places([draft.question for draft in drafts], answers)
    except UnclearAnswer as problem:
        where = (
            say(f" line {drafts[problem.row].line}", f" の {drafts[problem.row].line} 行目")
            if problem.row is not None
            else ""
        )
        raise BadInput(
            say(f"{name}{where} {problem}", f"{name}{where}: {problem}"), problem.way_out
        ) from None
    return [replace(draft.item, answer=place) for draft, place in zip(drafts, places, strict=True)]


def read_gsm8k(path: Path | str) -> list[WordProblem]:
    """All problems of a GSM8K file; :class:`BadInput` names the line at fault."""
    return _read(path, "gsm8k", _word_problem)


def read_humaneval(path: Path | str) -> list[Program]:
    """All tasks of a HumanEval file; :class:`BadInput` names the line at fault."""
    return _read(path, "humaneval", _program)


def detect(path: Path | str) -> Format:
    """Which format ``path`` (or a shipped name such as ``"gsm8k.ja"``) is in, by its first row."""
    source = _source(path)
    with unpacked(source) as plain:
        return _format(next(_rows(plain)), source.name)


def is_shipped(name: Path | str) -> bool:
    """Whether ``name`` is a shipped set: ``"mmlu.en"``, ``"gsm8k.ja"``, …"""
    base, _, language = str(name).partition(".")
    return base in SHIPPED and language in ("en", "ja")


def _source(path: Path | str, wanted: Format | None = None) -> Path:
    """The file behind a path, a shipped name or, with ``wanted``, a language."""
    if wanted and str(path) in ("en", "ja"):
        path = f"{next(name for name, kind in SHIPPED.items() if kind == wanted)}.{path}"
    return data_folder() / f"{path}.jsonl" if is_shipped(path) else Path(path)


def _read(path: Path | str, wanted: Format, convert: Callable[[dict, str], Item]) -> list[Item]:
    source = _source(path, wanted)
    items: list[Item] = []
    with unpacked(source) as plain:
        for row in _rows(plain):
            if not items and (found := _format(row, source.name)) != wanted:
                raise BadInput(
                    say(
                        f"{source.name} is in the format of {found}, not of {wanted}",
                        f"{source.name} の形式は {wanted} ではなく {found} です",
                    ),
                    say(f"Read it with read_{found}.", f"read_{found} で読み込んでください。"),
                )
            with _at_line(source.name, row.line):
                items.append(convert(row.values, str(row.line)))
    return items


@contextmanager
def _at_line(name: str, line: int):
    """A ``WrongRow`` inside becomes a :class:`BadInput` that says where."""
    try:
        yield
    except WrongRow as problem:
        raise BadInput(
            say(f"{name} line {line} {problem}", f"{name} の {line} 行目: {problem}"),
            problem.way_out,
        ) from None


def _rows(plain: Path) -> Iterator[Row]:
    """The rows of the unpacked file; the first line that is none is a :class:`BadInput`."""
    rows = _headless_csv(plain) if _is_mmlu_csv(plain) else read_rows(plain)
    for row in rows:
        if isinstance(row, BadRow):
            raise BadInput(
                say(
                    f"{plain.name} line {row.line} {row.problem}",
                    f"{plain.name} の {row.line} 行目: {row.problem}",
                ),
                say(
                    "Download the file again, or mend this line.",
                    "もう一度ダウンロードするか、この行を直してください。",
                ),
            )
        yield row


def _is_mmlu_csv(plain: Path) -> bool:
    """A .csv whose first row is no header and ends, after a question and two choices or more, in a letter."""
    if plain.suffix.lower() != ".csv" or not plain.is_file():
        return False
    check_encoding(plain)
    with plain.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        first = next(csv.reader(stream), [])
    if {cell.strip().lower() for cell in first} & {"question", "answer"}:
        return False
    return len(first) > 3 and is_letter(first[-1])


def _headless_csv(plain: Path) -> Iterator[Row | BadRow]:
    """MMLU as its authors ship it: question, choices, the right one's letter; the file is the subject."""
    subject = _MMLU_FILE.sub("", plain.stem)
    with plain.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        cells = csv.reader(stream, strict=True)
        width, last = 0, 0
        try:
            for values in cells:
                width = width or len(values)
                if values and len(values) != width:
                    yield BadRow(
                        cells.line_num,
                        say(
                            f"has {len(values)} cells where line 1 has {width}",
                            f"1 行目のセルは {width} 個ですが、この行には {len(values)} 個あります",
                        ),
                    )
                elif values:
                    question, *choices, answer = values
                    yield Row(
                        cells.line_num,
                        dict(question=question, choices=choices, answer=answer, subject=subject),
                    )
                last = cells.line_num
        except csv.Error:
            yield BadRow(
                last + 1,
                say(
                    "is half-written: a quotation mark is never closed",
                    "途中で切れています（引用符が閉じられていません）",
                ),
            )


def _format(row: Row, name: str) -> Format:
    columns = set(row.values)
    if {"task_id", "prompt", "test"} <= columns:
        return "humaneval"
    listed = {"choices", "options"} & columns and set(COLUMNS) & columns
    numbered = {"choice0", "choice1"} <= columns or {"choice1", "choice2"} <= columns
    if "question" in columns and (listed or numbered or "A" in columns):
        return "multiple_choice"
    if {"question", "answer"} <= columns:
        return "gsm8k"
    raise BadInput(
        say(
            f"{name} is no benchmark known here (columns: {', '.join(map(str, row.values))})",
            f"{name} は対応しているベンチマークではありません（列: {', '.join(map(str, row.values))}）",
        ),
        str(_KNOWN),
    )


class _Draft(NamedTuple):
    """A question whose answer is still to be found."""

    line: str
    item: MultipleChoice
    question: ChoiceRow


def _multiple_choice(values: dict, number: str) -> _Draft:
    question = read_question(values)
    item = MultipleChoice(
        id=str(values.get("id", values.get("q_id", values.get("question_id", number)))),
        question=_text(values, "question"),
        choices=question.choices,
        answer=-1,
        subject=str(values.get("subject") or values.get("category") or ""),
    )
    return _Draft(number, item, question)


def _word_problem(values: dict, number: str) -> WordProblem:
    solution = _text(values, "answer")
    _, mark, after = solution.rpartition("####")
    if not mark:
        raise WrongRow(
            say("has no '####' in its answer", "答えに「####」がありません"),
            say(
                "GSM8K ends each answer in '#### ' and a number.",
                "GSM8K の答えは「#### 」と数値で終わります。",
            ),
        )
    answer = exact_number(after)
    if answer is None:
        raise WrongRow(
            say(
                f"has no number after '####' ({after.strip()[:20]!r})",
                f"「####」の後に数値がありません（{after.strip()[:20]!r}）",
            )
        )
    return WordProblem(str(values.get("id", number)), _text(values, "question"), solution, answer)


def _program(values: dict, number: str) -> Program:
    task = Program(**{column: _text(values, column) for column in _PROGRAM})
    if not task.entry_point.isidentifier():
        raise WrongRow(
            say(
                f"has an entry_point that is no name: {task.entry_point[:30]!r}",
                f"entry_point が名前として使えません: {task.entry_point[:30]!r}",
            )
        )
    if "def check(" not in task.test:
        raise WrongRow(
            say("has a test without 'def check('", "test に「def check(」がありません"),
            say(
                "HumanEval's tests define check(candidate).",
                "HumanEval のテストは check(candidate) を定義します。",
            ),
        )
    return task


def _text(values: dict, column: str) -> str:
    value = values.get(column)
    if not isinstance(value, str) or not value.strip():
        raise WrongRow(say(f"has no text in '{column}'", f"「{column}」に文章がありません"))
    return value
