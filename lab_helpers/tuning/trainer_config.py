"""Settings for TRL's and transformers' trainers, chosen once: for the machine, and for the versions.

The learner writes ``trainer_config(SFTConfig, lab.machine, learning_rate=1e-2, …)`` and sees every choice
that teaches something; what only keeps a trainer quiet and running on this machine is added here.
"""

import dataclasses
import difflib
import re
from pathlib import Path
from typing import Any

from lab_helpers.runtime.errors import BadInput

# What tutorials still write → what the installed libraries call it, or what to do instead.
RENAMED = {
    "max_seq_length": "It is called max_length now.",
    "max_prompt_length": "It is gone: max_length holds for prompt and completion together.",
    "max_completion_length": "It is gone: max_length holds for prompt and completion together.",
    "max_target_length": "It is gone: max_length holds for prompt and completion together.",
    "evaluation_strategy": "It is called eval_strategy now.",
    "group_by_length": "Write train_sampling_strategy='group_by_length'.",
    "warmup_ratio": "Write warmup_steps=0.1: a number below 1 is a share of all steps.",
    "no_cuda": "Write use_cpu=True.",
    "fp16_full_eval_backend": "It is gone.",
    "tokenizer": "Give the tokenizer to the trainer: processing_class=tokenizer.",
    "load_in_4bit": "Give from_pretrained a quantization_config=BitsAndBytesConfig(load_in_4bit=True).",
    "peft_config": "Give it to the trainer, not to its settings.",
    "packing_efficient": "Write packing=True.",
    "dataset_batch_size": "It is gone.",
    "generate_during_eval": "It is gone: generate after training.",
    "rpo_alpha": "Write loss_type=['sigmoid', 'sft'] and loss_weights=[1.0, alpha].",
    "is_encoder_decoder": "It is gone.",
}


_UNEXPECTED = re.compile(
    r"(\w+(?:Config|Arguments))\.__init__\(\) got an unexpected keyword argument '(\w+)'"
)


def known_settings(config_class: type) -> set[str]:
    """Names that the installed ``config_class`` takes."""
    return {field.name for field in dataclasses.fields(config_class) if field.init}


def refuse_unknown(config_class: type, names) -> None:
    """:class:`BadInput` with the fix for the first name that ``config_class`` does not take."""
    known = known_settings(config_class)
    for name in names:
        if name in known:
            continue
        close = difflib.get_close_matches(name, sorted(known), 1, 0.75)
        fix = RENAMED.get(name) or (f"Did you mean {close[0]}?" if close else "Leave it out.")
        raise BadInput(f"{config_class.__name__} takes no '{name}'", fix)


def explain_unknown_setting(error: BaseException) -> BadInput | None:
    """For the ``TypeError`` of ``SFTConfig(max_seq_length=…)`` in a learner's cell: what to write instead."""
    found = _UNEXPECTED.search(str(error)) if isinstance(error, TypeError) else None
    if found is None:
        return None
    config, name = found.groups()
    return BadInput(f"{config} takes no '{name}'", RENAMED.get(name) or "Leave it out.")


def checkpointing(config_class: type, on: bool) -> dict[str, bool]:
    """Gradient checkpointing under the name that ``config_class`` takes: transformers renamed it within 5."""
    new = "activation_checkpointing"
    return {new if new in known_settings(config_class) else "gradient_checkpointing": on}


def machine_settings(output_dir: Path, precision: str, seed: int) -> dict[str, Any]:
    """What keeps any trainer quiet and running on this machine: precision, memory, folder, seed.

    Gradient checkpointing trades time for memory: on for a GPU, off on a CPU, where models are small.
    """
    from datasets import disable_progress_bars
    from transformers import TrainingArguments

    from lab_helpers.runtime.hardware import detect
    from lab_helpers.runtime.precision import pick_precision

    disable_progress_bars()  # the course shows a bar of its own
    hardware = detect()
    on_gpu = hardware.accelerator == "cuda"
    return {
        "output_dir": str(output_dir),
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "logging_steps": 5,
        "seed": seed,
        **pick_precision(hardware, precision).trainer_arguments(),
        **checkpointing(TrainingArguments, on_gpu),
        "dataloader_pin_memory": on_gpu,
    }


def trainer_config(config_class: type, machine: dict[str, Any], **settings):
    """An ``SFTConfig``, ``DPOConfig``, ``RewardConfig`` or ``TrainingArguments``.

    ``machine`` comes from :func:`machine_settings` (a lab's is ``lab.machine``); ``settings`` win over
    it. A name that the installed class does not take is a :class:`BadInput` that says what to write
    instead; nothing is dropped silently.
    """
    refuse_unknown(config_class, settings)
    if "gradient_checkpointing" in settings:  # beside the new name transformers ignores the old one
        settings |= checkpointing(config_class, settings.pop("gradient_checkpointing"))
    try:
        return config_class(**(machine | settings))
    except (TypeError, ValueError) as error:
        raise BadInput(f"{config_class.__name__}: {error}", "Change that setting.") from None
