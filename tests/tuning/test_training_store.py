"""Trainings are remembered: the same one is loaded, a broken one goes on, a changed one trains anew."""

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.progress import report_with
from lab_helpers.tuning import training_key as keys
from lab_helpers.tuning import training_store as storing
from lab_helpers.tuning.sft import sft_trainer
from lab_helpers.tuning.trainer_config import machine_settings, trainer_config
from lab_helpers.tuning.training_store import TrainingStore

pytestmark = pytest.mark.usefixtures("one_thread")

WORDS = ["lamp", "heater", "filter", "warm", "quiet", "loud", "cold", "light"]


def rows(count: int = 12) -> list[dict]:
    return [
        {
            "prompt": [{"role": "user", "content": f"Where is the {WORDS[i % 8]}?"}],
            "completion": [{"role": "assistant", "content": f"In box {i}."}],
        }
        for i in range(count)
    ]


def make_trainer(folder, out: Path, examples=None, adapter=True, r: int = 2, **settings):
    model, tokenizer = load_language_model(str(folder))
    usual = {
        "max_steps": 6,
        "per_device_train_batch_size": 2,
        "max_length": 64,
        "learning_rate": 1e-3,
    }
    machine = machine_settings(out, "fp32", settings.pop("seed", 0)) | {"logging_steps": 1}
    config = trainer_config(SFTConfig, machine, **(usual | settings))
    lora = LoraConfig(r=r, target_modules="all-linear", task_type="CAUSAL_LM") if adapter else None
    return sft_trainer(model, tokenizer, examples or rows(), config, lora)


@pytest.fixture
def make(tiny_chat_model, tmp_path):
    return lambda **options: make_trainer(tiny_chat_model, tmp_path / "out", **options)


@pytest.fixture
def store(tmp_path):
    return TrainingStore(tmp_path / "store")


class Notes:
    """A reporter that keeps the lines somebody should see."""

    def __init__(self):
        self.lines: list[str] = []

    def __call__(self, label, done, total): ...

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def notes():
    heard = Notes()
    with report_with(heard):
        yield heard.lines


def weights(tuned) -> dict:
    return {name: p.detach().clone() for name, p in tuned.model.named_parameters()}


def equal(left: dict, right: dict) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[n], right[n]) for n in left)


@pytest.mark.parametrize("adapter", [True, False], ids=["LoRA", "full"])
def test_the_same_training_is_loaded(make, store, adapter):
    first = store.train(make(adapter=adapter))
    drawn = torch.rand(2), np.random.rand(), random.random()
    second = store.train(make(adapter=adapter))
    assert (first.came, second.came) == ("trained", "loaded")
    assert equal(weights(first), weights(second))
    assert second.losses == first.losses
    assert second.log == first.log
    assert second.seconds == first.seconds
    assert not second.model.training
    again = torch.rand(2), np.random.rand(), random.random()
    assert torch.equal(drawn[0], again[0]), (
        "what is drawn after it is what was drawn after training"
    )
    assert drawn[1:] == again[1:]


def test_trainings_that_share_one_configuration_are_all_loaded(tiny_chat_model, store, tmp_path):
    """A training changes its settings; whether the first was trained or loaded, the second's key is the same."""

    def two() -> list[str]:
        machine = machine_settings(tmp_path / "out", "fp32", 0) | {"logging_steps": 1}
        config = trainer_config(SFTConfig, machine, max_steps=2, max_length=64)
        adapter = LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM")
        came = []
        for count in (6, 8):
            model, tokenizer = load_language_model(str(tiny_chat_model))
            came.append(
                store.train(sft_trainer(model, tokenizer, rows(count), config, adapter)).came
            )
        assert config.output_dir == str(tmp_path / "out")
        return came

    assert two() == ["trained", "trained"]
    assert two() == ["loaded", "loaded"]


def test_fresh_forgets(make, store):
    store.train(make())
    assert store.train(make(), fresh=True).came == "trained"


