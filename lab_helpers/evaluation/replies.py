"""What is in a reply: the right numbers, an end, and whether one could send it as it is."""

import re

import numpy as np

from lab_helpers.evaluation.tone import tone_compliance

_NUMBER = r"\d[\d,.:]*\d|\d"


def numbers(text: str) -> set[str]:
    """Every number in ``text`` as it is written: ``{"118,000", "2"}``."""
    return set(re.findall(_NUMBER, text))


def right_numbers(answer: str, reply: str) -> bool | None:
    """Whether ``reply`` holds every number of the right ``answer``; ``None`` where it has none."""
    wanted = numbers(answer)
    return wanted <= numbers(reply) if wanted else None


def facts_right(rows: list[dict], replies: list[str]) -> np.ndarray:
    """1.0 or 0.0 for each row that states a fact with a number; shape (rows that do,)."""
    found = [
        right_numbers(row["answer"], reply)
        for row, reply in zip(rows, replies, strict=False)
        if row["fact"]
    ]
    return np.array([float(right) for right in found if right is not None])


def says(answer: str, reply: str) -> bool:
    """Whether ``reply`` holds ``answer``, alone or in a sentence: "Paris" and "It is Paris." both do.

    In Latin script the answer must stand as whole words; "5" is not in "15".
    """
    edge = r"(?<![^\W_]){}(?![^\W_])" if answer.isascii() else "{}"
    return re.search(edge.format(re.escape(answer)), reply, re.IGNORECASE) is not None


def usable(rows: list[dict], replies: list[str], language: str) -> np.ndarray:
    """1.0 for each reply that keeps the tone and, where a number was asked for, gives the right one."""
    tone = tone_compliance(replies, language)
    right = [
        not row["fact"] or right_numbers(row["answer"], reply) is not False
        for row, reply in zip(rows, replies, strict=True)
    ]
    return tone * np.array(right, dtype=float)
