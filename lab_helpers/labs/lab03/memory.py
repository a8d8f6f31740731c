"""Lab 03's memory: what QLoRA needs for real models, the calculator checked on this machine, optimizers."""

from dataclasses import replace

import torch

from lab_helpers.figures import quantization as figures
from lab_helpers.labs.lab03.memory_check import (
    count_state_bytes,
    make_optimizer,
    measure_plan,
    prepare_model,
)
from lab_helpers.runtime.lexicon import term
from lab_helpers.tuning import memory
from lab_helpers.tuning.memory import GPUS, Plan

MODELS = ("Llama 3 8B", "Llama 3 70B", "Gemma 2 2B", "Gemma 2 9B", "Qwen2.5 14B", "Qwen2.5 32B")
CARDS = ("T4", "RTX 4090", "48 GB card")
NAMES = {"full": "full fine-tuning", "lora": "LoRA", "qlora": "QLoRA"}
PLAN = Plan(method="qlora", r=16, targets="all linear", sequence=512, batch=1)


def plan_rows(models: tuple[str, ...], plan: Plan) -> list[dict]:
    """One row a model: the terms of ``plan`` in GiB, the total, and the cards it fits."""
    rows = []
    for model in models:
        found = memory.fit(model, plan)
        gib = {part: value / memory.GIB for part, value in found["terms"].items() if value}
        fitting = [term(card) for card in CARDS if found["fits"][card]]
        rows.append({"model": model, **gib, "GiB": found["gib"], "fits": ", ".join(fitting) or "-"})
    return rows


def largest_fit_metrics() -> dict[str, str]:
    """The largest of the models that fits each card."""
    names = dict(zip(CARDS, ("t4", "rtx4090", "48gb"), strict=True))
    return {
        f"largest_{short}": memory.largest_that_fits(card, PLAN, MODELS) or "none"
        for card, short in names.items()
    }


def draw_plan(model: str, method: str, r: int, sequence: int, batch: int, checkpointing: bool):
    """The memory explorer's picture: one plan of one model."""
    plan = Plan(method=method, r=r, sequence=sequence, batch=batch, checkpointing=checkpointing)
    return figures.memory_bars(
        [{"name": NAMES[method], "terms": memory.terms(model, plan)}], GPUS, model
    )


def methods_figure(model: str, plan: Plan):
    """Static twin: the three methods of one model side by side."""
    rows = memory.methods_compared(model, plan)
    bars = [{"name": NAMES[row["plan"]["method"]], "terms": row["terms"]} for row in rows]
    return figures.memory_bars(bars, GPUS, model)


def measure_plans(name: str, sequence: int) -> list[dict]:
    """The calculator against a real step of the model ``name`` on this machine, for LoRA and QLoRA."""
    rows = []
    for method in ("lora", "qlora"):
        plan = Plan(method=method, r=8, sequence=sequence, batch=4, checkpointing=False)
        found = measure_plan(name, plan)
        for part in found["predicted"]:
            rows.append(
                {
                    "method": method,
                    "bytes of": part,
                    "predicted": found["predicted"][part],
                    "measured": found["measured"][part],
                }
            )
    return rows


def plan_check_metrics(rows: list[dict]) -> dict[str, float]:
    """Error of the exact terms (must be 0) and of the step's peak."""
    exact = [row["predicted"] - row["measured"] for row in rows if row["bytes of"] != "step"]
    steps = [row["predicted"] / row["measured"] - 1 for row in rows if row["bytes of"] == "step"]
    return {
        "exact_bytes_difference": float(max(map(abs, exact))),
        "step_peak_relative_error": float(max(steps, key=abs)),
    }


def checkpointing_rows(model: str, sequences: tuple[int, ...] = (512, 2048)) -> list[dict]:
    """Counted activations of ``model`` in GiB, with checkpointing off and on, for several lengths."""
    rows = []
    for sequence in sequences:
        plan = replace(PLAN, sequence=sequence)
        kept = [
            memory.terms(model, replace(plan, checkpointing=on))["activations"] / memory.GIB
            for on in (False, True)
        ]
        rows.append({"model": model, "sequence": sequence, "off": kept[0], "on": kept[1]})
    return rows


def measure_optimizers(model_name: str) -> list[dict]:
    """State bytes of three optimizers on one adapter of a model, measured after a step, beside the prediction."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plan = Plan(method="qlora", r=16, wide=2 if device == "cuda" else 4, checkpointing=False)
    return [
        measure_optimizer(model_name, replace(plan, optimizer=name), device)
        for name in memory.OPTIMIZERS
    ]


def measure_optimizer(model_name: str, plan: Plan, device: str) -> dict:
    """One step of the plan's optimizer on made-up gradients; the model is gone afterwards."""
    model = prepare_model(model_name, plan, device)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.grad = torch.full_like(parameter, 1e-3)
    optimizer = make_optimizer(model, plan.optimizer)
    optimizer.step()
    shapes = memory.trainable_shapes(model_name, plan)
    return {
        "optimizer": plan.optimizer,
        "predicted": memory.optimizer_bytes(shapes, plan.optimizer, plan.train_bytes),
        "measured": count_state_bytes(optimizer),
    }
