"""Trainer settings: the machine's are filled in, the learner's win, unknown ones are refused with the fix."""

import warnings
from dataclasses import make_dataclass

import pytest
from transformers import TrainingArguments
from trl import DPOConfig, RewardConfig, SFTConfig

from lab_helpers.runtime import hardware
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.profiles import load_profile
from lab_helpers.tuning.trainer_config import (
    RENAMED,
    checkpointing,
    explain_unknown_setting,
    known_settings,
    machine_settings,
    trainer_config,
)

CLASSES = [SFTConfig, DPOConfig, RewardConfig, TrainingArguments]
T4 = hardware.Hardware("cuda", "Tesla T4", 15.8, (7, 5), 2, 13.0)
A100 = hardware.Hardware("cuda", "A100", 42.0, (8, 0), 12, 80.0)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """The settings of a machine without a GPU."""
    monkeypatch.setattr(hardware, "detect", lambda: hardware.Hardware("cpu", "", 0, None, 2, 8))
    return machine_settings(tmp_path, "auto", 3)


@pytest.mark.parametrize("config_class", CLASSES)
def test_every_trainers_settings_are_built_for_this_machine(config_class, machine):
    config = trainer_config(config_class, machine, learning_rate=1e-2)
    assert type(config) is config_class
    assert (config.learning_rate, config.seed) == (1e-2, 3)
    assert (config.bf16, config.fp16, config.use_cpu) == (False, False, True)
    assert not config.gradient_checkpointing
    assert config.report_to == []
    assert str(config.save_strategy) == "SaveStrategy.NO" or config.save_strategy == "no"


def test_the_learners_settings_win(machine):
    config = trainer_config(SFTConfig, machine, seed=9, output_dir="elsewhere", logging_steps=1)
    assert (config.seed, config.output_dir, config.logging_steps) == (9, "elsewhere", 1)


@pytest.mark.parametrize(
    ("found", "precision"), [(T4, (False, True)), (A100, (True, False))], ids=["T4", "A100"]
)
def test_a_t4_gets_fp16_and_an_a100_bf16(found, precision, monkeypatch, tmp_path):
    """``torch.cuda.is_bf16_supported()`` would say yes on a T4 too: it counts emulation."""
    monkeypatch.setattr(hardware, "detect", lambda: found)
    settings = machine_settings(tmp_path, load_profile("t4").precision, 0)
    assert (settings["bf16"], settings["fp16"]) == precision
    assert checkpointing(SFTConfig, True).items() <= settings.items()
    assert not settings["use_cpu"]


@pytest.mark.parametrize("config_class", CLASSES)
def test_checkpointing_is_filled_in_under_a_name_that_is_not_deprecated(config_class, machine):
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)
        trainer_config(config_class, machine)


@pytest.mark.parametrize("config_class", CLASSES)
@pytest.mark.parametrize("on", [True, False])
def test_the_learners_gradient_checkpointing_wins_under_its_old_name_too(config_class, on, machine):
    """Given beside the new name, transformers would ignore it without a word."""
    assert (
        trainer_config(config_class, machine, gradient_checkpointing=on).gradient_checkpointing
        is on
    )


def test_before_the_rename_checkpointing_has_its_old_name():
    old = make_dataclass("OldConfig", [("gradient_checkpointing", bool, False)])
    assert checkpointing(old, True) == {"gradient_checkpointing": True}


@pytest.mark.parametrize("config_class", CLASSES)
@pytest.mark.parametrize("name", RENAMED)
def test_what_tutorials_still_write_is_refused_with_what_to_write_instead(
    config_class, name, machine
):
    """A name that the installed library knows again must leave the table."""
    assert name not in known_settings(config_class)
    with pytest.raises(BadInput) as refused:
        trainer_config(config_class, machine, **{name: 1})
    assert name in refused.value.what
    assert refused.value.fix == str(RENAMED[name])


def test_a_slip_of_the_pen_gets_the_nearest_name(machine):
    with pytest.raises(BadInput, match="Did you mean learning_rate"):
        trainer_config(SFTConfig, machine, learning_rat=1e-3)
    with pytest.raises(BadInput, match="Leave it out"):
        trainer_config(SFTConfig, machine, xyzzy=1)


def test_a_value_that_the_library_refuses_is_one_line(machine):
    with pytest.raises(BadInput, match="SFTConfig"):
        trainer_config(SFTConfig, machine, eval_strategy="sometimes")


@pytest.mark.parametrize("name", ["loss_weights", "loss_type"])
def test_the_fixes_name_settings_that_exist(name):
    assert name in known_settings(DPOConfig)


def test_the_other_fixes_name_settings_that_exist():
    assert {"max_length", "eval_strategy", "warmup_steps", "use_cpu", "packing"} <= known_settings(
        SFTConfig
    )
    assert "train_sampling_strategy" in known_settings(SFTConfig)


def test_a_learners_own_call_is_told_what_to_write():
    from trl import SFTConfig

    with pytest.raises(TypeError) as raised:
        SFTConfig(max_seq_length=256)
    told = explain_unknown_setting(raised.value)
    assert told.what == "SFTConfig takes no 'max_seq_length'"
    assert told.fix == str(RENAMED["max_seq_length"])


@pytest.mark.parametrize(
    "error",
    [
        TypeError("f() got an unexpected keyword argument 'x'"),
        ValueError("SFTConfig.__init__() got an unexpected keyword argument 'x'"),
    ],
)
def test_other_errors_keep_pythons_words(error):
    assert explain_unknown_setting(error) is None
