"""Every lab of a language model on a pretended card: it runs, with two models alive at most, and would fit.

Without a GPU, by :mod:`run_labs`: a device mixed up, a tensor of the card read as NumPy, an fp16 gradient
that the scaler cannot take raise what CUDA raises. Whether the profile's real model fits is counted by
:mod:`budget`. What is not shown: CUDA's kernels, speed, and memory that the card's allocator loses to gaps.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from budget import BEGIN, BENCHMARKS, END, HOST_LIMIT_GB, LIMIT_GIB, worst
from machines import LABS, MACHINES

pytestmark = pytest.mark.tiers
HERE = Path(__file__).parent
COPIES = 2.1


@cache
def run_pretended(machine: str, lab: str) -> dict:
    """One lab's cells in a process of its own."""
    out = Path(os.environ["LAB_HOME"]) / f"{machine}-{lab}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(HERE / "run_labs.py"), machine, str(out), lab],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(out.read_text(encoding="utf-8"))[lab]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("lab", LABS)
def test_every_lab_runs_with_two_models_at_most(lab, machine):
    run = run_pretended(machine, lab)
    assert not run["error"], run["error"]
    assert len(run["samples"]) > 10, "models were loaded, trained and asked"
    most = max(run["samples"], key=lambda sample: sample["copies"])
    assert 0 < most["copies"] <= COPIES, (most["what"], most["where"])


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("lab", LABS)
def test_what_trains_is_float32_on_one_card_in_its_own_format(lab, machine):
    asked = [s["asked"] for s in run_pretended(machine, lab)["samples"] if s["what"] == "train"]
    assert asked
    assert {one["devices"] for one in asked} == {1}
    assert {tuple(one["trained_dtypes"]) for one in asked} == {("torch.float32",)}
    assert {one["autocast"] for one in asked} == {"bf16" if machine == "gpu" else "fp16"}
    assert {one["method"] for one in asked} <= {"lora", "qlora"}, "full fine-tuning does not fit"


@pytest.mark.parametrize("machine", LIMIT_GIB)
@pytest.mark.parametrize("lab", LABS)
def test_the_profiles_model_fits_the_card_and_the_machine(lab, machine):
    found = worst(run_pretended(machine, lab), MACHINES[machine].profile, lab)
    assert found["gib"] <= LIMIT_GIB[machine], found
    assert found["host"] <= HOST_LIMIT_GB, found


@pytest.mark.parametrize("lab", LABS)
def test_the_table_in_benchmarks_is_what_is_counted(lab):
    """``python tests/tiers/budget.py --write`` writes it anew."""
    text = BENCHMARKS.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    shown = {row[0]: row[1:] for row in rows}[lab]
    for number, machine in enumerate(LIMIT_GIB):
        copies, gib, _, host = shown[4 * number : 4 * number + 4]
        found = worst(run_pretended(machine, lab), MACHINES[machine].profile, lab)
        assert float(copies) == pytest.approx(found["copies"], abs=0.1)
        assert float(gib) == pytest.approx(found["gib"], rel=0.1), (
            "replies differ with the versions"
        )
        assert float(host) == pytest.approx(found["host"], rel=0.1)
