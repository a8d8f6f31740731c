"""The labs by name, and the base model's run beside them."""

import pytest

from lab_helpers.course.registry import BASE, LABS, get_lab
from lab_helpers.runtime.errors import EXIT_BAD_INPUT, BadInput


def test_base_is_found_and_has_a_measurement():
    base = get_lab("base")
    assert base is BASE
    assert callable(base.module("skills").measure_base_model)


def test_base_is_no_lab_to_work_through():
    assert BASE not in LABS
    assert all(lab.number.isdigit() for lab in LABS)


@pytest.mark.parametrize("name", ["1", "01", "01_transfer_learning"])
def test_a_lab_is_found_by_number_and_by_name(name):
    assert get_lab(name).number == "01"


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_every_lab_is_one_source_and_one_folder(lab):
    assert get_lab(lab.number) is lab
    assert lab.source.is_file()
    assert lab.exercises()
    assert lab.questions().PREDICTIONS
    assert lab.model_kind in ("language model", "encoder")


@pytest.mark.parametrize("lab", [lab for lab in LABS if lab.own_data], ids=lambda lab: lab.name)
def test_a_lab_that_takes_data_checks_and_measures_it(lab):
    module = lab.module("own_data")
    assert callable(module.check_own_data)
    assert lab.measure_own_data() is module.measure_own_data
    assert lab.own_data.en
    assert lab.own_data.ja


@pytest.mark.parametrize("name", ["77", "Base", "bases", "base_", "all"])
def test_an_unknown_lab_is_refused_and_the_known_ones_are_named(name):
    with pytest.raises(BadInput, match=f"unknown lab '{name}'") as caught:
        get_lab(name)
    assert caught.value.exit_code == EXIT_BAD_INPUT
    for known in (*(lab.number for lab in LABS), "base", "all"):
        assert known in caught.value.fix


@pytest.mark.parametrize("name", ["", "_start_here"])
def test_no_number_is_no_lab(name):
    with pytest.raises(BadInput):
        get_lab(name)
