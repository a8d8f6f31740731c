"""The notebook and the headless run of a lab measure the same, for the same seed."""

import json
import os
from pathlib import Path

import pytest

from lab_helpers.course.record import run_name
from lab_helpers.course.registry import LABS
from lab_helpers.runtime.paths import labs_folder

# What a clock or the file system decides, not the seed.
NOT_COMPARED = {
    "train_seconds",
    "train_seconds_ja",
    "train_seconds_lora",
    "train_seconds_lora_ja",
    "train_seconds_qlora",
    "train_seconds_qlora_ja",
    *(
        f"{name}_{model}"
        for name in ("latency_p50", "latency_p95", "first_token_p50", "tokens_per_second")
        for model in ("base", "sft", "dpo")
    ),
    *(f"train_seconds_{name}" for name in ("sft", "dpo", "leak", "raft", "oracle_only")),
    *(
        f"latency_p50_ms_{cell}"
        for cell in ("base_closed", "base_rag", "tuned_closed", "tuned_rag")
    ),
}


def notebook_record(lab) -> dict:
    """The record that nbval's run of the notebook left; without one, the notebook is run here."""
    home = Path(os.environ["LAB_NOTEBOOK_HOME"])
    path = home / "runs" / run_name(lab.number, "tiny", 0, "notebook") / "record.json"
    if not path.is_file():
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.read(labs_folder() / f"{lab.name}.ipynb", as_version=4)
        client = NotebookClient(
            notebook, timeout=900, resources={"metadata": {"path": str(labs_folder())}}
        )
        client.execute(env={**os.environ, "LAB_HOME": str(home), "LAB_PROFILE": "tiny"})
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.lab
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
class TestAgreement:
    def test_metrics_are_equal(self, lab, headless_record):
        notebook, headless = notebook_record(lab)["metrics"], headless_record(lab.number)["metrics"]
        assert set(notebook) == set(headless)
        for name in set(headless) - NOT_COMPARED:
            wanted = headless[name]
            if not isinstance(wanted, str):
                wanted = pytest.approx(wanted, rel=1e-4, abs=1e-6)
            assert notebook[name] == wanted, name

    def test_verdicts_are_equal(self, lab, headless_record):
        verdicts = [
            {row["id"]: row["verdict"] for row in record["claims"]}
            for record in (notebook_record(lab), headless_record(lab.number))
        ]
        assert verdicts[0] == verdicts[1]

    def test_headless_is_inside_its_bands(self, lab, headless_record):
        assert headless_record(lab.number)["outside"] == []
