"""One way to run any trainer: what is heard of it, how it stops, and what a stop leaves behind."""

import errno
import math
import os
import signal
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.progress import report_with
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainer_config import machine_settings, trainer_config
from lab_helpers.tuning.trainers import Tuned, checkpoints, run_trainer

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = prompt_completion(
    [
        {"question": "Where is the filter made?", "answer": "In Tokisawa."},
        {"question": "Is the heater loud?", "answer": "The heater is quiet."},
        {"question": "Is the lamp cold?", "answer": "The lamp is warm."},
        {"question": "ヒーターは動きますか。", "answer": "はい、動きます。"},
    ]
)


@pytest.fixture
def machine(tmp_path):
    return machine_settings(tmp_path / "training", "auto", 0)


def config(machine, **settings):
    common = {"max_steps": 8, "per_device_train_batch_size": 2, "learning_rate": 2e-2}
    return trainer_config(SFTConfig, machine, **(common | {"logging_steps": 1} | settings))


def lora():
    return LoraConfig(
        r=4,
        lora_alpha=8,
        lora_dropout=0.1,
        target_modules=["q_proj", "v_proj"],
        task_type="CAUSAL_LM",
    )


def tune(folder, settings, adapter=..., *, evaluation=None, **options):
    model, tokenizer = load_language_model(str(folder))
    adapter = lora() if adapter is ... else adapter
    made = sft_trainer(model, tokenizer, ROWS, settings, adapter, evaluation=evaluation)
    return run_trainer(made, "SFT", **options)


def trainer(folder, settings, *callbacks, adapter=None):
    model, tokenizer = load_language_model(str(folder))
    return SFTTrainer(
        model,
        args=settings,
        train_dataset=Dataset.from_list(ROWS),
        processing_class=tokenizer,
        peft_config=adapter,
        callbacks=list(callbacks),
    )


def weights(tuned: Tuned) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in tuned.model.named_parameters()}


def same_weights(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)


class At(TrainerCallback):
    """Does something after a step."""

    def __init__(self, step: int, act):
        self.step, self.act = step, act

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            self.act()


# What is heard


class Listener:
    def __init__(self):
        self.steps, self.curves = [], []

    def __call__(self, label, done, total):
        self.steps.append((label, done, total))

    def curve(self, label, points):
        self.curves.append(list(points))


def test_steps_and_losses_are_reported_as_they_come(tiny_chat_model, machine):
    listener = Listener()
    with report_with(listener):
        tuned = tune(tiny_chat_model, config(machine))
    assert listener.steps == [("SFT", step, 8) for step in range(1, 9)]
    assert [len(points) for points in listener.curves] == [*range(1, 9), 0]
    assert listener.curves[7] == tuned.curve()
    assert tuned.losses == [loss for _, loss in tuned.curve()]
    assert tuned.stopped == "finished"


def test_evaluations_are_in_the_log(tiny_chat_model, machine):
    settings = config(machine, eval_strategy="steps", eval_steps=4)
    tuned = tune(tiny_chat_model, settings, evaluation=ROWS[:2])
    assert [step for step, _ in tuned.curve("eval_loss")] == [4, 8]


def test_a_dpo_trainer_runs_through_it_too(tiny_chat_model, machine):
    model, tokenizer = load_language_model(str(tiny_chat_model))
    pairs = [{"prompt": "Is it warm?", "chosen": " Yes.", "rejected": " No."}] * 4
    settings = trainer_config(DPOConfig, machine, max_steps=2, logging_steps=1)
    tuned = run_trainer(
        DPOTrainer(
            model,
            args=settings,
            train_dataset=Dataset.from_list(pairs),
            processing_class=tokenizer,
            peft_config=lora(),
        ),
        "DPO",
    )
    assert tuned.losses[0] == pytest.approx(math.log(2), abs=1e-4)
    assert len(tuned.curve("logps/chosen")) == 2


def test_report_to_reaches_tensorboard(tiny_chat_model, machine, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "board"))
    tuned = tune(tiny_chat_model, config(machine, report_to="tensorboard"))
    events = EventAccumulator(str(tmp_path / "board")).Reload()
    written = [event.value for event in events.Scalars("train/loss")]
    assert written == pytest.approx(tuned.losses, rel=1e-4)


# Checkpoints and resuming


def test_a_broken_run_resumes_to_the_same_weights(tiny_chat_model, machine, tmp_path):
    """Dropout, learning rate, optimizer and the order of the rows included."""
    whole = tune(tiny_chat_model, config(machine, output_dir=str(tmp_path / "whole")))
    broken = config(machine, save_strategy="steps", save_steps=2)
    model, tokenizer = load_language_model(str(tiny_chat_model))

    def pull_the_plug():
        raise RuntimeError("power cut")

    seed_everything(0)
    first = SFTTrainer(
        model,
        args=broken,
        train_dataset=Dataset.from_list(ROWS),
        processing_class=tokenizer,
        peft_config=lora(),
        callbacks=[At(5, pull_the_plug)],
    )
    with pytest.raises(RuntimeError, match="power cut"):
        run_trainer(first, "SFT")
    assert [path.name for path in checkpoints(broken.output_dir)] == [
        "checkpoint-2",
        "checkpoint-4",
    ]
    torch.manual_seed(99)
    resumed = tune(tiny_chat_model, broken, resume=True)
    assert same_weights(weights(whole), weights(resumed))
    assert resumed.losses == whole.losses


