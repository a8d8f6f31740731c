"""Is every row of a fine-tuning file usable? Findings by line, and a summary of the whole file."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from lab_helpers.data.forms.columns import check_shape_name
from lab_helpers.data.forms.conversations import conversation, split_answer
from lab_helpers.data.forms.judgements import find_categories
from lab_helpers.data.forms.preference_rows import preference_parts
from lab_helpers.data.forms.problems import Problem, problem
from lab_helpers.data.forms.reports import ColumnCounts, Report
from lab_helpers.data.forms.row_checks import check_row
from lab_helpers.data.forms.shapes import detect_shape, to_messages
from lab_helpers.data.forms.turns import Message, is_learned
from lab_helpers.data.reading.files import BadRow, Row, count_lines, read_rows
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import track

KEPT_PROBLEMS = 1000
EXAMINED_ROWS = 50_000
_CHUNK = 1000
_SAMPLE = 200
_QUANTILES = {"min": 0.0, "median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}

Observer = Callable[[int, dict], list[Problem]]
"""Sees each good row's line and its conversational form; may find more about it."""


def check_file(
    path: Path,
    shape: str | None = None,
    problems: int = KEPT_PROBLEMS,
    ignore: Iterable[str] = (),
    observe: Observer | None = None,
) -> Report:
    """Check every row of a file; memory does not grow with texts, only by about 100 bytes a row
    (200 of a preference).

    ``shape`` is detected from the first rows unless it is given. At most ``problems`` findings are
    kept, all are counted. Columns in ``ignore`` are taken as if the file had none of that name. Raises
    :class:`BadInput` when the file cannot be used at all.
    """
    return _Scan(Path(path), shape, problems, ignore, observe).finish()


def load_conversations(
    path: Path, shape: str | None = None, keep_bad: bool = False, ignore: Iterable[str] = ()
) -> tuple[list[dict], Report]:
    """The good rows of a file in the conversational format of TRL, and the report on all of them.

    ``keep_bad`` keeps rows with errors too, as far as they can be converted at all. Raises
    :class:`BadInput` for a file that rates its answers: it does not say which are to be learned.
    """
    scan = _Scan(Path(path), shape, KEPT_PROBLEMS, ignore)
    kept = []
    for row, good in scan:
        if good or keep_bad:
            try:
                kept.append(to_messages(row.values, scan.report.shape))
            except BadInput:
                continue
            scan.report.kept_lines.append(row.line)
    if scan.report.rated and not keep_bad:
        name, low, high = scan.report.rated
        raise BadInput(
            say(
                f"the column '{name}' of {scan.report.name} rates the answers ({low:g} to {high:g}), and "
                "nothing says which of them are good enough to be learned",
                f"{scan.report.name} の列「{name}」は回答を {low:g} から {high:g} で評価していますが、どこからを学習してよい回答とするかが示されていません",
            ),
            say(
                f"Take the rows with bad answers out, then pass --ignore {name} (ignore=['{name}']).",
                f"評価の低い回答の行を取り除いてから、--ignore {name}（ignore=['{name}']）を指定してください。",
            ),
        )
    return kept, scan.report


