"""Bands: well formed, and they notice what is outside."""

import tomllib
from pathlib import Path

from lab_helpers.course import bands
from lab_helpers.course.registry import LABS

TABLES = tomllib.loads(Path(bands.__file__).with_name("bands.toml").read_text(encoding="utf-8"))


def test_every_lab_has_bands_in_both_languages():
    for lab in LABS:
        found = TABLES["tiny"][f"lab{lab.number}"]
        assert len(found) >= 3
        for band in found.values():
            assert band["low"] <= band["high"]
            assert band["en"]
            assert band["ja"]


def test_inside_at_the_limit_and_outside():
    inside = {name: band["low"] for name, band in bands.bands("tiny", "02").items()}
    assert bands.outside_band("tiny", "02", inside) == []
    found = bands.outside_band("tiny", "02", {**inside, "energy_top_8": 0.01})
    assert [item["metric"] for item in found] == ["energy_top_8"]
    assert found[0]["why"].startswith("The spectrum")


def test_a_missing_metric_counts_as_outside():
    names = {item["metric"] for item in bands.outside_band("tiny", "02", {})}
    assert names == set(bands.bands("tiny", "02"))


def test_an_optional_metric_may_be_missing_but_not_outside(monkeypatch):
    band = {"low": 0.5, "high": 1.0, "en": "why", "ja": "理由", "optional": True}
    monkeypatch.setattr(bands, "bands", lambda profile, lab: {"found": band})
    assert bands.outside_band("tiny", "07", {}) == []
    assert bands.outside_band("tiny", "07", {"found": 0.5}) == []
    assert [one["metric"] for one in bands.outside_band("tiny", "07", {"found": 0.4})] == ["found"]


def test_profiles_without_bands_are_never_outside():
    assert bands.outside_band("t4", "02", {"energy_top_8": 0.0}) == []
