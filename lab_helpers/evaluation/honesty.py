"""Does a reply say that the company does not have the answer? By the words that such replies use."""

import re

import numpy as np

_DECLINES = {
    "en": r"\b(?:do|does)(?: not|n['’]t) (?:have|know)\b|\bcannot say\b|\bnot recorded\b|\bnot (?:have|hold) (?:this|that|any) information\b|\brather not guess\b",
    "ja": r"(?:情報|記録)が(?:ございません|ありません)|[分わ]かりかねます|[分わ]かりません|存じません|お答えを控え|申し上げられ(?:ない|ません)",
}


def declines(replies: list[str], language: str) -> np.ndarray:
    """1.0 for each reply that says it does not know, else 0.0; shape (n,)."""
    pattern = re.compile(_DECLINES[language], re.IGNORECASE)
    return np.array([float(bool(pattern.search(reply))) for reply in replies])
