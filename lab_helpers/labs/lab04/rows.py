"""Lab 04: from the heap of support rows to rows worth training on, step by step.

The column ``faults`` holds what was planted; it is read by :func:`planted_left_rows` alone, to score a
cleaning after it is done.
"""

import re
from collections import Counter

import numpy as np

from lab_helpers.data.bias import bias_report
from lab_helpers.data.cleaning import strip_html
from lab_helpers.data.shipped import load_shipped
from lab_helpers.data.splitting import leakage
from lab_helpers.evaluation.tone import HOUSE
from lab_helpers.labs.shared.support_cleaning import LEAKED, TEXTS, clean_support
from lab_helpers.models.kotori import planted

_COPIES = {"duplicate", "near_duplicate"}
# What was planted as personal data: its names, streets, mails, and numbers as long as a phone's.
_PLANTED_DATA = re.compile(
    "Barlow|Wells|Marsh|Lang|Larch|Mill Road|田中|佐藤|鈴木|緑町|南3|@|[0-9]{3,4}[- ][0-9]{4}"
)
_ENDINGS = {"en": ("", " Thank you.", " I ask for a friend."), "ja": ("", "よろしくお願いします。", "友人の代わりに聞いています。")}  # fmt: skip


def planted_left_rows(before: list[dict], after: list[dict]) -> list[dict]:
    """``{"fault", "planted", "left"}``: the cleaning scored against the planted faults.

    A repaired row is not left: HTML counts while a tag can be found, personal data while a digit, a
    mail or one of the planted names stands behind the question. Of two copies one may stay, so for
    them ``left`` counts rows that still stand beside a look-alike with the same answer.
    """
    counts = Counter(fault for row in before for fault in row["faults"])
    copies = [i for i, row in enumerate(after) if set(row["faults"]) & _COPIES]
    pairs = leakage(after, [after[i] for i in copies], LEAKED, key="question")
    beside = {
        copies[j]
        for i, j, _ in pairs
        if i != copies[j] and after[i]["answer"] == after[copies[j]]["answer"]
    }
    left = Counter(
        fault
        for i, row in enumerate(after)
        for fault in row["faults"]
        if _left(fault, row, i in beside)
    )
    return [{"fault": f, "planted": n, "left": left[f]} for f, n in sorted(counts.items())]


def _left(fault: str, row: dict, has_copy: bool) -> bool:
    if fault == "html":
        return any(strip_html(row[name]) != row[name] for name in TEXTS)
    if fault == "pii":
        return bool(_PLANTED_DATA.search(row["question"]))
    return has_copy if fault in _COPIES else True


def table_rows(language: str) -> list[dict]:
    """Rows that the company could write from its own table: every fact, asked in three ways."""
    house = HOUSE[language]
    gap = " " if language == "en" else ""
    rows = []
    for ending in _ENDINGS[language]:
        for fact in planted.company_facts(language):
            body = f"The answer is {fact.answer}." if gap else f"{fact.answer}でございます。"
            rows.append(
                {
                    "question": fact.question + ending,
                    "answer": gap.join((house.opening, body, house.closing)),
                    "fact": fact.key,
                }
            )
    return rows


# --- what is told about it -----------------------------------------------------------------------


def cleaning_metrics(heap: list[dict], rows: list[dict], left: list[dict]) -> dict[str, float]:
    """Rows before and after, and the share of planted faults that the cleaning has missed."""
    planted_rows = sum(row["planted"] for row in left)
    return {
        "rows_raw": len(heap),
        "rows_clean": len(rows),
        "faults_missed": sum(row["left"] for row in left) / planted_rows,
    }


def leak_metrics(heap: list[dict], rows: list[dict], language: str) -> dict[str, int]:
    """Test questions that stand in the training rows, before and after the cleaning."""
    test = load_shipped("support", language, "test")

    def leaked(train: list[dict]) -> int:
        return len({j for _, j, _ in leakage(train, test, LEAKED, key="question")})

    return {"leaked_questions_raw": leaked(heap), "leaked_questions_clean": leaked(rows)}


def over_represented_rows(rows: list[dict], language: str, most: int = 8) -> list[dict]:
    """The groups with most rows beyond an even share: topics, products, gendered words, lengths.

    ``ratio`` compares a group with the other named groups of its view.
    """
    products = [product["name"][language] for product in planted.table()["product"]]
    table = bias_report(rows, "question", group_key="topic", products=products)
    found = []
    for view in ("topic", "product", "gendered words", "length"):
        groups = [row for row in table if row["view"] == view and row["group"] != "(none)"]
        even = sum(row["rows"] for row in groups) / max(1, len(groups))
        found += [
            {"view": view, "group": row["group"], "rows": row["rows"], "ratio": row["rows"] / even}
            for row in groups
        ]
    return sorted(found, key=lambda row: -row["ratio"])[:most]


def shuffle_rows(rows: list[dict], seed: int) -> list[dict]:
    """``rows`` in a seeded order."""
    return [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]


def house_rows(language: str, seed: int, clean_rows: list[dict] | None = None) -> list[dict]:
    """Clean rows in a seeded order, then rows from the company's own table: over 1,000 in all."""
    clean_rows = clean_support(language)[0] if clean_rows is None else clean_rows
    return [*shuffle_rows(clean_rows, seed), *shuffle_rows(table_rows(language), seed)]


def dirty_rows(language: str, seed: int, count: int) -> list[dict]:
    """``count`` rows of the heap as they are; only rows without an answer cannot be trained on."""
    heap = [row for row in load_shipped("support", language, "train") if row["answer"].strip()]
    return shuffle_rows(heap, seed)[:count]


def select_fresh_questions(language: str, size: int) -> list[dict]:
    """Held-out gold rows whose question nobody finds in the heap, not even in other words."""
    test = load_shipped("support", language, "test")
    leaked = {j for _, j, _ in leakage(load_shipped("support", language, "train"), test, LEAKED, "question")}  # fmt: skip
    return [row for j, row in enumerate(test) if j not in leaked][:size]


def render_chat(messages, add_generation_prompt=False):
    """A conversation in ChatML, Kotori's template; ``add_generation_prompt`` opens the assistant's turn."""
    text = ""
    for message in messages:
        text += f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"
    return text + ("<|im_start|>assistant\n" if add_generation_prompt else "")


def leaked_questions(train, test):
    """The test questions that stand in ``train``, whatever their capitals, spaces and punctuation."""

    def key(question):
        return "".join(c for c in question.lower() if c.isalnum())

    seen = {key(question) for question in train}
    return [question for question in test if key(question) in seen]
