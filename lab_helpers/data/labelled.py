"""Labelled texts: one type for shipped and user data, and a loader that names every bad row."""

import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lab_helpers.data.forms.label_checks import check_labels, text_key
from lab_helpers.data.shipped import load_shipped
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import note

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

    Without a ``split`` column the rows are split 60/10/30 by ``seed``, stratified by label; texts that
    differ only in case, width or space stay together. With one, a note counts those that do not.
    Raises :class:`BadInput` naming the line of every row that cannot be used.
    """
    path = Path(path)
    report = check_labels(path)
    for problem in report.problems:
        if problem.code == "unreadable":
            raise BadInput(
                say(
                    f"{path.name} line {problem.line} {problem.detail}",
                    f"{path.name} の {problem.line} 行目を読み取れません（{problem.detail}）",
                ),
                say(
                    "In JSONL each line must be one JSON object; in CSV check the quotation marks.",
                    "JSONL なら 1 行に JSON オブジェクトを 1 つずつ書いてください。CSV なら引用符を確かめてください。",
                ),
            )
    if report.problems:
        shown = "; ".join(
            say(
                f"line {problem.line}: {problem.message.en}",
                f"{problem.line} 行目: {problem.message.ja}",
            )
            for problem in report.problems[:_SHOWN_PROBLEMS]
        )
        hidden = len(report.problems) - _SHOWN_PROBLEMS
        more = say(f"; and {hidden} more", f"、ほか {hidden} 件") if hidden > 0 else ""
        raise BadInput(
            say(
                f"{path.name} has {len(report.problems)} bad rows: {shown}{more}",
                f"{path.name} に使えない行が {len(report.problems)} 行あります（{shown}{more}）",
            ),
            say(
                "Mend these rows and run again.",
                "これらの行を直してから、もう一度実行してください。",
            ),
        )
    clean = [dict(row) for row in report.clean]
    if not report.has_splits:
        _assign_splits(clean, seed)
    elif missing := {"train", "test"} - {row["split"] for row in clean}:
        raise BadInput(
            say(
                f"{path.name} has no row whose split is {' or '.join(sorted(missing))}",
                f"{path.name} に、split が {' または '.join(sorted(missing))} の行がありません",
            ),
            say(
                "Mark training and test rows, or leave the column out.",
                "学習用とテスト用の行の両方に印を付けるか、split の列を外してください。",
            ),
        )
    else:
        _note_shared_texts(clean)
    labels = tuple(sorted(report.labels))
    if len(labels) < 2:
        raise BadInput(
            say(
                f"{path.name} has only one label ('{labels[0]}')",
                f"{path.name} のラベルが 1 種類（「{labels[0]}」）しかありません",
            ),
            say("Two or more are needed.", "2 種類以上のラベルが必要です。"),
        )
    return LabelledTexts(path.name, labels, tuple(clean))


def _assign_splits(rows: list[dict], seed: int) -> None:
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    seen: Counter = Counter()
    split_of: dict[str, str] = {}
    for index in order:
        row = rows[index]
        key = text_key(row["text"])
        if key not in split_of:
            turn = seen[row["label"]] % 10
            seen[row["label"]] += 1
            split_of[key] = (
                "train" if turn in (0, 2, 3, 5, 7, 8) else "validation" if turn == 9 else "test"
            )
        row["split"] = split_of[key]


def _note_shared_texts(rows: list[dict]) -> None:
    """Say how many texts the file's own splits train on and test with."""
    trained = {text_key(row["text"]): row["line"] for row in rows if row["split"] == "train"}
    shared = [row for row in rows if row["split"] != "train" and text_key(row["text"]) in trained]
    if shared:
        line, twin = shared[0]["line"], trained[text_key(shared[0]["text"])]
        note(
            say(
                f"{len(shared)} validation or test rows repeat a training row (the first: line {line} repeats "
                f"line {twin}), so scores look better than they are. Move or remove them.",
                f"検証用・テスト用の {len(shared)} 行が学習用の行と同じ文章です（最初は {line} 行目と {twin} 行目）。"
                "実際より良い点が出るので、移すか取り除いてください。",
            )
        )
