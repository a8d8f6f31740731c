"""The labs by name, and the base model's run beside them."""

import pytest

from lab_helpers.course.registry import BASE, LABS, get_lab
from lab_helpers.runtime.errors import EXIT_BAD_INPUT, BadInput


def test_base_is_found_and_runs_like_a_lab():
    base = get_lab("base")
    assert base is BASE
    module = base.headless()
    assert module.__name__ == "lab_helpers.labs.base.measurements"
    assert [step.name for step in module.STEPS] == ["knowledge", "reading", "language", "service"]
    assert all(step.title.en and step.title.ja for step in module.STEPS)


def test_base_is_no_lab_to_work_through():
    assert BASE not in LABS
    assert all(lab.number.isdigit() for lab in LABS)


@pytest.mark.parametrize("name", ["1", "01", "01_transfer_learning"])
def test_a_lab_is_found_by_number_and_by_name(name):
    assert get_lab(name).number == "01"


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_every_lab_has_its_modules(lab):
    assert get_lab(lab.number) is lab
    assert lab.headless().__name__ == f"lab_helpers.headless.lab{lab.number}"
    assert lab.headless().STEPS


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
