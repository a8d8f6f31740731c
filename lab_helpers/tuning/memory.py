"""How much GPU memory a fine-tuning needs, term by term, and on which GPU it fits.

Weights, adapter, gradients and optimizer are counted from the model's own shapes; activations and
temporaries by :mod:`lab_helpers.tuning.dry_run`. What is not counted is in ``NOT_COUNTED``.
"""

from dataclasses import asdict, dataclass, replace
from math import prod

from lab_helpers.models.known_configs import (
    KNOWN,
    TARGET_SETS,
    linear_shapes,
    parameter_shapes,
    target_shapes,
)
from lab_helpers.runtime.errors import BadInput

GIB = 2**30
# Memory in GiB: data sheets, and for the T4 what Colab lets a program use.
GPUS = {"T4": 14.74, "RTX 4090": 24.0, "A100 40 GB": 40.0, "48 GB card": 48.0, "H100 80 GB": 80.0}
# Assumed for the CUDA context and fragmentation; max_memory_allocated does not contain it.
RESERVE = 0.5
METHODS = ("full", "lora", "qlora")
OPTIMIZERS = ("adamw", "adamw_8bit", "paged_adamw_8bit")
TERMS = (
    "weights_4bit",
    "weights_wide",
    "copies",
    "adapter",
    "gradients",
    "optimizer",
    "activations",
)
NOT_COUNTED = (
    "CUDA context and fragmentation (a reserve of 0.5 GiB is assumed), an attention that is not fused, "
    "logits that a trainer copies to float32"
)
NOT_COUNTED_JA = (
    "計算に含まれないもの: CUDA コンテキストと断片化（余裕として 0.5 GiB を仮定）、"
    "融合されていないアテンション、トレーナーが float32 に写すロジット。"
)
_BLOCK, _SCALE_BLOCK, _MIN_8BIT, _PAGED_FROM = 64, 256, 4096, 100_000


