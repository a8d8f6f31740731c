"""How much GPU memory a fine-tuning needs, term by term, and on which GPU it fits.

Weights, adapter, gradients and optimizer are counted from the model's own shapes; activations and
temporaries by :mod:`lab_helpers.tuning.dry_run`, what generation takes by
:mod:`lab_helpers.tuning.generation_memory`. What is not counted is in ``NOT_COUNTED``.
"""

from dataclasses import asdict, replace
from math import prod

from lab_helpers.models.known_configs import (
    KNOWN,
    active_parameters,
    linear_shapes,
)
from lab_helpers.tuning.dry_run import DryStep, activation_bytes
from lab_helpers.tuning.generation_memory import generation_bytes
from lab_helpers.tuning.memory_plan import LOGITS, METHODS, OPTIMIZERS, TRAININGS, Plan
from lab_helpers.tuning.memory_weights import (
    four_bit_bytes,
    optimizer_bytes,
    pageable_bytes,
    trainable_shapes,
    weight_bytes,
    with_score,
)

__all__ = [
    "LOGITS",
    "METHODS",
    "OPTIMIZERS",
    "TRAININGS",
    "Plan",
    "four_bit_bytes",
    "optimizer_bytes",
    "pageable_bytes",
    "trainable_shapes",
    "weight_bytes",
]
GIB = 2**30
# Memory in GiB: data sheets, and for the T4 what Colab lets a program use.
GPUS = {"T4": 14.74, "RTX 4090": 24.0, "A100 40 GB": 40.0, "48 GB card": 48.0, "H100 80 GB": 80.0}
# Assumed for the CUDA context and fragmentation; max_memory_allocated does not contain it.
RESERVE = 0.5
TERMS = (
    "weights_4bit",
    "weights_wide",
    "copies",
    "adapter",
    "gradients",
    "optimizer",
    "activations",
)
OTHER_MODELS = ("reference", "value_model", "reward_model")
GENERATION = ("kv_cache", "generation")
# While the model writes, there are neither gradients nor what a backward pass needs.
_ONLY_WHILE_TRAINING = ("copies", "gradients", "activations")
NOT_COUNTED = (
    "CUDA context and fragmentation (a reserve of 0.5 GiB is assumed), masks of padded batches, "
    "logits that a trainer copies to float32 where they are built whole"
)
NOT_COUNTED_JA = (
    "計算に含まれないもの: CUDA コンテキストと断片化（余裕として 0.5 GiB を仮定）、パディングのあるバッチのマスク、"
    "ロジットをまとめて計算する場合にトレーナーが float32 に写す分。"
)


def terms(model: str, plan: Plan, activations: bool = True) -> dict[str, int]:
    """Bytes of every term, in the order of ``TERMS``; then those of other models and of generation.

    Terms of :data:`OTHER_MODELS` and :data:`GENERATION` are there where ``plan.training`` has them. What a
    value model trains is part of ``adapter``, ``gradients`` and ``optimizer``. Without
    ``activations`` nothing is gone through, and that term and generation's are 0.
    """
    shapes = trainable_shapes(model, plan)
    value = _value_shapes(model, plan, shapes)
    both = [*shapes, *value]
    trained = sum(prod(shape) for shape, _ in both)
    weights = weight_bytes(model, plan)
    if plan.training == "ppo":
        weights["copies"] += weight_bytes(model, replace(plan, training="reward"))["copies"]
    found = {
        **weights,
        "adapter": 0 if plan.method == "full" else plan.train_bytes * trained,
        "gradients": plan.train_bytes * trained,
        "optimizer": optimizer_bytes(both, plan.optimizer, plan.train_bytes),
        "activations": step_bytes(model, plan) if activations else 0,
    }
    if plan.training in ("dpo", "grpo", "ppo"):
        found |= other_models(model, plan)
    if plan.generates:
        written = generation_bytes(_writing(model, plan)) if activations else (0, 0)
        found |= dict(zip(GENERATION, written, strict=True))
    return found


def _value_shapes(model: str, plan: Plan, policy: list) -> list:
    """What a value model of the policy's size trains beside the policy: the same, with a score for a head."""
    return with_score(model, policy) if plan.training == "ppo" else []


def other_models(model: str, plan: Plan) -> dict[str, int]:
    """Weights of the models beside the one that trains.

    The reference is the policy itself with its adapter switched off, and costs nothing; in full
    fine-tuning it is loaded as the policy is (TRL: ``create_model_from_path``). GRPO has no value model
    (Shao et al. 2024, §4.1.1). PPO has four models of the policy's size (Ouyang et al. 2022, §3.5 and C.4;
    Yao et al. 2023, DeepSpeed-Chat, §3): value and reward model are backbones with a score for a
    head, and under LoRA and QLoRA lie in the policy's format, the value model with an adapter of its own.
    """
    total = plan.train_bytes * linear_shapes(model)[1]
    scored = replace(plan, training="reward")
    value = weight_bytes(model, scored) if plan.training == "ppo" else {}
    reward = plan.reward_model or (model if plan.training == "ppo" else None)
    read = replace(scored, method="lora" if plan.method == "full" else plan.method)
    judged = weight_bytes(reward, read) if reward else {}
    return {
        "reference": total if plan.has_reference and plan.method == "full" else 0,
        "value_model": value.get("weights_4bit", 0) + value.get("weights_wide", 0),
        "reward_model": judged.get("weights_4bit", 0) + judged.get("weights_wide", 0),
    }


def _step(model: str, plan: Plan, loss: str) -> DryStep:
    return DryStep(
        model,
        plan.method,
        plan.r,
        plan.targets,
        plan.checkpointing,
        plan.wide,
        plan.rows,
        plan.length,
        loss,
        adapter=plan.adapter,
    )


def step_bytes(model: str, plan: Plan) -> int:
    """Activations and temporaries of one step of ``plan.training``.

    In PPO the value model's step is alive beside the policy's (one loss of both: TRL's
    ``PolicyAndValueWrapper``); the reference's probabilities are read before.
    """
    if plan.training == "reward":
        return activation_bytes(_step(model, plan, "score"))
    step = _step(model, plan, _loss(plan))
    if plan.generates:
        step = replace(step, scored=plan.completion)
    if plan.training == "dpo":
        step = replace(step, reference=plan.has_reference)
    found = activation_bytes(step)
    if plan.training == "ppo":
        found += activation_bytes(_step(model, plan, "score"))
    return found


def _loss(plan: Plan) -> str:
    logits = plan.logits
    if logits == "trl":
        logits = "full" if plan.training == "ppo" else "fused"
    if logits == "full":
        return "model" if plan.training == "sft" else "logprobs"
    return "fused_torch" if plan.wide == 4 else logits  # Triton needs a GPU


def _writing(model: str, plan: Plan) -> DryStep:
    rows = plan.written_at_once
    return replace(_step(model, plan, "none"), rows=rows, scored=plan.completion)


def phases(found: dict[str, int]) -> dict[str, int]:
    """Bytes while training and, where there is such a phase, while generating: terms do not all meet."""
    training = sum(value for term, value in found.items() if term not in GENERATION)
    if GENERATION[0] not in found:
        return {"training": training}
    generating = sum(v for term, v in found.items() if term not in _ONLY_WHILE_TRAINING)
    return {"training": training, "generating": generating}


def fits(found: dict[str, int], pageable: int = 0) -> dict[str, bool]:
    """On which GPUs a plan fits, with the reserve, and paged states moved out where that is needed."""
    needed = needed_gib(found, pageable)
    return {name: needed <= gib for name, gib in GPUS.items()}


def needed_gib(found: dict[str, int], pageable: int = 0) -> float:
    """GiB that a GPU must have for these terms, the reserve among them."""
    return (max(phases(found).values()) - pageable) / GIB + RESERVE


def fit(model: str, plan: Plan, activations: bool = True) -> dict:
    """Terms in bytes, what is needed at once in GiB, and the GPUs: what ``labs fit`` shows of one plan."""
    found = terms(model, plan, activations)
    pageable = pageable_bytes(trainable_shapes(model, plan), plan)
    return {
        "model": model,
        "plan": asdict(plan),
        "parameters": linear_shapes(model)[1],
        "active_parameters": active_parameters(model),
        "terms": found,
        "phases": phases(found),
        "pageable": pageable,
        "gib": max(phases(found).values()) / GIB,
        "fits": fits(found, pageable),
    }


def logits_compared(model: str, plan: Plan) -> dict[str, float]:
    """GiB needed with each way to the words' probabilities; empty where a training reads none (reward)."""
    if plan.training == "reward":
        return {}
    ways = {way: terms(model, replace(plan, logits=way)) for way in LOGITS if way != "trl"}
    return {way: max(phases(found).values()) / GIB for way, found in ways.items()}


def methods_compared(model: str, plan: Plan) -> list[dict]:
    """:func:`fit` for full fine-tuning, LoRA and QLoRA, everything else equal."""
    return [fit(model, replace(plan, method=method)) for method in METHODS]


def weight_cut(model: str, double: bool = True) -> float:
    """By which share 4-bit weights are smaller than 16-bit ones, over the whole model."""
    before = weight_bytes(model, Plan(method="lora"))
    after = weight_bytes(model, Plan(method="qlora", double=double))
    return 1 - sum(after.values()) / sum(before.values())


def largest_that_fits(gpu: str, plan: Plan, models: tuple[str, ...] = tuple(KNOWN)) -> str | None:
    """The model with the most parameters whose plan fits ``gpu``."""
    found = [row for row in (fit(model, plan) for model in models) if row["fits"][gpu]]
    return max(found, key=lambda row: row["parameters"])["model"] if found else None
