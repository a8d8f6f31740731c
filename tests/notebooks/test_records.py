"""What the notebooks left when nbval ran them: records inside their bands; headless runs that agree.

These tests run after their notebook's cells, in the same process, with the same learner's home.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lab_helpers.course.registry import LABS, Lab
from lab_helpers.course.runs import run_name
from lab_helpers.runtime.paths import labs_folder

HOME = Path(os.environ.get("LAB_NOTEBOOK_HOME", "missing"))
FIRST = LABS[0]


def notebook_record(lab: Lab) -> dict:
    """The record of nbval's run; without one, the notebook is run here."""
    path = HOME / "runs" / run_name(lab.number, "tiny", 0, "notebook") / "record.json"
    if not path.is_file():
        from nbclient import NotebookClient

        notebook = nbformat.read(labs_folder() / f"{lab.name}.ipynb", as_version=4)
        client = NotebookClient(
            notebook, timeout=900, resources={"metadata": {"path": str(labs_folder())}}
        )
        client.execute(env={**os.environ, "LAB_HOME": str(HOME), "LAB_PROFILE": "tiny"})
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.lab
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
class TestEveryNotebook:
    def test_its_record_is_inside_its_bands(self, lab):
        assert notebook_record(lab)["outside"] == []

    def test_it_measures_what_its_claims_need(self, lab):
        assert [c["id"] for c in notebook_record(lab)["claims"] if c["verdict"] == "not measured yet"] == []  # fmt: skip


def headless(*arguments: str) -> dict:
    """The record that ``labs run … --json`` prints, in the notebooks' home."""
    command = [sys.executable, "-m", "lab_helpers.cli", "run", *arguments, "--json"]
    environment = {**os.environ, "LAB_HOME": str(HOME)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def alike(left: dict, right: dict) -> list[str]:
    """Names of metrics whose values differ, seconds aside."""
    assert set(left) == set(right)
    return [
        name
        for name in left
        if not name.startswith("train_seconds") and left[name] != pytest.approx(right[name], rel=1e-4, abs=1e-6)
    ]  # fmt: skip


@pytest.mark.lab
@pytest.mark.parametrize("lab", [FIRST], ids=lambda lab: lab.name)
class TestHeadless:
    def test_the_same_cells_measure_the_same_and_load_what_the_notebook_trained(self, lab):
        notebook, record = notebook_record(lab), headless(lab.number)
        assert alike(notebook["metrics"], record["metrics"]) == []
        assert record["trainings"]
        assert {training["came"] for training in record["trainings"]} == {"loaded"}
        assert [section["title"] for section in record["sections"]][:2] == [
            "Lab 00 · Start here",
            "Is the machine ready?",
        ]

    def test_a_learners_copy_trains_what_was_changed_and_nothing_else(self, lab, tmp_path):
        notebook = nbformat.read(labs_folder() / f"{lab.name}.ipynb", as_version=4)
        [cell] = [c for c in notebook.cells if c.cell_type == "code" and "SFTTrainer(" in c.source]
        smaller = "peft_config=LoraConfig(r=2, target_modules=['q_proj'], task_type='CAUSAL_LM')"
        assert "peft_config=adapter" in cell.source
        cell.source = "%matplotlib inline\n" + cell.source.replace("peft_config=adapter", smaller)
        nbformat.write(notebook, tmp_path / "my_00.ipynb")
        record = headless(str(tmp_path / "my_00.ipynb"))
        assert record["copy"] == str(tmp_path / "my_00.ipynb")
        assert sorted(training["came"] for training in record["trainings"]) == ["loaded", "trained"]
        changed = alike(notebook_record(lab)["metrics"], record["metrics"])
        assert "adapter_bytes" in changed
        assert "tone_compliance_zero_shot" not in changed