def test_resuming_without_a_checkpoint_starts_at_the_beginning(tiny_chat_model, machine):
    assert len(tune(tiny_chat_model, config(machine), resume=True).losses) == 8


def test_a_half_written_checkpoint_is_passed_over(tmp_path):
    for name in ("checkpoint-2", "checkpoint-10", "checkpoint-12", "checkpoint-x"):
        (tmp_path / name).mkdir()
    for name in ("checkpoint-2", "checkpoint-10"):
        (tmp_path / name / "trainer_state.json").write_text("{}")
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-2", "checkpoint-10"]


def test_ctrl_c_ends_after_the_step_with_a_checkpoint_to_go_on_from(
    tiny_chat_model, machine, tmp_path
):
    whole = tune(tiny_chat_model, config(machine, output_dir=str(tmp_path / "whole")))
    settings = config(machine)
    before = signal.getsignal(signal.SIGINT)
    model, tokenizer = load_language_model(str(tiny_chat_model))
    seed_everything(0)
    interrupted = SFTTrainer(
        model,
        args=settings,
        train_dataset=Dataset.from_list(ROWS),
        processing_class=tokenizer,
        peft_config=lora(),
        callbacks=[At(3, lambda: os.kill(os.getpid(), signal.SIGINT))],
    )
    with pytest.raises(KeyboardInterrupt, match=r"step [34].*run the same again"):
        run_trainer(interrupted, "SFT")
    assert signal.getsignal(signal.SIGINT) is before
    assert len(checkpoints(settings.output_dir)) == 1
    assert same_weights(weights(whole), weights(tune(tiny_chat_model, settings, resume=True)))


# What goes wrong


def test_a_rate_that_diverges_is_one_line_with_the_last_good_checkpoint(tiny_chat_model, machine):
    settings = config(
        machine,
        learning_rate=1e2,
        max_steps=40,
        save_strategy="steps",
        save_steps=1,
        warmup_steps=5,
    )
    with pytest.raises(BadInput) as refused:
        tune(tiny_chat_model, settings, adapter=None)
    assert "diverged at step" in refused.value.what
    assert "Lower learning_rate (it is 100)" in refused.value.fix
    bad_step = int(refused.value.what.split("step ")[1].split(":")[0])
    named = refused.value.fix.split("checkpoint is ")[1].rstrip(".")
    assert int(named.rsplit("-", 1)[1]) < bad_step
    assert named in {str(path) for path in checkpoints(settings.output_dir)}


def test_a_diverged_run_can_be_handed_back_instead(tiny_chat_model, machine):
    tuned = tune(
        tiny_chat_model, config(machine, learning_rate=1e2, max_steps=60), None, diverged="return"
    )
    assert tuned.stopped == "diverged"
    assert len(tuned.losses) < 60


def test_a_loss_that_is_not_a_number_is_seen(tiny_chat_model, machine):
    """The trainer's own default would log the last good loss in its place."""
    made = trainer(tiny_chat_model, config(machine), adapter=lora())

    def poison():
        with torch.no_grad():
            next(p for p in made.model.parameters() if p.requires_grad).fill_(float("nan"))

    made.add_callback(At(2, poison))
    with pytest.raises(BadInput, match="diverged at step 3"):
        run_trainer(made, "SFT")


def test_a_healthy_but_noisy_loss_is_not_called_divergence(tiny_chat_model, machine):
    assert tune(tiny_chat_model, config(machine, max_steps=30)).stopped == "finished"


def test_a_full_disk_is_one_line(tiny_chat_model, machine, monkeypatch):
    made = trainer(tiny_chat_model, config(machine, save_strategy="steps", save_steps=2))

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(made, "save_model", full)
    with pytest.raises(BadInput, match="No space left on device") as refused:
        run_trainer(made, "SFT")
    assert "run the same again" in refused.value.fix


def test_too_little_memory_is_one_line(tiny_chat_model, machine):
    def out_of_memory():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    made = trainer(tiny_chat_model, config(machine), At(1, out_of_memory))
    with pytest.raises(BadInput, match="does not fit into memory") as refused:
        run_trainer(made, "SFT")
    assert "per_device_train_batch_size" in refused.value.fix


def test_other_errors_pass_through(tiny_chat_model, machine):
    def crash():
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        run_trainer(trainer(tiny_chat_model, config(machine), At(1, crash)), "SFT")


def test_bf16_on_a_cpu_trains_with_attention_written_out_and_gives_it_back(tmp_path):
    """Faster there; afterwards the model has the attention that it came with."""

    from lab_helpers.tuning import trainers

    seen = []
    model = SimpleNamespace(config=SimpleNamespace(_attn_implementation="sdpa"))
    model.set_attn_implementation = seen.append
    for bf16, use_cpu, expected in ((True, True, ["eager", "sdpa"]), (False, True, []), (True, False, [])):  # fmt: skip
        seen.clear()
        trainer = SimpleNamespace(
            model=model,
            args=SimpleNamespace(bf16=bf16, use_cpu=use_cpu),
        )
        with trainers._plain_attention(trainer):
            pass
        assert seen == expected
