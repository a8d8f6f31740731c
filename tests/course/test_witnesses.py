"""The second witness: kept results are what a run measured, and stand beside the learner's own."""

import json
import re

import pytest

from lab_helpers.course import witnesses
from lab_helpers.course.claims import NOT_MEASURED, load_claims
from lab_helpers.course.registry import LABS
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.profiles import load_profile, profile_names

CLAIM = next(claim for claim in load_claims() if claim.id == "33")
TRUE_BY = {
    "adapter_off_max_abs_diff": 1.0,
    "tone_compliance_zero_shot": 0.0,
    "tone_compliance_few_shot": 0.0,
    "tone_compliance_adapter": 1.0,
    "tone_compliance_adapter_ci": [0.9, 1.0],
    "tone_gain": 1.0,
    "tone_gain_low": 0.9,
}
FALSE_BY = TRUE_BY | {"tone_gain": 0.0, "tone_gain_low": 0.0, "tone_compliance_adapter": 0.0}


def record(profile, metrics, **more):
    return {
        "lab": "00",
        "profile": profile,
        "seed": 0,
        "source": "headless",
        "model": None,
        "data": None,
        "copy": None,
        "finished": "2026-11-28T12:00:00",
        "seconds": 100.0,
        "peak_rss_mb": 2000,
        "versions": {"torch": "2", "transformers": "5"},
        "metrics": metrics,
        "tables": {"long": [{"a": 1}] * 100},
    } | more


def write(folder, name, what):
    (folder / name).mkdir(parents=True)
    (folder / name / "record.json").write_text(json.dumps(what), encoding="utf-8")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """An empty place for the course's results instead of the shipped one."""
    folder = tmp_path / "labs"
    monkeypatch.setattr(witnesses, "labs_folder", lambda: folder)
    witnesses.kept_record.cache_clear()
    yield folder / "results"
    witnesses.kept_record.cache_clear()


def said(claim_id, out):
    return next(told for claim, told in witnesses.ledger(out) if claim.id == claim_id)


def test_every_profile_has_a_name_as_a_witness():
    assert list(witnesses.WITNESSES) == profile_names()


def test_without_any_record_only_kotoris_column_stands(tmp_path, kept):
    rows = witnesses.ledger(tmp_path)
    assert [claim.id for claim, _ in rows] == [str(i) for i in range(1, 45)]
    assert all(set(told) == {"tiny"} for _, told in rows)
    built = {lab.number for lab in LABS}
    for claim, told in rows:
        waits = bool(claim.metrics) or (bool(claim.lab) and claim.lab not in built)
        assert (told["tiny"][0] == NOT_MEASURED) == waits, claim.id


def test_two_witnesses_stand_side_by_side_each_with_its_own_verdict(tmp_path, kept):
    write(tmp_path, "tiny", record("tiny", TRUE_BY))
    write(tmp_path, "small", record("small", FALSE_BY))
    told = said("33", tmp_path)
    assert told["tiny"][0] == CLAIM.verdict(TRUE_BY)
    assert told["small"][0] == CLAIM.verdict(FALSE_BY) != told["tiny"][0]


def test_a_run_is_kept_small_and_found_again(tmp_path, kept):
    write(tmp_path, "old", record("small", FALSE_BY, finished="2026-11-27T12:00:00"))
    write(tmp_path, "new", record("small", TRUE_BY))
    path = witnesses.keep_record("00", "small", tmp_path)
    assert path == kept / "small" / "00.json"
    assert path.stat().st_size < 2000
    assert witnesses.kept_record("00", "small")["metrics"] == TRUE_BY
    assert said("33", tmp_path / "elsewhere")["small"][0] == CLAIM.verdict(TRUE_BY)


def test_a_run_of_your_own_takes_the_place_of_the_kept_one(tmp_path, kept):
    write(tmp_path, "theirs", record("small", TRUE_BY))
    witnesses.keep_record("00", "small", tmp_path)
    write(tmp_path / "mine", "small", record("small", FALSE_BY))
    assert witnesses.witness_record("00", "small", tmp_path / "mine")["metrics"] == FALSE_BY
    assert said("33", tmp_path / "mine")["small"][0] == CLAIM.verdict(FALSE_BY)


@pytest.mark.parametrize("own", [{"model": "m"}, {"data": "d"}, {"copy": "c.ipynb"}])
def test_a_run_on_something_of_ones_own_is_no_witness(tmp_path, kept, own):
    write(tmp_path, "own", record("small", TRUE_BY, **own))
    with pytest.raises(BadInput, match="no finished run of lab 00 under profile small"):
        witnesses.keep_record("00", "small", tmp_path)
    assert witnesses.witness_record("00", "small", tmp_path) is None


def test_rows_show_both_with_intervals_and_say_where_they_differ():
    rows = witnesses.metric_rows(("tone_compliance_adapter", "tone_gain"), {}, TRUE_BY)
    assert rows[0]["this run"] == "–"
    assert rows[0]["SmolLM2 135M"] == "1.000 [0.900, 1.000]"
    assert rows[1]["SmolLM2 135M"] == "1.000"
    judged = {row["claim"]: row for row in witnesses.verdict_rows("00", TRUE_BY, FALSE_BY)}
    assert judged["33"][""] == "differs"
    assert judged["43"]["this run"] == NOT_MEASURED
    assert judged["43"][""] == ""
    same = {row["claim"]: row for row in witnesses.verdict_rows("00", TRUE_BY, TRUE_BY)}
    assert same["33"][""] == "same"


# Records of a lab's cells before they were rewritten; what they lack is shown as not measured yet.
# A lab leaves the list with its next run on the real model; none may come back.
OF_EARLIER_CELLS = {"04", "06"}

SHIPPED = sorted((witnesses.labs_folder() / "results").glob("*/*.json"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_what_the_course_ships_belongs_to_its_place_and_to_todays_rules(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (found["profile"], found["lab"]) == (path.parent.name, path.stem)
    assert load_profile(found["profile"]).name == "small"
    judged = [
        claim.verdict(found["metrics"]) != NOT_MEASURED
        for claim in load_claims()
        if claim.lab == found["lab"] and claim.metrics
    ]
    assert all(judged) != (path.stem in OF_EARLIER_CELLS)


SHOWN = {
    lab.number: re.findall(r'"(\w+)"', call[1])
    for lab in LABS
    if (call := re.search(r"lab\.real_model\((.*?)\n\)", lab.source.read_text("utf-8"), re.DOTALL))
}


def test_some_labs_show_a_real_model():
    assert len(SHOWN) >= 3


@pytest.mark.parametrize("lab", SHOWN)
def test_what_a_lab_shows_of_the_real_model_was_measured(lab):
    kept = witnesses.kept_record(lab, "small")
    assert kept is not None
    assert lab in OF_EARLIER_CELLS or set(SHOWN[lab]) <= set(kept["metrics"])
