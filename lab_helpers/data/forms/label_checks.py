"""Is every row of a file of labelled texts usable? Findings by line, and how often each label occurs."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab_helpers.data.reading.files import BadRow, Row, read_rows
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import Text, say

TEXT_COLUMNS = ("text", "sentence", "review", "body")
LABEL_COLUMNS = ("label", "sentiment", "class", "intent")
SPLITS = ("train", "validation", "test")

# What pandas, NumPy and JSON write where there is no value. "none" in small letters may be a class.
_NO_VALUE = {"nan", "NaN", "NAN", "None", "null", "NULL", "Null", "<NA>", "NaT"}
_NO_VALUE |= {"N/A", "n/a", "N/a", "#N/A", "#n/a"}
_ZERO_WIDTH = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_TRUTH = {"true": "1", "false": "0"}
_WHOLE_NUMBER = re.compile(r"([-+]?\d+)\.0+")
_MEND = Text("Mend the row, or take it out.", "行を直すか、取り除いてください。")


@dataclass(frozen=True)
class LabelProblem:
    """One finding about one line: ``code``, the ``message`` in both languages and the way out ``fix``.

    Codes: ``unreadable``, ``empty-text``, ``not-a-text``, ``empty-label``, ``no-value-label``,
    ``not-a-label``, ``unknown-split``, ``label-once``, ``label-untrained``, ``label-spelling``, ``two-labels``.
    ``detail`` is the part that only this line has.
    """

    line: int
    code: str
    message: Text
    fix: Text = _MEND
    detail: str = ""


@dataclass(frozen=True)
class LabelReport:
    """What :func:`check_labels` found.

    ``rows`` counts every row and unreadable line, ``good`` those without a problem; ``labels`` counts the
    labels of good rows, the most frequent first; ``problems`` are in the order of their lines. ``clean``
    are the good rows as ``{"line", "text", "label", "split"}``.
    """

    name: str
    text_column: str
    label_column: str
    has_splits: bool
    rows: int
    good: int
    labels: dict[str, int]
    problems: list[LabelProblem]
    clean: list[dict]


def is_label_file(columns: Iterable[str]) -> bool:
    """Whether ``columns`` are those of labelled texts: one of texts, and one of labels."""
    names = list(columns)
    return all(_find(names, wanted) for wanted in (TEXT_COLUMNS, LABEL_COLUMNS))


def check_labels(path: Path) -> LabelReport:
    """Check every row of a file with a text and a label column, and optionally ``split``.

    Labels that differ only in case, spaces, width or what nobody sees, and 1 beside 1.0 or true, are named
    where the rarer spelling stands; NaN and its like are no label. A text that has two labels is named on
    both lines. Raises :class:`BadInput` when the file cannot be read or has no
    such columns.
    """
    path = Path(path)
    rows, problems = _all_rows(path)
    columns = list(dict.fromkeys(name for row in rows for name in row.values))
    text_column = _column(path, columns, TEXT_COLUMNS, "text")
    label_column = _column(path, columns, LABEL_COLUMNS, "label")
    split_column = _find(columns, ("split",))
    has_splits = split_column is not None
    clean: list[dict] = []
    for row in rows:
        problem = _problem_of(row, text_column, label_column, split_column)
        if problem:
            problems.append(problem)
            continue
        values = (
            _words(row.values.get(name)) if name else ""
            for name in (text_column, label_column, split_column)
        )
        clean.append(dict(zip(("text", "label", "split"), values, strict=True), line=row.line))
    problems += [*_label_problems(clean), *_contradictions(clean)]
    bad = {problem.line for problem in problems}
    clean = [row for row in clean if row["line"] not in bad]
    return LabelReport(
        path.name,
        text_column,
        label_column,
        has_splits,
        rows=len(rows) + sum(problem.code == "unreadable" for problem in problems),
        good=len(clean),
        labels=dict(Counter(row["label"] for row in clean).most_common()),
        problems=sorted(problems, key=lambda problem: problem.line),
        clean=clean,
    )


def _all_rows(path: Path) -> tuple[list[Row], list[LabelProblem]]:
    rows: list[Row] = []
    problems: list[LabelProblem] = []
    for row in read_rows(path):
        if isinstance(row, BadRow):
            message = Text(row.problem, f"読み取れません（{row.problem}）")
            problems.append(LabelProblem(row.line, "unreadable", message, detail=row.problem))
        else:
            rows.append(row)
    if not rows:
        first = problems[0]
        raise BadInput(
            say(
                f"{path.name} line {first.line} {first.detail}, and no other line is a row",
                f"{path.name} の {first.line} 行目を読み取れません（{first.detail}）。ほかに使える行もありません",
            ),
            say(
                "In JSONL each line must be one JSON object; in CSV check the quotation marks.",
                "JSONL なら 1 行に JSON オブジェクトを 1 つずつ書いてください。CSV なら引用符を確かめてください。",
            ),
        )
    return rows, problems


def _problem_of(
    row: Row, text_column: str, label_column: str, split_column: str | None
) -> LabelProblem | None:
    text, label, split = (
        row.values.get(name) if name else None for name in (text_column, label_column, split_column)
    )
    if _is_empty(text):
        message = Text(f"empty {text_column}", f"{text_column} が空です")
        return LabelProblem(row.line, "empty-text", message, detail=text_column)
    if isinstance(text, list | dict):
        message = Text(f"{text_column} is no text", f"{text_column} が文字列ではありません")
        return LabelProblem(row.line, "not-a-text", message, detail=text_column)
    if isinstance(label, list | dict):
        message = Text(
            f"{label_column} is no single label", f"{label_column} が 1 つのラベルではありません"
        )
        return LabelProblem(row.line, "not-a-label", message, detail=label_column)
    if _is_nan(label) or _ZERO_WIDTH.sub("", _words(label)).strip() in _NO_VALUE:
        shown = _words(label)
        message = Text(
            f"label '{shown}' stands for a missing value",
            f"ラベル「{shown}」は値がないことを表します",
        )
        fix = Text(
            "Write the label, or take the row out.", "ラベルを書くか、行を取り除いてください。"
        )
        return LabelProblem(row.line, "no-value-label", message, fix, shown)
    if _is_empty(label):
        message = Text(f"empty {label_column}", f"{label_column} が空です")
        return LabelProblem(row.line, "empty-label", message, detail=label_column)
    if split_column and _words(split) not in SPLITS:
        message = Text(
            f"split '{_words(split)}' is not one of {', '.join(SPLITS)}",
            f"split「{_words(split)}」は {'、'.join(SPLITS)} のどれでもありません",
        )
        return LabelProblem(row.line, "unknown-split", message, detail=_words(split))
    return None


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _is_empty(value: Any) -> bool:
    return _is_nan(value) or not _ZERO_WIDTH.sub("", _words(value)).strip()


def _words(value: Any) -> str:
    """A cell as text; an absent one is empty, the number 0 is not."""
    return "" if value is None else str(value).strip()


def _find(columns: list[str], wanted: tuple[str, ...]) -> str | None:
    """The first of the ``wanted`` columns, in small letters and without spaces around them."""
    for name in wanted:
        for column in columns:
            if str(column).strip().lower() == name:
                return column
    return None


def _column(path: Path, columns: list[str], wanted: tuple[str, ...], meaning: str) -> str:
    if (found := _find(columns, wanted)) is not None:
        return found
    raise BadInput(
        say(
            f"{path.name} has no {meaning} column (found: {', '.join(map(str, sorted(columns)))})",
            f"{path.name} に {meaning} の列がありません（見つかった列: {', '.join(map(str, sorted(columns)))}）",
        ),
        say(f"Name the column '{wanted[0]}'.", f"列の名前を「{wanted[0]}」にしてください。"),
    )


def _label_problems(rows: list[dict]) -> Iterator[LabelProblem]:
    """Labels that cannot be learned: a second spelling, seen once in all, or only outside of training."""
    counts = Counter(row["label"] for row in rows)
    usual = _usual_spellings(counts)
    trained = {row["label"] for row in rows if row["split"] in ("", "train")}
    for row in rows:
        label, line = row["label"], row["line"]
        if label in usual:
            message = Text(
                f"label '{_shown(label)}' is elsewhere written '{_shown(usual[label])}'",
                f"ラベル「{_shown(label)}」はほかの行では「{_shown(usual[label])}」と書かれています",
            )
            fix = Text(
                "Write a label in one way only.", "ラベルの書き方を 1 つにそろえてください。"
            )
            yield LabelProblem(line, "label-spelling", message, fix, label)
        elif counts[label] == 1 and label not in usual.values():
            message = Text(
                f"label '{label}' occurs only here (a typing error?)",
                f"ラベル「{label}」はこの行にしかありません（書き間違い？）",
            )
            yield LabelProblem(line, "label-once", message, detail=label)
        elif label not in trained:
            message = Text(
                f"unknown label '{label}', no training row has it",
                f"ラベル「{label}」は学習用の行にありません",
            )
            yield LabelProblem(line, "label-untrained", message, detail=label)


def _contradictions(rows: list[dict]) -> Iterator[LabelProblem]:
    """Each row whose text another row labels otherwise, a second spelling of the label not counted."""
    first: defaultdict[str, dict[str, dict]] = defaultdict(dict)
    for row in rows:
        first[text_key(row["text"])].setdefault(_spelling_key(row["label"]), row)
    for row in rows:
        own = _spelling_key(row["label"])
        others = (one for key, one in first[text_key(row["text"])].items() if key != own)
        if (other := next(others, None)) is None:
            continue
        message = Text(
            f"label '{_shown(row['label'])}', and line {other['line']} labels the same text "
            f"'{_shown(other['label'])}'",
            f"ラベルは「{_shown(row['label'])}」ですが、{other['line']} 行目は同じ文章に"
            f"「{_shown(other['label'])}」と付けています",
        )
        fix = Text("Keep the right one of the two rows.", "どちらか正しい行だけを残してください。")
        yield LabelProblem(row["line"], "two-labels", message, fix, str(other["line"]))


def text_key(text: str) -> str:
    """Equal for texts that differ only in case, width, white space or what nobody sees."""
    folded = unicodedata.normalize("NFKC", _ZERO_WIDTH.sub("", text)).casefold()
    return "".join(folded.split())


def _shown(label: str) -> str:
    """``label`` with what nobody sees written out: ⟨U+200B⟩."""
    return _ZERO_WIDTH.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", label)


def _usual_spellings(counts: Counter) -> dict[str, str]:
    """Each rarer spelling of a label -> the most frequent one (the first of equals) that all can see."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for label, _ in counts.most_common():
        alike[_spelling_key(label)].append(label)
    for labels in alike.values():
        labels.sort(key=lambda label: _ZERO_WIDTH.search(label) is not None)
    return {rare: labels[0] for labels in alike.values() for rare in labels[1:]}


def _spelling_key(label: str) -> str:
    """Equal for labels that differ as :func:`text_key` says, or as 1, 1.0 and true do."""
    key = text_key(label)
    number = _WHOLE_NUMBER.fullmatch(key)
    return number[1] if number else _TRUTH.get(key, key)
