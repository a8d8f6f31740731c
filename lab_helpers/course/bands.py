"""Tolerance bands: between what limits a metric should fall, per profile, and what it means if not."""

import tomllib
from functools import lru_cache
from pathlib import Path

from lab_helpers.runtime.language import say
from lab_helpers.runtime.profiles import table_name


@lru_cache(maxsize=1)
def _bands() -> dict:
    return tomllib.loads(Path(__file__).with_name("bands.toml").read_text(encoding="utf-8"))


def bands(profile: str, lab: str) -> dict[str, dict]:
    """``{metric: {"low": …, "high": …, "en": …, "ja": …}}``; empty where none are set."""
    return _bands().get(profile, {}).get(table_name(lab), {})


def outside_band(profile: str, lab: str, metrics: dict) -> list[dict]:
    """The metrics outside their band, each with the explanation.

    A missing metric counts as outside, unless its band is ``optional``: measured where a package is that the
    course can do without.
    """
    found = []
    for name, band in bands(profile, lab).items():
        value = metrics.get(name)
        if value is None and band.get("optional"):
            continue
        if value is None or not band["low"] <= value <= band["high"]:
            found.append(
                {
                    "metric": name,
                    "value": value,
                    "low": band["low"],
                    "high": band["high"],
                    "why": say(band["en"], band["ja"]),
                }
            )
    return found
