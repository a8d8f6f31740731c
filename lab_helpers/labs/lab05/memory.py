"""Lab 05, what DPO holds in memory: models, weights, gradients and optimizer states, by arrangement."""

import copy

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import PairSet
from lab_helpers.labs.shared.preference_models import (
    load_start_model,
    make_dpo_config,
    make_lora_config,
)
from lab_helpers.models.known_configs import linear_shapes
from lab_helpers.runtime.memory import PeakMemory
from lab_helpers.tuning.dpo import dpo_trainer
from lab_helpers.tuning.trainers import run_trainer

STEPS = 2
TRAINED = 4
"""Bytes of a weight that trains, of its gradient, and of each of Adam's two moments."""
LORA_ARRANGEMENTS = ("LoRA, adapter off", "LoRA, precomputed", "LoRA, loaded reference")


def count_bytes(parameters) -> int:
    """Bytes of parameters, each counted once, shared ones too."""
    return sum({id(p): p.numel() * p.element_size() for p in parameters}.values())


def count_held_bytes(trainer) -> dict[str, int]:
    """What a trainer holds after a step: number of models, and bytes by use."""
    trained = [p for p in trainer.model.parameters() if p.requires_grad]
    states = [
        tensor
        for state in trainer.optimizer.state.values()
        for tensor in state.values()
        if getattr(tensor, "ndim", 0)
    ]
    reference = getattr(trainer, "ref_model", None)
    return {
        "models": 1 if reference is None else 2,
        "policy": count_bytes(trainer.model.parameters()),
        "reference": 0 if reference is None else count_bytes(reference.parameters()),
        "gradients": count_bytes(trained),
        "optimizer": count_bytes(states),
    }


def measure_memory(run: Run, pairs: PairSet) -> list[dict]:
    """Four arrangements of DPO, two steps each, and PPO-RLHF's four models counted beside them.

    Ordered by what they need, because a process's peak never comes down again. Full fine-tuning is only
    counted where ``memory_full`` of the profile says so: at 16 bytes a weight and a second model it does
    not fit the cards of the larger profiles.
    """
    rows = [measure_arrangement(run, pairs, name) for name in LORA_ARRANGEMENTS]
    elements, size = linear_shapes(run.model_name)[1], rows[-1]["reference"]
    if run.settings["memory_full"]:
        rows.append(measure_arrangement(run, pairs, "full"))
    else:
        rows.append(full_row(elements, size))
    return [*rows, ppo_row(elements, size)]


def measure_arrangement(run: Run, pairs: PairSet, name: str) -> dict:
    """Two steps of one arrangement of DPO, and what its trainer then holds."""
    model, tokenizer = load_start_model(run, pairs.language)
    config = make_dpo_config(
        run,
        model,
        max_steps=STEPS,
        per_device_train_batch_size=run.settings["memory_batch_size"],
        learning_rate=1e-5,
        precompute_ref_log_probs=name == "LoRA, precomputed",
    )
    chosen = [pair.row() for pair in pairs.train[: STEPS * run.settings["memory_batch_size"]]]
    reference = copy.deepcopy(model) if name == "LoRA, loaded reference" else None
    adapter = None if name == "full" else make_lora_config()
    with PeakMemory() as peak:
        trainer = dpo_trainer(model, tokenizer, chosen, config, adapter, reference=reference)
        run_trainer(trainer, "memory")
    return {"method": f"DPO, {name}", **count_held_bytes(trainer), "peak RSS MB": peak.megabytes}


def full_row(elements: int, size: int) -> dict:
    """DPO with full fine-tuning, counted: ``elements`` weights that train beside a reference of ``size`` bytes."""
    return {
        "method": "DPO, full (counted)",
        "models": 2,
        "policy": TRAINED * elements,
        "reference": size,
        "gradients": TRAINED * elements,
        "optimizer": 2 * TRAINED * elements,
        "peak RSS MB": float("nan"),
    }


def ppo_row(elements: int, size: int) -> dict:
    """PPO-RLHF with full fine-tuning: policy and critic train, reference and reward model are read.

    Counted, not run: gradients as large as the weights that train, Adam twice that; the value and reward
    heads are left out.
    """
    trained = TRAINED * elements
    return {
        "method": "PPO, full (counted)",
        "models": 4,
        "policy": trained,
        "reference": trained + 2 * size,
        "gradients": 2 * trained,
        "optimizer": 4 * trained,
        "peak RSS MB": float("nan"),
    }


def sum_bytes(row: dict) -> int:
    return row["policy"] + row["reference"] + row["gradients"] + row["optimizer"]


def memory_megabytes_rows(rows: list[dict]) -> list[dict]:
    """The same in megabytes, with the sum."""
    uses = ("policy", "reference", "gradients", "optimizer")
    return [
        {"method": row["method"], "models": row["models"]}
        | {f"{use} MB": round(row[use] / 1e6, 2) for use in uses}
        | {"held MB": round(sum_bytes(row) / 1e6, 1)}
        for row in rows
    ]


def memory_metrics(rows: list[dict]) -> dict[str, float]:
    """Models in memory of each arrangement, and what is held relative to DPO with the adapter off."""
    by_name = {row["method"]: row for row in rows}
    off = by_name["DPO, LoRA, adapter off"]
    full = by_name.get("DPO, full") or by_name["DPO, full (counted)"]
    return {
        "models_dpo_lora": off["models"],
        "models_dpo_full": full["models"],
        "models_ppo": by_name["PPO, full (counted)"]["models"],
        "held_bytes_dpo_lora": sum_bytes(off),
        "held_ratio_loaded_reference": sum_bytes(by_name["DPO, LoRA, loaded reference"])
        / sum_bytes(off),
        "held_ratio_precomputed": sum_bytes(by_name["DPO, LoRA, precomputed"]) / sum_bytes(off),
        "held_ratio_full": sum_bytes(full) / sum_bytes(off),
        "held_ratio_ppo": sum_bytes(by_name["PPO, full (counted)"]) / sum_bytes(off),
    }
