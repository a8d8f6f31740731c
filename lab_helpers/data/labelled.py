"""Labelled texts: one type for shipped and user data, and a loader that names every bad row."""

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lab_helpers.data.files import BadRow, Row, read_rows
from lab_helpers.data.shipped import load_shipped
from lab_helpers.runtime.errors import BadInput

TEXT_COLUMNS = ("text", "sentence", "review", "body")
LABEL_COLUMNS = ("label", "sentiment", "class", "intent")
SPLITS = ("train", "validation", "test")
_SHOWN_PROBLEMS = 8


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with class labels, in fixed splits. ``labels`` is the sorted label set."""

    name: str
    labels: tuple[str, ...]
    rows: tuple[dict, ...]

    def split(self, name: str) -> tuple[list[str], list[int]]:
        """Texts and label ids (positions in ``labels``) of one split."""
        rows = [row for row in self.rows if row["split"] == name]
        return [row["text"] for row in rows], [self.labels.index(row["label"]) for row in rows]

    def sample(self, size: int, seed: int) -> tuple[list[str], list[int]]:
        """``size`` training rows, the same number of each label as far as it goes, by ``seed``."""
        texts, labels = self.split("train")
        order = list(range(len(texts)))
        random.Random(seed).shuffle(order)
        by_label = {label: [i for i in order if labels[i] == label] for label in set(labels)}
        chosen: list[int] = []
        while len(chosen) < min(size, len(texts)):
            for label in sorted(by_label):
                if by_label[label] and len(chosen) < size:
                    chosen.append(by_label[label].pop())
        return [texts[i] for i in chosen], [labels[i] for i in chosen]


def shipped_texts(name: str, language: str) -> LabelledTexts:
    """``reviews`` or ``requests`` as :class:`LabelledTexts`."""
    rows = load_shipped(name, language)
    labels = tuple(sorted({row["label"] for row in rows}))
    return LabelledTexts(f"{name}.{language}", labels, tuple(rows))


def read_labelled_texts(path: Path, seed: int = 0) -> LabelledTexts:
    """A user's CSV, JSONL, JSON or Parquet file with a text and a label column, and optionally ``split``.

    Without a ``split`` column the rows are split 60/10/30 by ``seed``, stratified by label.
    Raises :class:`BadInput` naming the line of every row that cannot be used.
    """
    rows = _all_rows(path)
    columns = sorted({name for _, row in rows for name in row})
    text_column = _find_column(path, columns, TEXT_COLUMNS, "text")
    label_column = _find_column(path, columns, LABEL_COLUMNS, "label")
    clean: list[dict] = []
    problems: list[str] = []
    for line, row in rows:
        text, label, split = (_words(row.get(c)) for c in (text_column, label_column, "split"))
        if not text:
            problems.append(f"line {line}: empty {text_column}")
        elif not label:
            problems.append(f"line {line}: empty {label_column}")
        elif "split" in columns and split not in SPLITS:
            problems.append(f"line {line}: split '{split}' is not one of {', '.join(SPLITS)}")
        else:
            clean.append({"line": line, "text": text, "label": label, "split": split})
    problems += _label_problems(clean)
    if problems:
        shown = "; ".join(problems[:_SHOWN_PROBLEMS])
        more = (
            f"; and {len(problems) - _SHOWN_PROBLEMS} more"
            if len(problems) > _SHOWN_PROBLEMS
            else ""
        )
        raise BadInput(
            f"{path.name} has {len(problems)} bad rows: {shown}{more}",
            "Mend these rows and run again.",
        )
    if "split" not in columns:
        _assign_splits(clean, seed)
    elif missing := {"train", "test"} - {row["split"] for row in clean}:
        raise BadInput(
            f"{path.name} has no row whose split is {' or '.join(sorted(missing))}",
            "Mark training and test rows, or leave the column out.",
        )
    labels = tuple(sorted({row["label"] for row in clean}))
    if len(labels) < 2:
        raise BadInput(f"{path.name} has only one label ('{labels[0]}')", "Two or more are needed.")
    return LabelledTexts(path.name, labels, tuple(clean))


def _all_rows(path: Path) -> list[Row]:
    """Every row, or :class:`BadInput` for the first line that is none."""
    rows: list[Row] = []
    for row in read_rows(path):
        if isinstance(row, BadRow):
            raise BadInput(
                f"{path.name} line {row.line} {row.problem}",
                "In JSONL each line must be one JSON object; in CSV check the quotation marks.",
            )
        rows.append(row)
    return rows


def _words(value) -> str:
    """A cell as text; an absent one is empty, the number 0 is not."""
    return "" if value is None else str(value).strip()


def _find_column(path: Path, columns: list[str], wanted: tuple[str, ...], meaning: str) -> str:
    for name in wanted:
        if name in columns:
            return name
    raise BadInput(
        f"{path.name} has no {meaning} column (found: {', '.join(columns)})",
        f"Name the column '{wanted[0]}'.",
    )


def _label_problems(rows: list[dict]) -> list[str]:
    """Labels that cannot be learned: seen once in all, or only outside the training split."""
    counts = Counter(row["label"] for row in rows)
    trained = {row["label"] for row in rows if row["split"] in ("", "train")}
    problems = []
    for row in rows:
        if counts[row["label"]] == 1:
            problems.append(
                f"line {row['line']}: label '{row['label']}' occurs only here (a typing error?)"
            )
        elif row["label"] not in trained:
            problems.append(
                f"line {row['line']}: unknown label '{row['label']}', no training row has it"
            )
    return problems


def _assign_splits(rows: list[dict], seed: int) -> None:
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    seen: Counter = Counter()
    for index in order:
        row = rows[index]
        turn = seen[row["label"]] % 10
        seen[row["label"]] += 1
        row["split"] = (
            "train" if turn in (0, 2, 3, 5, 7, 8) else "validation" if turn == 9 else "test"
        )
