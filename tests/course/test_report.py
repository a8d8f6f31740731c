"""The report: one file that needs nothing else, in the learner's language."""

import json
import re

import pytest

from lab_helpers.course import report
from lab_helpers.runtime.language import set_language

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0f01f0005050102cfa02e190000000049454e44ae426082"
)


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs" / "02-tiny-seed0"
    folder.mkdir(parents=True)
    (folder / "spectrum.png").write_bytes(PIXEL)
    record = {
        "lab": "02",
        "profile": "tiny",
        "seed": 0,
        "source": "headless",
        "model": None,
        "data": None,
        "finished": "2026-01-01T00:00:00",
        "seconds": 1.0,
        "peak_rss_mb": 900,
        "versions": {},
        "metrics": {
            "hand_lora_max_abs_diff": 1e-7,
            "hand_curve_max_abs_diff": 0.0,
            "x_ci": [0.1, 0.2],
            "evil": "<script>alert(1)</script>",
        },
        "tables": {"ranks": [{"r": 1, "accuracy": 0.5}]},
        "claims": [],
        "outside": [{"metric": "x", "value": 3, "low": 0, "high": 1, "why": "because"}],
        "artifacts": [str(folder / "spectrum.png")],
    }
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    return folder.parent


def test_is_self_contained(runs, tmp_path):
    page = report.write_report(tmp_path / "r.html", runs).read_text(encoding="utf-8")
    assert "data:image/png;base64," in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "LoRA written by hand differs" in page
    assert "Outside its band" in page


def test_escapes_what_it_prints(runs, tmp_path):
    page = report.write_report(tmp_path / "r.html", runs).read_text(encoding="utf-8")
    assert "<script>" not in page


def test_speaks_japanese(runs, tmp_path):
    set_language("ja")
    page = report.write_report(tmp_path / "r.html", runs).read_text(encoding="utf-8")
    assert 'lang="ja"' in page
    assert "主張と判定" in page


def test_without_runs_says_how_to_start(tmp_path):
    page = report.write_report(tmp_path / "r.html", tmp_path).read_text(encoding="utf-8")
    assert "labs run 00" in page
