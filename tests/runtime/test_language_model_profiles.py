"""The language model of each profile, and the names of the tables in the TOML files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.course.registry import BASE, LABS
from lab_helpers.models import language_models
from lab_helpers.models.hub.names import parse_hub_name
from lab_helpers.runtime.profiles import load_profile, profile_names, table_name


@pytest.mark.parametrize(
    ("lab", "table"), [("00", "lab00"), ("01", "lab01"), ("12", "lab12"), ("base", "base")]
)
def test_a_labs_table(lab, table):
    assert table_name(lab) == table


@given(number=st.integers(0, 99))
def test_numbers_get_lab_before_them(number):
    assert table_name(f"{number:02}") == f"lab{number:02}"


def test_no_two_labs_share_a_table():
    names = [table_name(lab.number) for lab in (*LABS, BASE)]
    assert len(set(names)) == len(names)


def test_only_tiny_uses_the_shipped_language_model():
    models = {name: load_profile(name).language_model for name in profile_names()}
    assert [name for name, model in models.items() if model == "kotori"] == ["tiny"]


@pytest.mark.parametrize("name", ["t4", "gpu"])
def test_the_others_name_instruction_tuned_models_on_the_hub_by_their_commit(
    name, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    model = load_profile(name).language_model
    assert language_models.language_model_source(model) == model
    assert "-Instruct" in model
    assert parse_hub_name(model).is_pinned


@pytest.mark.parametrize("name", ["tiny", "t4", "gpu"])
def test_the_base_run_has_its_sizes(name):
    sizes = load_profile(name).lab("base")
    assert sizes["passages"] > 0
    assert load_profile(name).lab(BASE.number) == sizes


@pytest.mark.parametrize("name", ["tiny", "t4", "gpu"])
def test_lab_00_asks_more_than_it_shows(name):
    sizes = load_profile(name).lab("00")
    assert sizes["questions"] > sizes["few_shot"] > 0
