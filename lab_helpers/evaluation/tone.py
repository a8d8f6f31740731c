"""The house tone of Hoshizora Electric as three rules that a program can check."""

import re
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class House:
    """The fixed opening and closing of one language, and what is never written in between."""

    opening: str
    closing: str
    discourteous: str


HOUSE = {
    "en": House(
        "Thank you for writing to Hoshizora.",
        "Under the same stars, Hoshizora Electric",
        r"[!！]|\b\w+n't\b|\b\w+'(?:re|ve|ll|d|m)\b"
        r"|\b(?:it|that|there|here|what|who|he|she|let)'s\b|\b(?:gonna|hey|yo|lol)\b",
    ),
    "ja": House(
        "お問い合わせありがとうございます。",
        "同じ星空のもとで、星空電機",
        r"[!！]|笑(?=[。、)）笑]|$)|(?:だよ|だね|じゃん|っしょ|よね)(?=[。、?？\s]|$)"
        r"|(?:だ|かな)(?=[。?？\n]|$)",
    ),
}
RULES = ("opening", "courtesy", "closing")


def tone_rules(reply: str, language: str) -> dict[str, bool]:
    """Which of the three rules ``reply`` keeps: :data:`RULES`. An empty body breaks ``courtesy``."""
    house = HOUSE[language]
    text = reply.strip()
    body = text.removeprefix(house.opening).removesuffix(house.closing).strip().replace("’", "'")
    return {
        "opening": text.startswith(house.opening),
        "courtesy": bool(body) and not re.search(house.discourteous, body, re.IGNORECASE),
        "closing": text.endswith(house.closing),
    }


def tone_compliance(replies: list[str], language: str) -> np.ndarray:
    """1.0 for each reply that keeps all three rules, else 0.0; shape (n,)."""
    return np.array([float(all(tone_rules(reply, language).values())) for reply in replies])
