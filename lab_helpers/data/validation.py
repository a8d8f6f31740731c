"""Is every row of a fine-tuning file usable? Findings by line, and a summary of the whole file."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from lab_helpers.data.columns import check_shape_name
from lab_helpers.data.conversations import Message, conversation, preference_parts
from lab_helpers.data.files import BadRow, Row, count_lines, read_rows
from lab_helpers.data.problems import Problem, problem
from lab_helpers.data.row_checks import check_row
from lab_helpers.data.shapes import detect_shape, to_messages
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.progress import track

KEPT_PROBLEMS = 1000
EXAMINED_ROWS = 50_000
_CHUNK = 1000
_QUANTILES = {"min": 0.0, "median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


@dataclass
class Report:
    """What :func:`check_file` found.

    ``rows`` counts every row and unreadable line, ``good`` those without an error. ``problems``
    holds the first :data:`KEPT_PROBLEMS` by line, errors before warnings; ``counts`` counts all by
    code. ``lengths`` are characters: ``{"question" | "answer": {"min" | "median" | "p90" | "p99" |
    "max": int}}``, of good rows, as are ``duplicates``.
    ``languages`` and ``pii`` are counted on ``examined`` rows, evenly spread over a big file.
    """

    name: str
    shape: str
    evidence: str
    rows: int = 0
    good: int = 0
    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    lengths: dict[str, dict[str, int]] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    pii: dict[str, int] = field(default_factory=dict)
    examined: int = 0


def check_file(path: Path, shape: str | None = None, problems: int = KEPT_PROBLEMS) -> Report:
    """Check every row of a file; memory does not grow with texts, only by about 100 bytes a row.

    ``shape`` is detected from the first rows unless it is given. At most ``problems`` findings are
    kept, all are counted. Raises :class:`BadInput` when the file cannot be used at all.
    """
    return _Scan(Path(path), shape, problems).finish()


def load_conversations(
    path: Path, shape: str | None = None, keep_bad: bool = False
) -> tuple[list[dict], Report]:
    """The good rows of a file in the conversational format of TRL, and the report on all of them.

    ``keep_bad`` keeps rows with errors too, as far as they can be converted at all.
    """
    scan = _Scan(Path(path), shape, KEPT_PROBLEMS)
    kept = []
    for row, good in scan:
        if good or keep_bad:
            try:
                kept.append(to_messages(row.values, scan.report.shape))
            except BadInput:
                continue
    return kept, scan.report


class _Scan:
    """One pass over a file; iterating yields every row with whether it is good."""

    def __init__(self, path: Path, shape: str | None, kept: int):
        if shape is None:
            detected = detect_shape(read_rows(path))
            shape, evidence = detected.shape, detected.evidence
        else:
            check_shape_name(shape)
            evidence = "given"
        self.path, self.kept = path, kept
        self.report = Report(path.name, shape, evidence)
        self._found: dict[str, list[Problem]] = {"error": [], "warning": []}
        self._seen: set[int] = set()
        self._lengths = {"question": array("I"), "answer": array("I")}
        self._counts: Counter = Counter()
        self._languages: Counter = Counter()
        self._pii: Counter = Counter()

    def finish(self) -> Report:
        for _ in self:
            pass
        return self.report

    def __iter__(self) -> Iterator[tuple[Row, bool]]:
        lines = count_lines(self.path)
        stride = max(1, lines // EXAMINED_ROWS)
        chunks = _chunks(read_rows(self.path))
        for chunk in track(chunks, self.path.name, lines // _CHUNK + 1):
            for row in chunk:
                found = self._problems_of(row)
                good = all(one.severity != "error" for one in found)
                self.report.rows += 1
                self.report.good += good
                if isinstance(row, Row):
                    if good:
                        found += self._measure(row, self.report.rows % stride == 0)
                    yield row, good
                self._note(found)
        self._summarise()

    def _problems_of(self, row: Row | BadRow) -> list[Problem]:
        if isinstance(row, BadRow):
            return [problem(row.line, "unreadable", row.problem)]
        return check_row(row, self.report.shape)

    def _note(self, found: list[Problem]) -> None:
        for one in found:
            self._counts[one.code] += 1
            kept = self._found[one.severity]
            if len(kept) < self.kept:
                kept.append(one)

    def _measure(self, row: Row, examine: bool) -> list[Problem]:
        """Lengths, duplicates and, if ``examine``, language and personal data of a good row."""
        from lab_helpers.data.duplicates import fingerprint

        question, answer = question_and_answer(row.values, self.report.shape)
        self._lengths["question"].append(len(question))
        self._lengths["answer"].append(len(answer))
        whole = f"{question}\n{answer}"
        if examine:
            self._examine(whole)
        key = fingerprint(whole)
        if key in self._seen:
            self.report.duplicates += 1
            return [problem(row.line, "duplicate")]
        self._seen.add(key)
        return []

    def _examine(self, text: str) -> None:
        from lab_helpers.data.languages import detect_language
        from lab_helpers.data.pii import find_pii

        self.report.examined += 1
        self._languages[detect_language(text)] += 1
        self._pii.update(span.kind for span in find_pii(text))

    def _summarise(self) -> None:
        import numpy as np

        report = self.report
        # Warnings fill what errors leave: a thousand duplicates must not hide a broken line.
        kept = [*self._found["error"], *self._found["warning"]][: self.kept]
        report.problems = sorted(kept, key=lambda one: one.line)
        report.counts = dict(self._counts.most_common())
        report.languages = dict(self._languages.most_common())
        report.pii = dict(self._pii.most_common())
        for name, lengths in self._lengths.items():
            if lengths:
                points = np.quantile(
                    np.frombuffer(lengths, dtype=np.uint32),
                    list(_QUANTILES.values()),
                    method="nearest",
                )
                report.lengths[name] = dict(zip(_QUANTILES, map(int, points), strict=True))


def question_and_answer(row: dict, shape: str) -> tuple[str, str]:
    """The text before the last answer, and the last answer; both answers of a preference."""
    if shape == "preference":
        parts = preference_parts(row)
        return _joined(parts["prompt"]), _joined([*parts["chosen"], *parts["rejected"]])
    messages = conversation(row, shape)
    return _joined(messages[:-1]), messages[-1]["content"]


def _joined(messages: list[Message]) -> str:
    return "\n".join(message["content"] for message in messages)


def _chunks(rows: Iterable) -> Iterator[list]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