class _Scan:
    """One pass over a file; iterating yields every row with whether it is good."""

    def __init__(
        self,
        path: Path,
        shape: str | None,
        kept: int,
        ignore: Iterable[str] = (),
        observe: Observer | None = None,
    ):
        self._ignored = {name.strip().lower() for name in ignore}
        self.path, self.kept, self._observe = path, kept, observe
        sample = list(islice(self._rows(), _SAMPLE))
        if shape is None:
            detected = detect_shape(sample, _SAMPLE)
            shape, evidence = detected.shape, detected.evidence
        else:
            check_shape_name(shape)
            evidence = say("given", "指定された形式")
        self.report = Report(path.name, shape, evidence)
        self._found: dict[str, list[Problem]] = {"error": [], "warning": []}
        self._seen: set[int] = set()
        self._lengths = {"question": array("I"), "answer": array("I")}
        self._counts: Counter = Counter()
        judged = (row.values for row in sample if isinstance(row, Row))
        self._categories = find_categories(judged)
        self._columns = ColumnCounts(shape, self._categories)
        self._pairs: dict[int, int] = {}
        self._languages: Counter = Counter()
        self._pii: Counter = Counter()

    def finish(self) -> Report:
        for _ in self:
            pass
        return self.report

    def __iter__(self) -> Iterator[tuple[Row, bool]]:
        lines = count_lines(self.path)
        stride = max(1, lines // EXAMINED_ROWS)
        chunks = _chunks(self._rows())
        for chunk in track(chunks, self.path.name, lines // _CHUNK + 1):
            for row in chunk:
                found = self._problems_of(row)
                good = all(one.severity != "error" for one in found)
                self.report.rows += 1
                self.report.good += good
                if isinstance(row, Row):
                    self._columns.add(row.values)
                    if good:
                        found += self._measure(row, self.report.rows % stride == 0)
                    yield row, good
                self._note(found)
        self._summarise()

    def _rows(self) -> Iterator[Row | BadRow]:
        """The file's rows without the columns that are to be ignored."""
        for row in read_rows(self.path):
            if self._ignored and isinstance(row, Row):
                kept = {
                    name: value
                    for name, value in row.values.items()
                    if str(name).strip().lower() not in self._ignored
                }
                row = Row(row.line, kept)
            yield row

    def _problems_of(self, row: Row | BadRow) -> list[Problem]:
        if isinstance(row, BadRow):
            return [problem(row.line, "unreadable", row.problem)]
        found = check_row(row, self.report.shape, categories=self._categories)
        if self.report.shape == "preference" and all(one.severity != "error" for one in found):
            found += self._other_way_round(row)
        return found

    def _other_way_round(self, row: Row) -> Iterator[Problem]:
        """An earlier row that calls the better one of the same two answers the worse one."""
        from lab_helpers.data.duplicates import fingerprint

        parts = preference_parts(row.values)
        prompt, *answers = (_joined(parts[name]) for name in ("prompt", "chosen", "rejected"))
        key, other = (
            fingerprint("\n\0\n".join([prompt, *pair])) for pair in (answers, answers[::-1])
        )
        if key == other:  # The answers differ in case or spaces only.
            return
        if earlier := self._pairs.get(other):
            yield problem(row.line, "contradicts", str(earlier))
        else:
            self._pairs.setdefault(key, row.line)

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
        if self.report.shape != "preference":
            turns = conversation(row.values, self.report.shape)
            self.report.earlier_answers += max(0, sum(map(is_learned, turns)) - 1)
        whole = f"{question}\n{answer}"
        if examine:
            self._examine(whole)
        found = []
        if self._observe:
            found = self._observe(row.line, to_messages(row.values, self.report.shape))
        key = fingerprint(whole)
        if key in self._seen:
            self.report.duplicates += 1
            return [*found, problem(row.line, "duplicate")]
        self._seen.add(key)
        return found

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
        self._columns.write(report)
        for name, lengths in self._lengths.items():
            if lengths:
                points = np.quantile(
                    np.frombuffer(lengths, dtype=np.uint32),
                    list(_QUANTILES.values()),
                    method="nearest",
                )
                report.lengths[name] = dict(zip(_QUANTILES, map(int, points), strict=True))


def question_and_answer(row: dict, shape: str) -> tuple[str, str]:
    """The text before the last answer that may be learned, and that answer; both answers of a preference."""
    if shape == "preference":
        parts = preference_parts(row)
        return _joined(parts["prompt"]), _joined([*parts["chosen"], *parts["rejected"]])
    before, answer = split_answer(conversation(row, shape))
    return _joined(before), _joined(answer)


def _joined(messages: list[Message]) -> str:
    return "\n".join(message["content"] for message in messages)


def _chunks(rows: Iterable) -> Iterator[list]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk
