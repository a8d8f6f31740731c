"""Profiles: which one a machine gets, what overrides that, and that all are complete."""

import os
import tomllib
from pathlib import Path

import pytest

from lab_helpers.course.registry import LABS
from lab_helpers.runtime import hardware, profiles
from lab_helpers.runtime.errors import EXIT_BAD_INPUT, EXIT_MISSING, BadInput, MissingDependency
from lab_helpers.runtime.hardware import Hardware

CPU = Hardware("cpu", "x86_64", 0.0, None, 2, 8.0)
MPS = Hardware("mps", "Apple GPU", 64.0, None, 8, 64.0)
T4 = Hardware("cuda", "Tesla T4", 15.8, (7, 5), 2, 13.0)
RTX_4090 = Hardware("cuda", "NVIDIA GeForce RTX 4090", 25.4, (8, 9), 16, 64.0)
TABLES = tomllib.loads(Path(profiles.__file__).with_name("profiles.toml").read_text("utf-8"))


@pytest.fixture
def machine(monkeypatch):
    """``machine(T4)``: from now on this is what ``detect()`` finds."""
    return lambda found: monkeypatch.setattr(hardware, "detect", lambda: found)


ON_COLAB = [
    (CPU, "tiny"),
    (T4, "t4"),
    (Hardware("cuda", "V100", 16.9, (7, 0), 8, 61.0), "t4"),
    (Hardware("cuda", "A100", 42.4, (8, 0), 12, 90.0), "gpu"),
    (Hardware("cuda", "limit", 20.0, (8, 6), 4, 32.0), "gpu"),
    (Hardware("cuda", "just below", 19.9, (8, 6), 4, 32.0), "t4"),
]


@pytest.fixture
def colab(monkeypatch):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab_20260801")


@pytest.mark.parametrize("found", [CPU, MPS, T4, RTX_4090], ids=lambda found: found.name)
def test_without_a_wish_every_machine_takes_tiny(machine, monkeypatch, found):
    """A card says nothing about whether somebody wants a download of 3 GB."""
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    machine(found)
    assert profiles.choose_profile().name == profiles.profile_for(found) == "tiny"


@pytest.mark.parametrize(("found", "name"), ON_COLAB, ids=lambda value: getattr(value, "name", ""))
def test_colab_with_a_gpu_takes_what_fits_it_after_one_sentence(
    machine, colab, capsys, found, name
):
    machine(found)
    assert profiles.choose_profile().name == profiles.profile_for(found) == name
    said = capsys.readouterr().err
    if name == "tiny":
        assert not said
    else:
        assert said.count("\n") == 1
        assert found.name in said
        assert "LAB_PROFILE=tiny" in said
        assert profiles.load_profile(name).language_model in said


def test_lab_profile_overrides_the_hardware(machine, monkeypatch):
    machine(RTX_4090)
    monkeypatch.setenv("LAB_PROFILE", "t4")
    assert profiles.choose_profile().name == "t4"
    monkeypatch.setenv("LAB_PROFILE", "tiny")
    assert profiles.choose_profile().name == "tiny"


def test_a_spoken_wish_overrides_lab_profile(machine, monkeypatch):
    machine(RTX_4090)
    monkeypatch.setenv("LAB_PROFILE", "tiny")
    assert profiles.choose_profile("t4").name == "t4"


def test_an_empty_lab_profile_counts_as_unset(machine, monkeypatch):
    machine(CPU)
    monkeypatch.setenv("LAB_PROFILE", "")
    assert profiles.choose_profile().name == "tiny"


@pytest.mark.parametrize("found", [CPU, T4], ids=["CPU", "T4"])
def test_an_unknown_name_is_refused_and_the_known_ones_are_named(machine, found):
    machine(found)
    with pytest.raises(BadInput, match="unknown profile 'huge'") as caught:
        profiles.choose_profile("huge")
    assert caught.value.exit_code == EXIT_BAD_INPUT
    for name in ("tiny", "t4", "gpu"):
        assert name in caught.value.fix


def test_an_unknown_name_in_lab_profile_is_refused(machine, monkeypatch):
    machine(CPU)
    monkeypatch.setenv("LAB_PROFILE", "T-4")
    with pytest.raises(BadInput, match="unknown profile 'T-4'"):
        profiles.choose_profile()


@pytest.mark.parametrize("found", [CPU, MPS], ids=["CPU", "MPS"])
@pytest.mark.parametrize("name", ["t4", "gpu"])
@pytest.mark.parametrize("through", ["argument", "LAB_PROFILE"])
def test_a_gpu_profile_without_a_cuda_gpu_is_refused(machine, monkeypatch, found, name, through):
    machine(found)
    if through == "LAB_PROFILE":
        monkeypatch.setenv("LAB_PROFILE", name)
    with pytest.raises(MissingDependency, match=f"'{name}' needs a CUDA GPU") as caught:
        profiles.choose_profile(name if through == "argument" else None)
    assert caught.value.exit_code == EXIT_MISSING
    assert "tiny" in caught.value.fix
    assert "small" in caught.value.fix


@pytest.mark.parametrize("name", ["tiny", "small"])
@pytest.mark.parametrize("found", [CPU, MPS, T4], ids=lambda found: found.name)
def test_tiny_and_small_run_on_any_machine_without_the_hub(machine, found, name):
    machine(found)
    assert profiles.choose_profile(name).offline


def test_an_offline_profile_switches_the_hub_off(machine, monkeypatch):
    machine(CPU)
    for variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.delenv(variable)
    profiles.choose_profile("tiny")
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["HF_DATASETS_OFFLINE"] == "1"


def test_a_profile_that_needs_the_hub_leaves_it_on(machine, monkeypatch):
    machine(T4)
    for variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.delenv(variable)
    profiles.choose_profile("t4")
    assert "HF_HUB_OFFLINE" not in os.environ
    assert "HF_DATASETS_OFFLINE" not in os.environ


def test_there_are_exactly_the_four_profiles_of_the_design():
    assert profiles.profile_names() == ["tiny", "small", "t4", "gpu"]


@pytest.mark.parametrize("name", ["small", "t4", "gpu"])
def test_every_profile_has_the_tables_and_keys_of_tiny(name):
    tiny, other = TABLES["tiny"], TABLES[name]
    assert set(other) == set(tiny)
    for key, value in tiny.items():
        assert isinstance(other[key], type(value)), key
        if isinstance(value, dict):
            assert set(other[key]) == set(value), key
            for inner in value:
                assert isinstance(other[key][inner], type(value[inner])), f"{key}.{inner}"


@pytest.mark.parametrize("name", ["tiny", "small", "t4", "gpu"])
def test_every_lab_has_sizes_in_every_profile(name):
    profile = profiles.load_profile(name)
    for lab in LABS:
        assert profile.lab(lab.number) == TABLES[name][f"lab{lab.number}"]
        assert profile.lab(lab.number)


@pytest.mark.parametrize("profile", ["tiny", "t4"])
def test_no_profile_reports_home(machine, monkeypatch, profile):
    """TRL would tell the hub the trainer's class and the GPU's name at every training."""
    machine(T4)
    monkeypatch.delenv("HF_HUB_DISABLE_TELEMETRY", raising=False)
    profiles.choose_profile(profile)
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


def test_tiny_and_small_are_offline_and_use_the_shipped_encoder():
    loaded = {name: profiles.load_profile(name) for name in ("tiny", "small", "t4", "gpu")}
    assert [name for name, profile in loaded.items() if profile.offline] == ["tiny", "small"]
    assert [name for name, profile in loaded.items() if profile.encoder == "minilm"] == [
        "tiny",
        "small",
    ]


def test_changing_a_labs_sizes_does_not_change_the_profile():
    profile = profiles.load_profile("tiny")
    profile.lab("01")["batch_size"] = -1
    assert profiles.load_profile("tiny").lab("01")["batch_size"] > 0


def test_a_lab_without_a_table_has_no_sizes():
    assert profiles.load_profile("tiny").lab("99") == {}
