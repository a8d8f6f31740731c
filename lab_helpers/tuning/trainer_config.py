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
from lab_helpers.runtime.language import Text, say

# What tutorials still write → what the installed libraries call it, or what to do instead.
RENAMED = {
    "max_seq_length": Text("It is called max_length now.", "現在の名前は max_length です。"),
    "max_prompt_length": Text(
        "It is gone: max_length holds for prompt and completion together.",
        "廃止されました。max_length がプロンプトと回答を合わせた長さを決めます。",
    ),
    "max_completion_length": Text(
        "It is gone: max_length holds for prompt and completion together.",
        "廃止されました。max_length がプロンプトと回答を合わせた長さを決めます。",
    ),
    "max_target_length": Text(
        "It is gone: max_length holds for prompt and completion together.",
        "廃止されました。max_length がプロンプトと回答を合わせた長さを決めます。",
    ),
    "evaluation_strategy": Text(
        "It is called eval_strategy now.", "現在の名前は eval_strategy です。"
    ),
    "group_by_length": Text(
        "Write train_sampling_strategy='group_by_length'.",
        "train_sampling_strategy='group_by_length' と書いてください。",
    ),
    "warmup_ratio": Text(
        "Write warmup_steps=0.1: a number below 1 is a share of all steps.",
        "warmup_steps=0.1 と書いてください。1 未満の値は全ステップに対する割合になります。",
    ),
    "no_cuda": Text("Write use_cpu=True.", "use_cpu=True と書いてください。"),
    "fp16_full_eval_backend": Text("It is gone.", "廃止されました。"),
    "tokenizer": Text(
        "Give the tokenizer to the trainer: processing_class=tokenizer.",
        "トークナイザーはトレーナーに渡してください: processing_class=tokenizer。",
    ),
    "load_in_4bit": Text(
        "Give from_pretrained a quantization_config=BitsAndBytesConfig(load_in_4bit=True).",
        "from_pretrained に quantization_config=BitsAndBytesConfig(load_in_4bit=True) を渡してください。",
    ),
    "peft_config": Text(
        "Give it to the trainer, not to its settings.", "設定ではなくトレーナーに渡してください。"
    ),
    "packing_efficient": Text("Write packing=True.", "packing=True と書いてください。"),
    "dataset_batch_size": Text("It is gone.", "廃止されました。"),
    "generate_during_eval": Text(
        "It is gone: generate after training.", "廃止されました。生成は学習の後に行ってください。"
    ),
    "rpo_alpha": Text(
        "Write loss_type=['sigmoid', 'sft'] and loss_weights=[1.0, alpha].",
        "loss_type=['sigmoid', 'sft'] と loss_weights=[1.0, alpha] を指定してください。",
    ),
    "is_encoder_decoder": Text("It is gone.", "廃止されました。"),
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
        fix = _renamed(name) or (
            say(f"Did you mean {close[0]}?", f"{close[0]} の間違いではありませんか？")
            if close
            else say("Leave it out.", "取り除いてください。")
        )
        raise BadInput(
            say(
                f"{config_class.__name__} takes no '{name}'",
                f"{config_class.__name__} に「{name}」という設定はありません",
            ),
            fix,
        )


def _renamed(name: str) -> str:
    """What to write in place of a setting that went by ``name``; empty where it never was one."""
    return str(RENAMED.get(name, ""))


def explain_unknown_setting(error: BaseException) -> BadInput | None:
    """For the ``TypeError`` of ``SFTConfig(max_seq_length=…)`` in a learner's cell: what to write instead."""
    found = _UNEXPECTED.search(str(error)) if isinstance(error, TypeError) else None
    if found is None:
        return None
    config, name = found.groups()
    return BadInput(
        say(f"{config} takes no '{name}'", f"{config} に「{name}」という設定はありません"),
        _renamed(name) or say("Leave it out.", "取り除いてください。"),
    )


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
        raise BadInput(
            say(
                f"{config_class.__name__}: {error}",
                f"{config_class.__name__} のエラーです: {error}",
            ),
            say("Change that setting.", "その設定を変えてください。"),
        ) from None