CHANGES = {
    "learning rate": {"learning_rate": 2e-3},
    "steps": {"max_steps": 5},
    "seed": {"seed": 1},
    "row": {"examples": rows(11)},
    "rank": {"r": 3},
    "method": {"adapter": False},
    "batch": {"per_device_train_batch_size": 3},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_anything_that_decides_the_result_changes_the_key(make, change):
    assert keys.training_key(make()) == keys.training_key(make())
    assert keys.training_key(make(**change)) != keys.training_key(make())


def test_another_library_version_changes_the_key(make, monkeypatch):
    before = keys.training_key(make())
    monkeypatch.setattr(keys.metadata, "version", lambda name: "99.0")
    assert keys.training_key(make()) != before


def test_where_it_writes_does_not_change_the_key(make, tiny_chat_model, tmp_path):
    elsewhere = make_trainer(tiny_chat_model, tmp_path / "elsewhere")
    assert keys.training_key(elsewhere) == keys.training_key(make())


def test_other_base_weights_change_the_key(make):
    trainer = make()
    before = keys.training_key(trainer)
    next(p for p in trainer.model.parameters() if not p.requires_grad).data[0] += 1
    assert keys.training_key(trainer) != before


def test_the_settings_of_a_collator_that_the_learner_wraps_change_the_key(make):
    def with_padding(pad_token_id):
        trainer = make()
        usual = DataCollatorForLanguageModeling(pad_token_id=pad_token_id)
        trainer.data_collator = lambda batch: usual(batch)
        return keys.training_key(trainer)

    assert with_padding(0) == with_padding(0)
    assert with_padding(0) != with_padding(1)


def test_the_learners_own_code_is_part_of_the_key(make):
    def with_collator(factor):
        trainer = make()
        usual = trainer.data_collator
        trainer.data_collator = lambda batch: {k: v * factor for k, v in usual(batch).items()}
        return keys.training_key(trainer)

    assert with_collator(1) == with_collator(1)
    assert with_collator(1) != with_collator(2)

    class One(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_log = True

    class Two(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_log = False

    def with_callback(kind):
        trainer = make()
        trainer.add_callback(kind())
        return keys.training_key(trainer)

    Two.__qualname__ = One.__qualname__
    assert with_callback(One) == with_callback(One)
    assert with_callback(One) != with_callback(Two)


def test_rows_that_are_a_stream_are_trained_and_not_remembered(make, store):
    trainer = make()
    trainer.train_dataset = trainer.train_dataset.to_iterable_dataset()
    assert store.train(trainer).came == "trained"
    assert not store.folder.exists()


@pytest.mark.parametrize("name", [storing.WEIGHTS, storing.HISTORY])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_entry_is_trained_anew_and_said(make, store, notes, name, damage):
    first = store.train(make())
    [place] = [path for path in store.folder.iterdir() if path.is_dir()]
    content = (place / name).read_bytes()
    if damage == "gone":
        (place / name).unlink()
    else:
        broken = content[: len(content) // 2]
        broken += b"" if damage == "cut" else b"x" + content[len(content) // 2 + 1 :]
        (place / name).write_bytes(broken)
    second = store.train(make())
    assert second.came == "trained"
    assert equal(weights(first), weights(second))
    assert len(notes) == 1
    assert "damaged" in notes[0]
    assert store.train(make()).came == "loaded"


def test_a_diverged_training_is_remembered_only_where_it_is_handed_back(make, store):
    hot = {"learning_rate": 1e2, "max_steps": 60, "adapter": False}
    first = store.train(make(**hot), diverged="return")
    assert first.stopped == "diverged"
    assert store.train(make(**hot), diverged="return").came == "loaded"
    with pytest.raises(BadInput, match="diverged at step"):
        store.train(make(**hot))


# --- disks ----------------------------------------------------------------------------------------


def test_a_full_disk_loses_nothing(make, store, notes, monkeypatch):
    import safetensors.torch

    monkeypatch.setattr(storing, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    usual = weights(store.train(make(), fresh=True))
    monkeypatch.setattr(safetensors.torch, "save_file", full)
    trainer = make()
    trainer._save_checkpoint = full
    tuned = store.train(trainer, fresh=True)
    assert tuned.came == "trained"
    assert equal(weights(tuned), usual)
    assert len(notes) == 2, notes
    assert "No checkpoint could be written" in notes[0]
    assert "could not be stored" in notes[1]
    assert "No space left" in notes[1]
    assert not [path for path in store.folder.iterdir() if path.is_dir()], "nothing half is left"


def test_a_folder_that_cannot_be_written_trains_without_memory(make, tmp_path, notes):
    (tmp_path / "taken").write_text("")
    assert TrainingStore(tmp_path / "taken").train(make()).came == "trained"
    assert "not remembered" in notes[0]


def test_the_store_forgets_what_was_longest_unused(make, store, monkeypatch):
    first, second = {"max_steps": 1}, {"max_steps": 2}
    store.train(make(**first))
    store.train(make(**second))
    one = store.gigabytes / 2
    for age, place in enumerate(sorted(p for p in store.folder.iterdir() if p.is_dir())):
        os.utime(place, (age, age))
    assert store.train(make(**first)).came == "loaded"  # now the other one is the oldest
    monkeypatch.setenv("LAB_TRAININGS_GB", str(one * 2.5))
    store.train(make(max_steps=3))
    assert store.gigabytes < one * 2.5
    assert store.train(make(**first)).came == "loaded"
    assert store.train(make(**second)).came == "trained"


@pytest.mark.parametrize(("value", "limit"), [("0.5", 0.5), ("much", storing.DEFAULT_LIMIT_GB)])
def test_the_limit_can_be_set(monkeypatch, value, limit):
    monkeypatch.setenv("LAB_TRAININGS_GB", value)
    assert storing.size_limit_gb() == limit


def test_the_learners_own_checkpoints_stay_in_their_folder(make, store, tmp_path):
    store.train(make(save_strategy="steps", save_steps=3))
    assert (tmp_path / "out" / "checkpoint-3").is_dir()


# --- kill -9 --------------------------------------------------------------------------------------

PROGRAM = """
import sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path.insert(0, {tests!r})
from transformers import TrainerCallback
from test_training_store import make_trainer
from lab_helpers.tuning import training_store as storing

class Slow(TrainerCallback):  # of the library, as far as the key is concerned
    def on_step_end(self, args, state, control, **kwargs):
        print("step", state.global_step, flush=True)
        time.sleep(float(sys.argv[1]))

Slow.__module__ = "transformers.slow"
storing.SECONDS_BETWEEN_CHECKPOINTS = 0.0
storing.TrainingStore(Path({store!r}))
trainer = make_trainer({model!r}, Path({out!r}), max_steps=12)
trainer.add_callback(Slow())
print("begun", flush=True)
tuned = storing.TrainingStore(Path({store!r})).train(trainer)
print("came", tuned.came, trainer.state.global_step, flush=True)
"""


@pytest.fixture
def program(tmp_path, tiny_chat_model):
    text = textwrap.dedent(PROGRAM).format(
        tests=str(Path(__file__).parent),
        store=str(tmp_path / "store"),
        model=str(tiny_chat_model),
        out=str(tmp_path / "out"),
    )
    path = tmp_path / "program.py"
    path.write_text(text)

    def start(pause: float) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(path), str(pause)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )  # fmt: skip

    return start


def read_until(process: subprocess.Popen, wanted: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == wanted:
            return
    raise AssertionError(f"the program ended without '{wanted}'")


@pytest.mark.slow
def test_killed_at_any_step_it_goes_on_to_the_same_weights(program, make, store, tmp_path):
    unbroken = TrainingStore(tmp_path / "other").train(make(max_steps=12))
    done = 0
    for step in random.Random(0).sample(range(2, 11), 2):
        process = program(0.1)
        read_until(process, f"step {max(step, done + 2)}")
        process.send_signal(signal.SIGKILL)
        process.wait()
        [partial] = store.folder.glob("*.partial")
        newest = sorted(int(p.name.split("-")[1]) for p in partial.glob("checkpoint-*"))[-1]
        assert newest > done, "it went on from the checkpoint, it did not begin again"
        done = newest
    resumed = store.train(make(max_steps=12))
    assert resumed.came == "resumed"
    assert equal(weights(resumed), weights(unbroken))
    plain = [[{k: v for k, v in row.items() if k in ("step", "loss", "learning_rate")} for row in t.log if "loss" in row] for t in (resumed, unbroken)]  # fmt: skip
    assert plain[0] == plain[1]
    assert not list(store.folder.glob("*.partial"))
    assert store.train(make(max_steps=12)).came == "loaded"


@pytest.mark.slow
def test_two_processes_train_the_same_only_once(program, make, store):
    process = program(0.2)
    read_until(process, "step 1")
    started = time.monotonic()
    assert store.train(make(max_steps=12)).came == "loaded"
    assert time.monotonic() - started > 0.5
    assert "came trained" in process.communicate(timeout=60)[0]


def test_the_history_is_plain_json(make, store):
    store.train(make())
    [place] = [path for path in store.folder.iterdir() if path.is_dir()]
    assert sorted(path.name for path in place.iterdir()) == [storing.HISTORY, storing.WEIGHTS]
    assert json.loads((place / storing.HISTORY).read_text())["stopped"] == "finished"
