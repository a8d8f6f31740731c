"""Lab 04: from the heap of support rows to rows worth training on, step by step.

The column ``faults`` holds what was planted; it is read by :func:`planted_left` alone, to score a
cleaning after it is done.
"""

import re
from collections import Counter, defaultdict

from lab_helpers.data.bias import bias_report
from lab_helpers.data.cleaning import (
    CleaningReport,
    Step,
    clean,
    detect_language,
    drop,
    edit,
    normalise,
    strip_html,
    truncated,
)
from lab_helpers.data.duplicates import remove_duplicates
from lab_helpers.data.pii import mask_pii
from lab_helpers.data.shipped import load_shipped
from lab_helpers.data.splitting import leakage, split_without_leakage
from lab_helpers.evaluation.replies import numbers
from lab_helpers.evaluation.tone import HOUSE, tone_rules
from lab_helpers.models.kotori import planted

TEXTS = ("question", "answer")
ALIKE = 0.6  # a greeting in front of a short question already costs 0.2
LEAKED = 0.5
_COPIES = {"duplicate", "near_duplicate"}
# What was planted as personal data: its names, streets, mails, and numbers as long as a phone's.
_PLANTED_DATA = re.compile(
    "Barlow|Wells|Marsh|Lang|Larch|Mill Road|田中|佐藤|鈴木|緑町|南3|@|[0-9]{3,4}[- ][0-9]{4}"
)
_ENDINGS = {"en": ("", " Thank you.", " I ask for a friend."), "ja": ("", "よろしくお願いします。", "友人の代わりに聞いています。")}  # fmt: skip


def cleaning_steps(language: str) -> list[Step]:
    """What one row shows by itself: repair what can be repaired, take out the rest."""
    house = HOUSE[language]
    return [
        edit("HTML", strip_html, *TEXTS),
        edit("spelling", normalise, *TEXTS),
        drop("no answer", lambda text: not text.strip(), "answer"),
        drop("other language", lambda text: detect_language(text) not in (language, "unknown"), *TEXTS),
        drop("broken off", lambda text: truncated(text, (house.closing,)), "answer"),
        drop("not in tone", lambda text: not all(tone_rules(text, language).values()), "answer"),
        edit("personal data", mask_pii, *TEXTS),
    ]  # fmt: skip


def without_contradictions(rows: list[dict]) -> tuple[list[dict], list[dict]]:
    """Rows kept, and rows that share no number with what most rows of the same ``fact`` say.

    A fact with fewer than three rows has no majority; its rows stay.
    """
    said: defaultdict[str, list[frozenset]] = defaultdict(list)
    for row in rows:
        if row["fact"] and (found := numbers(row["answer"])):
            said[row["fact"]].append(frozenset(found))
    usual = {fact: _most_said(sets) for fact, sets in said.items() if len(sets) > 2}
    kept: list[dict] = []
    removed: list[dict] = []
    for row in rows:
        found, expected = numbers(row["answer"]), usual.get(row["fact"])
        wrong = bool(row["fact"] and found and expected and not found & expected)
        (removed if wrong else kept).append(row)
    return kept, removed


def _most_said(sets: list[frozenset]) -> set[str]:
    """The numbers that more than half of the rows give."""
    counts = Counter(number for one in sets for number in one)
    return {number for number, count in counts.items() if 2 * count > len(sets)}


def without_leaks(rows: list[dict], held_out: list[dict]) -> tuple[list[dict], list[dict]]:
    """Rows kept, and rows whose question is like a held-out one."""
    found = {i for i, _, _ in leakage(rows, held_out, LEAKED, key="question")}
    kept = [row for i, row in enumerate(rows) if i not in found]
    return kept, [row for i, row in enumerate(rows) if i in found]


def held_out_rows(language: str) -> list[dict]:
    """The hand-written questions that no training may see: validation and test."""
    return [row for split in ("validation", "test") for row in load_shipped("support", language, split)]  # fmt: skip


def clean_support(
    language: str, steps: list[Step] | None = None
) -> tuple[list[dict], CleaningReport, dict[str, int]]:
    """The clean training rows, the report on the row-wise steps, and what comparing rows took out.

    ``steps`` replaces :func:`cleaning_steps`.
    """
    steps = cleaning_steps(language) if steps is None else steps
    kept, report = clean(load_shipped("support", language, "train"), steps)
    kept, contradicting = without_contradictions(kept)
    unique, _ = remove_duplicates(kept, "question", ALIKE)
    fresh, leaked = without_leaks(unique, held_out_rows(language))
    compared = {
        "contradiction": len(contradicting),
        "near-duplicate": len(kept) - len(unique),
        "in the test set": len(leaked),
    }
    return fresh, report, compared


def planted_left(before: list[dict], after: list[dict]) -> list[dict]:
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


def leak_metrics(heap: list[dict], rows: list[dict]) -> dict[str, int]:
    """Test questions that stand in the training rows, before and after the cleaning."""
    test = load_shipped("support", "en", "test")

    def leaked(train: list[dict]) -> int:
        return len({j for _, j, _ in leakage(train, test, LEAKED, key="question")})

    return {"leaked_questions_raw": leaked(heap), "leaked_questions_clean": leaked(rows)}


def over_represented(rows: list[dict], most: int = 8) -> list[dict]:
    """The groups with most rows beyond an even share: topics, products, gendered words, lengths.

    ``ratio`` compares a group with the other named groups of its view.
    """
    products = [product["name"]["en"] for product in planted.table()["product"]]
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


def validation_split(rows: list[dict], seed: int) -> dict[str, list[dict]]:
    """Clean rows into training and validation, look-alikes together."""
    shares = {"train": 0.9, "validation": 0.1}
    return split_without_leakage(rows, "question", shares, seed)