@dataclass(frozen=True)
class Plan:
    """What is trained, and how.

    ``wide`` is the bytes of a number that is not quantized (2 on a GPU, 4 on a CPU); ``train_bytes``
    those of a trainable one: 4, or 2 for weights that train in bf16. ``double`` is double quantization.
    """

    method: str = "qlora"
    r: int = 16
    targets: str = "all linear"
    sequence: int = 512
    batch: int = 1
    checkpointing: bool = True
    optimizer: str = "adamw"
    double: bool = True
    train_bytes: int = 4
    wide: int = 2

    def __post_init__(self):
        for name, allowed in (
            ("method", METHODS),
            ("optimizer", OPTIMIZERS),
            ("targets", TARGET_SETS),
        ):
            if getattr(self, name) not in allowed:
                raise BadInput(
                    f"unknown {name} '{getattr(self, name)}'", f"Use one of: {', '.join(allowed)}."
                )
        for name in ("r", "sequence", "batch"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 1 <= value <= 10_000_000:
                raise BadInput(f"{name} is {value}", "Give a whole number of at least 1.")
        for name in ("train_bytes", "wide"):
            if getattr(self, name) not in (2, 4):
                raise BadInput(
                    f"{name} is {getattr(self, name)}", "Give 2 (16 bits) or 4 (32 bits)."
                )


def four_bit_bytes(count: int, double: bool = True) -> int:
    """Bytes of one quantized matrix of ``count`` numbers as bitsandbytes holds it (QLoRA §3).

    Packed codes, one scale a 64 numbers, and the code book (16 floats; 256 more for the scales' own).
    """
    scales = -(-count // _BLOCK)
    if not double:
        return -(-count // 2) + 4 * scales + 4 * 16
    return -(-count // 2) + scales + 4 * -(-scales // _SCALE_BLOCK) + 4 + 4 * (16 + 256)


def weight_bytes(model: str, plan: Plan) -> dict[str, int]:
    """``weights_4bit`` and ``weights_wide``: what is quantized, and embeddings, norms, biases and head, which are not.

    Fully trained weights of 4 bytes also leave 16-bit ``copies`` of every matrix during a step (autocast).
    """
    linear, total = linear_shapes(model)
    in_linear = sum(map(prod, linear.values()))
    found = {"weights_4bit": 0, "weights_wide": plan.wide * total, "copies": 0}
    if plan.method == "qlora":
        found["weights_4bit"] = sum(four_bit_bytes(d * k, plan.double) for d, k in linear.values())
        found["weights_wide"] = plan.wide * (total - in_linear)
    elif plan.method == "full":
        found["weights_wide"] = plan.train_bytes * total
        if plan.train_bytes > plan.wide:
            found["copies"] = plan.wide * in_linear
    return found


def trainable_shapes(model: str, plan: Plan) -> list[tuple[tuple[int, ...], bool]]:
    """``(shape, is an embedding)`` of every tensor that trains: all of them, or A (r, k) and B (d, r)."""
    if plan.method == "full":
        return [(s, "embed" in n or "wte" in n) for n, s in parameter_shapes(model).items()]
    pairs = (((plan.r, k), (d, plan.r)) for d, k in target_shapes(model, plan.targets))
    return [(shape, False) for pair in pairs for shape in pair]


def optimizer_bytes(
    shapes: list[tuple[tuple[int, ...], bool]], optimizer: str, train_bytes: int
) -> int:
    """AdamW's two moments: as wide as the weights, or 8 bits and a float a 256 (Dettmers et al. 2022).

    In 8 bits, tensors below 4,096 numbers and embeddings stay in 32, as bitsandbytes and the Trainer have it.
    """
    if optimizer == "adamw":
        return sum(2 * train_bytes * prod(shape) for shape, _ in shapes)
    total, tables = 0, 0
    for shape, embedding in shapes:
        count = prod(shape)
        if count < _MIN_8BIT or embedding:
            total += 2 * 4 * count
        else:
            total, tables = total + 2 * (count + 4 * -(-count // _SCALE_BLOCK)), 2 * 4 * 256
    return total + tables


def pageable_bytes(shapes: list[tuple[tuple[int, ...], bool]], plan: Plan) -> int:
    """What a paged optimizer can move to the CPU's memory when the GPU's runs out: its large tensors."""
    if not plan.optimizer.startswith("paged"):
        return 0
    large = [pair for pair in shapes if prod(pair[0]) >= _PAGED_FROM]
    return optimizer_bytes(large, plan.optimizer, plan.train_bytes)


def terms(model: str, plan: Plan) -> dict[str, int]:
    """Bytes of every term, in the order of ``TERMS``."""
    from lab_helpers.tuning.dry_run import activation_bytes

    shapes = trainable_shapes(model, plan)
    trained = sum(prod(shape) for shape, _ in shapes)
    return {
        **weight_bytes(model, plan),
        "adapter": 0 if plan.method == "full" else plan.train_bytes * trained,
        "gradients": plan.train_bytes * trained,
        "optimizer": optimizer_bytes(shapes, plan.optimizer, plan.train_bytes),
        "activations": activation_bytes(
            model,
            plan.method,
            plan.r,
            plan.targets,
            plan.checkpointing,
            plan.wide,
            plan.batch * plan.sequence,
        ),
    }


def fits(found: dict[str, int], pageable: int = 0) -> dict[str, bool]:
    """On which GPUs a plan fits, with the reserve, and paged states moved out where that is needed."""
    needed = (sum(found.values()) - pageable) / GIB + RESERVE
    return {name: needed <= gib for name, gib in GPUS.items()}


def fit(model: str, plan: Plan) -> dict:
    """Terms in bytes, their sum in GiB, and the GPUs: what ``labs fit`` shows of one plan."""
    found = terms(model, plan)
    pageable = pageable_bytes(trainable_shapes(model, plan), plan)
    return {
        "model": model,
        "plan": asdict(plan),
        "parameters": linear_shapes(model)[1],
        "terms": found,
        "pageable": pageable,
        "gib": sum(found.values()) / GIB,
        "fits": fits(found, pageable),
    }


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
