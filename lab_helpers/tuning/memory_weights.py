"""Bytes that lie in memory between two steps: weights, adapters, gradients, optimizer states."""

from functools import lru_cache
from math import prod

from lab_helpers.models.known_configs import (
    has_experts,
    linear_shapes,
    parameter_shapes,
    quantized_shapes,
    target_shapes,
    whole_model,
)
from lab_helpers.tuning.adapted import adapter_shapes
from lab_helpers.tuning.memory_plan import Plan
from lab_helpers.tuning.stand_ins import HEAD_COLUMNS

Shapes = list[tuple[tuple[int, ...], bool]]
_BLOCK, _SCALE_BLOCK, _MIN_8BIT, _PAGED_FROM = 64, 256, 4096, 100_000


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

    A mixture's experts, which lie in tensors of their own, are not quantized either. Fully trained weights
    of 4 bytes also leave 16-bit ``copies`` during a step (autocast): of every matrix, and of the head
    whole, or of the tile of it that a fused loss works on.
    """
    total = linear_shapes(model)[1]
    head, width = head_shape(model)
    if plan.training == "reward":
        total += width - _own_head(model)
    found = {"weights_4bit": 0, "weights_wide": plan.wide * total, "copies": 0}
    if plan.method == "qlora":
        four_bit = quantized_shapes(model).values()
        found["weights_4bit"] = sum(four_bit_bytes(d * k, plan.double) for d, k in four_bit)
        found["weights_wide"] = plan.wide * (total - sum(map(prod, four_bit)))
    elif plan.method == "full":
        found["weights_wide"] = plan.train_bytes * total
        if plan.train_bytes > plan.wide:
            matrices = sum(map(prod, linear_shapes(model)[0].values()))
            found["copies"] = plan.wide * (matrices + _head_copy(plan, head, width))
    return found


def _head_copy(plan: Plan, words: int, width: int) -> int:
    if plan.training == "reward":
        return width
    whole = plan.logits == "full" or (plan.logits == "trl" and plan.training == "ppo")
    return words * width if whole else min(words, HEAD_COLUMNS) * width


@lru_cache(maxsize=32)
def head_shape(model: str) -> tuple[int, int]:
    """(words, width) of the matrix that turns hidden states into words."""
    words, width = whole_model(model).get_output_embeddings().weight.shape
    return words, width


@lru_cache(maxsize=32)
def _own_head(model: str) -> int:
    """Numbers in the head alone; 0 where it is the embeddings' matrix."""
    net = whole_model(model)
    head = net.get_output_embeddings()
    tied = head.weight is net.get_input_embeddings().weight
    return 0 if tied else sum(p.numel() for p in head.parameters())


def trainable_shapes(model: str, plan: Plan) -> Shapes:
    """``(shape, is an embedding)`` of every tensor that trains: all of them, or A (r, k) and B (d, r).

    On a mixture, and for an adapter's folder, what PEFT makes trainable. A reward model has a score for a head.
    """
    if plan.method == "full":
        shapes = [(s, "embed" in n or "wte" in n) for n, s in parameter_shapes(model).items()]
    elif plan.adapter or has_experts(model):
        shapes = list(adapter_shapes(model, plan.r, plan.targets, plan.adapter))
    else:
        pairs = (((plan.r, k), (d, plan.r)) for d, k in target_shapes(model, plan.targets))
        shapes = [(shape, False) for pair in pairs for shape in pair]
    return with_score(model, shapes) if plan.training == "reward" else shapes


def with_score(model: str, shapes: Shapes) -> Shapes:
    """``shapes`` with a score in the head's place: one number a token (``num_labels=1``)."""
    words, width = head_shape(model)
    heads = 1 if _own_head(model) else 0
    kept = [one for one in shapes if not (heads and one[0] == (words, width) and not one[1])]
    return [*kept, ((1, width), False)]


def optimizer_bytes(shapes: Shapes, optimizer: str, train_bytes: int) -> int:
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


def pageable_bytes(shapes: Shapes, plan: Plan) -> int:
    """What a paged optimizer can move to the CPU's memory when the GPU's runs out: its large tensors."""
    if not plan.optimizer.startswith("paged"):
        return 0
    large = [pair for pair in shapes if prod(pair[0]) >= _PAGED_FROM]
    return optimizer_bytes(large, plan.optimizer, plan.train_bytes)
