"""What was found in a file: rows, problems, and what its columns say beside the conversation."""

from collections import Counter
from dataclasses import dataclass, field

from lab_helpers.data.forms.columns import columns_beside, unused_columns
from lab_helpers.data.forms.judgements import GOOD_OR_BAD, read_label, read_rating
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

    def __init__(self, shape: str):
        self._shape = shape
        self._beside: Counter = Counter()
        self._unused: Counter = Counter()
        self._unpaired = 0
        self._ratings: dict[str, tuple[float, float]] = {}

    def add(self, values: dict) -> None:
        self._beside.update(columns_beside(values, self._shape).values())
        unused = unused_columns(values, self._shape)
        if self._shape != "preference":
            if read_label(values) is not None:
                self._unpaired += 1
                unused = [name for name in unused if name.strip().lower() not in GOOD_OR_BAD]
            if rating := read_rating(values):
                name, number = rating
                low, high = self._ratings.get(name, (number, number))
                self._ratings[name] = min(low, number), max(high, number)
        self._unused.update(unused)

    def write(self, report: Report) -> None:
        report.beside = dict(self._beside.most_common())
        report.unused = dict(self._unused.most_common())
        report.unpaired = self._unpaired
        uneven = [(name, *ends) for name, ends in self._ratings.items() if ends[0] < ends[1]]
        report.rated = uneven[0] if uneven else None
