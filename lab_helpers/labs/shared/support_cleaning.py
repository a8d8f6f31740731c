"""From the heap of support rows to rows worth training on: row by row, then rows against rows."""

from collections import Counter, defaultdict

from lab_helpers.data.cleaning import (
    CleaningReport,
    Step,
    clean,
    detect_language,
    drop,
    edit,
    is_truncated,
    normalise,
    strip_html,
)
from lab_helpers.data.duplicates import remove_duplicates
from lab_helpers.data.pii import mask_pii
from lab_helpers.data.shipped import load_shipped
from lab_helpers.data.splitting import leakage
from lab_helpers.evaluation.replies import numbers
from lab_helpers.evaluation.tone import HOUSE, tone_rules

TEXTS = ("question", "answer")
ALIKE = 0.6  # a greeting in front of a short question already costs 0.2
LEAKED = 0.5


def cleaning_steps(language: str) -> list[Step]:
    """What one row shows by itself: repair what can be repaired, take out the rest."""
    house = HOUSE[language]
    return [
        edit("HTML", strip_html, *TEXTS),
        edit("spelling", normalise, *TEXTS),
        drop("no answer", lambda text: not text.strip(), "answer"),
        drop("other language", lambda text: detect_language(text) not in (language, "unknown"), *TEXTS),
        drop("broken off", lambda text: is_truncated(text, (house.closing,)), "answer"),
        drop("not in tone", lambda text: not all(tone_rules(text, language).values()), "answer"),
        edit("personal data", mask_pii, *TEXTS),
    ]  # fmt: skip


def drop_contradictions(rows: list[dict]) -> tuple[list[dict], list[dict]]:
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


def drop_leaks(rows: list[dict], held_out: list[dict]) -> tuple[list[dict], list[dict]]:
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
    kept, contradicting = drop_contradictions(kept)
    unique, _ = remove_duplicates(kept, "question", ALIKE)
    fresh, leaked = drop_leaks(unique, held_out_rows(language))
    compared = {
        "contradiction": len(contradicting),
        "near-duplicate": len(kept) - len(unique),
        "in the test set": len(leaked),
    }
    return fresh, report, compared
