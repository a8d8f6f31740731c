"""Every lab of a language model on a pretended card: it runs, and no more than two models are alive.

Without a GPU, by :mod:`run_labs`: a device mixed up, a tensor of the card read as NumPy, an fp16 gradient
that the scaler cannot take raise what CUDA raises. What is not shown: CUDA's kernels, speed, and memory
that the card's allocator loses to gaps.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from machines import LABS, MACHINES

HERE = Path(__file__).parent
COPIES = 2.1


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


def check(machine: str, lab: str) -> None:
    run = run_pretended(machine, lab)
    assert not run["error"], run["error"]
    assert len(run["samples"]) > 10, "models were loaded, trained and asked"
    most = max(run["samples"], key=lambda sample: sample["copies"])
    assert 0 < most["copies"] <= COPIES, (most["what"], most["where"])


@pytest.mark.tiers
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("lab", LABS)
def test_every_lab_runs_with_two_models_at_most(lab, machine):
    check(machine, lab)
