"""What was found in a file: rows, problems, and what its columns say beside the conversation."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from lab_helpers.data.forms.columns import columns_beside, unused_columns
from lab_helpers.data.forms.judgements import read_labels, read_ratings
from lab_helpers.data.forms.marks import row_marks_off
from lab_helpers.data.forms.problems import Problem


@dataclass
class Report:
    """What :func:`lab_helpers.data.forms.validation.check_file` found.

    ``rows`` counts every row and unreadable line, ``good`` those without an error. ``problems``
    holds the first findings by line, errors before warnings; ``counts`` counts all by code.
    ``lengths`` are characters: ``{"question" | "answer": {"min" | "median" | "p90" | "p99" |
    "max": int}}``, of good rows, as are ``duplicates``.
    ``languages`` and ``pii`` are counted on ``examined`` rows, evenly spread over a big file.

    ``beside`` are the columns that became turns or tools, and in how many rows; ``unused`` those that
    say something and are not used. ``earlier_answers`` stand before a row's last one: context, not
    learned. ``unpaired`` rows say whether their answer is good or bad. ``rated`` is the column that
    rates answers differently: ``(name, lowest, highest)``. ``kept_lines`` are those of the rows that
    ``load_conversations`` returns.
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
    beside: dict[str, int] = field(default_factory=dict)
    unused: dict[str, int] = field(default_factory=dict)
    earlier_answers: int = 0
    unpaired: int = 0
    rated: tuple[str, float, float] | None = None
    kept_lines: list[int] = field(default_factory=list)


class ColumnCounts:
    """Counts, row after row, what the columns beside the shape's own say."""

    def __init__(self, shape: str, categories: Collection[str] = ()):
        self._shape, self._categories = shape, categories
        self._beside: Counter = Counter()
        self._unused: Counter = Counter()
        self._unpaired = 0
        self._ratings: dict[str, tuple[float, float]] = {}

    def add(self, values: dict) -> None:
        self._beside.update(columns_beside(values, self._shape).values())
        said = set(row_marks_off(values))
        if self._shape != "preference":
            labels = read_labels(values, self._categories)
            self._unpaired += bool(labels)
            said |= labels.keys()
            for name, number in read_ratings(values).items():
                low, high = self._ratings.get(name, (number, number))
                self._ratings[name] = min(low, number), max(high, number)
        unused = [name for name in unused_columns(values, self._shape) if name not in said]
        self._unused.update(unused)

    def write(self, report: Report) -> None:
        report.beside = dict(self._beside.most_common())
        report.unused = dict(self._unused.most_common())
        report.unpaired = self._unpaired
        uneven = [(name, *ends) for name, ends in self._ratings.items() if ends[0] < ends[1]]
        report.rated = uneven[0] if uneven else None
