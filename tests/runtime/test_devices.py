"""One GPU of two, unless somebody chose; told before CUDA looks."""

import os
import subprocess
import sys

import pytest

from lab_helpers.runtime.devices import show_one_gpu

# A driver with two cards: it reads the variable at the first question, and never again.
TWO_CARDS = """
import functools, os

@functools.lru_cache(maxsize=1)
def count():
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    return 2 if shown is None else len([n for n in shown.split(",") if n in ("0", "1")])
"""
SHOW = "print(count(), os.environ.get('CUDA_VISIBLE_DEVICES'))\n"
IMPORT = "import lab_helpers\n"


def count_devices(code: str, **environment) -> str:
    names = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "LOCAL_RANK")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_of_two_cards_a_process_sees_one_after_the_import():
    assert count_devices(TWO_CARDS + SHOW) == "2 None", "the driver has two"
    assert count_devices(TWO_CARDS + IMPORT + SHOW) == "1 0"


@pytest.mark.parametrize("choice", ["1", "0,1", ""])
def test_what_the_learner_chose_stays(choice):
    said = count_devices(TWO_CARDS + IMPORT + SHOW, CUDA_VISIBLE_DEVICES=choice)
    assert said == f"{len([n for n in choice.split(',') if n])} {choice}".strip()


def test_a_launcher_of_several_processes_chooses_itself():
    assert count_devices(TWO_CARDS + IMPORT + SHOW, LOCAL_RANK="1") == "2 None"


def test_trl_takes_one_of_two_cards(tmp_path):
    """transformers' settings count what is visible; where it is more than one, TRL's trainers raise."""
    ask = f"print(TrainingArguments(output_dir={str(tmp_path)!r}, report_to='none').n_gpu)\n"
    code = f"""
from transformers import TrainingArguments  # first: libraries look for real cards as they are imported
import torch
{TWO_CARDS}
torch.cuda.device_count, torch.cuda.is_available = count, lambda: count() > 0
torch.cuda.get_device_capability, torch.cuda.set_device = lambda *device: (7, 5), lambda device: None
{ask}
count.cache_clear()  # another process, as it were
{IMPORT}{ask}"""
    assert count_devices(code).split() == ["2", "1"]


def test_it_is_said_once_and_kept(monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    show_one_gpu()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    show_one_gpu()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
