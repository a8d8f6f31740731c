"""What to change where a card is too small: it fits afterwards, and nothing needless is changed."""

from dataclasses import replace

import pytest

from lab_helpers.tuning.memory import GPUS, Plan, fit, needed_gib
from lab_helpers.tuning.smaller_plans import change_options, smallest_change

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = "Qwen2.5 1.5B"


def needs(model: str, plan: Plan) -> float:
    found = fit(model, plan)
    return needed_gib(found["terms"], found["pageable"])


def test_what_fits_needs_no_change():
    assert smallest_change(SMALL, Plan(), GPUS["T4"]) == {}


@pytest.mark.parametrize(
    ("plan", "gib", "changed"),
    [
        (Plan("lora", checkpointing=False, sequence=1024, batch=4), 8.0, {"checkpointing"}),
        (Plan("lora", batch=128), 12.0, {"batch"}),
        (Plan("full"), 20.0, {"optimizer"}),
        (Plan("full"), 12.0, {"method"}),
        (Plan(sequence=8192), 3.0, {"sequence"}),
        (Plan(r=256), 3.0, {"r"}),
        (Plan(training="grpo", batch=8, completion=4096), 4.0, None),
    ],
)
def test_a_change_fits_and_without_any_part_of_it_nothing_does(plan, gib, changed):
    change = smallest_change(SMALL, plan, gib)
    assert changed is None or changed <= set(change)
    assert needs(SMALL, replace(plan, **change)) <= gib
    for name in change:
        rest = {key: value for key, value in change.items() if key != name}
        assert needs(SMALL, replace(plan, **rest)) > gib


def test_the_audits_drill_8b_on_a_t4():
    assert smallest_change("Llama 3 8B", Plan("lora", batch=8, sequence=1024), GPUS["T4"]) == {
        "method": "qlora"
    }


def test_nothing_brings_70b_onto_24_gb():
    assert smallest_change("Llama 3 70B", Plan(), GPUS["RTX 4090"]) is None


def test_a_change_as_it_is_typed():
    change = {"checkpointing": True, "batch": 1, "method": "qlora", "r": 8, "sequence": 256}
    assert (
        change_options(change) == "--checkpointing --batch 1 --method qlora --rank 8 --sequence 256"
    )
    assert change_options({}) == ""
