"""The files of the benchmarks as their publishers ship them: which one is it, and what does it hold?

Read unchanged, plain or as .gz: GSM8K (Cobbe et al. 2021) and HumanEval (Chen et al. 2021) as JSON lines;
multiple choice as MMLU's CSV without a header (Hendrycks et al. 2021), as ``choices`` and ``answer`` (the
hub's MMLU as JSON lines or Parquet, and the sets shipped here), as ``choice0`` … and ``label``
(JCommonsenseQA of JGLUE, Kurihara et al. 2022). Every reader also takes a language, ``"en"`` or ``"ja"``,
for the shipped set.
"""

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from lab_helpers.data.compressed import unpacked
from lab_helpers.data.encoding import check_encoding
from lab_helpers.data.files import BadRow, Row, read_rows
from lab_helpers.evaluation.benchmarks.numbers import exact_number
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.paths import data_folder

Format = Literal["multiple_choice", "gsm8k", "humaneval"]
Item = TypeVar("Item")

SHIPPED: dict[str, Format] = {
    "mmlu": "multiple_choice",
    "gsm8k": "gsm8k",
    "humaneval": "humaneval",
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_NUMBERED_CHOICE = re.compile(r"choice(\d+)")
_MMLU_FILE = re.compile(r"_(test|dev|val)$")
_PROGRAM = ("task_id", "prompt", "entry_point", "canonical_solution", "test")
_KNOWN = (
    "Known are MMLU (question, choices, answer; or its CSV), JCommonsenseQA (question, choice0 …, label), "
    "GSM8K (question, answer with '####') and HumanEval (task_id, prompt, entry_point, test)."
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


def read_multiple_choice(path: Path | str) -> list[MultipleChoice]:
    """All questions of an MMLU-like or JCommonsenseQA file; :class:`BadInput` names the line at fault."""
    return _read(path, "multiple_choice", _multiple_choice)


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
                    f"{source.name} is in the format of {found}, not of {wanted}",
                    f"Read it with read_{found}.",
                )
            with _at_line(source.name, row.line):
                items.append(convert(row.values, str(row.line)))
    return items


@contextmanager
def _at_line(name: str, line: int):
    """A ``_Wrong`` inside becomes a :class:`BadInput` that says where."""
    try:
        yield
    except _Wrong as problem:
        raise BadInput(f"{name} line {line} {problem}", problem.way_out) from None


class _Wrong(Exception):
    def __init__(self, problem: str, way_out: str = "Mend this line or take it out."):
        self.way_out = way_out
        super().__init__(problem)


def _rows(plain: Path) -> Iterator[Row]:
    """The rows of the unpacked file; the first line that is none is a :class:`BadInput`."""
    rows = _headless_csv(plain) if _is_mmlu_csv(plain) else read_rows(plain)
    for row in rows:
        if isinstance(row, BadRow):
            raise BadInput(
                f"{plain.name} line {row.line} {row.problem}",
                "Download the file again, or mend this line.",
            )
        yield row


def _is_mmlu_csv(plain: Path) -> bool:
    """A .csv whose first row ends, after a question and two choices or more, in a single letter."""
    if plain.suffix.lower() != ".csv" or not plain.is_file():
        return False
    check_encoding(plain)
    with plain.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        first = next(csv.reader(stream), [])
    return len(first) > 3 and re.fullmatch("[A-Z]", first[-1].strip()) is not None


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
                        cells.line_num, f"has {len(values)} cells where line 1 has {width}"
                    )
                elif values:
                    question, *choices, answer = values
                    yield Row(
                        cells.line_num,
                        dict(question=question, choices=choices, answer=answer, subject=subject),
                    )
                last = cells.line_num
        except csv.Error:
            yield BadRow(last + 1, "is half-written: a quotation mark is never closed")


def _format(row: Row, name: str) -> Format:
    columns = set(row.values)
    if {"task_id", "prompt", "test"} <= columns:
        return "humaneval"
    if "question" in columns and (
        {"choices", "answer"} <= columns or {"choice0", "choice1"} <= columns or "A" in columns
    ):
        return "multiple_choice"
    if {"question", "answer"} <= columns:
        return "gsm8k"
    raise BadInput(
        f"{name} is no benchmark known here (columns: {', '.join(map(str, row.values))})", _KNOWN
    )


def _multiple_choice(values: dict, number: str) -> MultipleChoice:
    choices = _choices(values)
    answer = _place(values.get("answer", values.get("label")), len(choices))
    return MultipleChoice(
        id=str(values.get("id", values.get("q_id", number))),
        question=_text(values, "question"),
        choices=choices,
        answer=answer,
        subject=str(values.get("subject") or ""),
    )


def _choices(values: dict) -> tuple[str, ...]:
    if isinstance(values.get("choices"), list):
        found = values["choices"]
    else:
        numbered = sorted(
            (int(match[1]), key) for key in values if (match := _NUMBERED_CHOICE.fullmatch(key))
        )
        keys = [key for _, key in numbered] or [key for key in values if key in tuple(LETTERS)]
        found = [values[key] for key in keys]
    if len(found) < 2:
        raise _Wrong("has fewer than two choices")
    if len(found) > len(LETTERS):
        raise _Wrong(f"has {len(found)} choices, more than there are letters")
    if not all(isinstance(choice, str) and choice.strip() for choice in found):
        raise _Wrong("has a choice that is empty or no text")
    return tuple(found)


def _place(answer, choices: int) -> int:
    """The right choice's place, from a number (counted from 0) or from its letter."""
    if isinstance(answer, str) and answer.strip().isdigit():
        answer = int(answer)
    if isinstance(answer, str) and len(answer.strip()) == 1:
        answer = LETTERS.find(answer.strip().upper())
    if isinstance(answer, bool) or not isinstance(answer, int):
        raise _Wrong(f"has no answer: {answer!r}", "It is the right choice's number or letter.")
    if not 0 <= answer < choices:
        raise _Wrong(
            f"has an answer outside its {choices} choices",
            f"It must be 0 to {choices - 1} (or A to {LETTERS[choices - 1]}).",
        )
    return answer


def _word_problem(values: dict, number: str) -> WordProblem:
    solution = _text(values, "answer")
    _, mark, after = solution.rpartition("####")
    if not mark:
        raise _Wrong(
            "has no '####' in its answer", "GSM8K ends each answer in '#### ' and a number."
        )
    answer = exact_number(after)
    if answer is None:
        raise _Wrong(f"has no number after '####' ({after.strip()[:20]!r})")
    return WordProblem(str(values.get("id", number)), _text(values, "question"), solution, answer)


def _program(values: dict, number: str) -> Program:
    task = Program(**{column: _text(values, column) for column in _PROGRAM})
    if not task.entry_point.isidentifier():
        raise _Wrong(f"has an entry_point that is no name: {task.entry_point[:30]!r}")
    if "def check(" not in task.test:
        raise _Wrong(
            "has a test without 'def check('", "HumanEval's tests define check(candidate)."
        )
    return task


def _text(values: dict, column: str) -> str:
    value = values.get(column)
    if not isinstance(value, str) or not value.strip():
        raise _Wrong(f"has no text in '{column}'")
    return value
