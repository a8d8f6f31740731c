"""A training step without weights: shapes only (meta device), every tensor's birth and death counted.

What autograd keeps for the backward pass depends on what is frozen, on adapters, on checkpointing. Instead
of a formula for each case, the step is gone through, and the bytes that are alive are added up. Where
blocks are alike, two groups of them are gone through, and a line is drawn through both.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import nn

from lab_helpers.models.blocks import Pattern, block_kind, find_blocks, find_pattern, shorten
from lab_helpers.models.config_files import short
from lab_helpers.models.known_configs import meta_model, whole_model
from lab_helpers.models.linear_layers import quantized_layers
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.tuning.adapted import put_adapter
from lab_helpers.tuning.live_bytes import LiveBytes
from lab_helpers.tuning.stand_ins import NAME, fold_four_bit, use_stand_ins, without_kernels
from lab_helpers.tuning.step_losses import run_step

# What a model's code raises where it wants values that are not there.
CANNOT_RUN = (NotImplementedError, RuntimeError, TypeError, ValueError, AttributeError, KeyError)
# A model that walks through a text token by token is counted on shorter texts, of so many operations.
_PATIENCE, _SHORT = 4000, 32


@dataclass(frozen=True)
class DryStep:
    """One training step of one model.

    ``rows`` sequences of ``length`` tokens go through at once. ``loss`` is how the words' probabilities
    are made: "model" (the model's own loss), "logprobs" (whole logits, as DPO and GRPO read them),
    "fused" (TRL ≥ 1.16), "fused_torch" (the same without Triton), "score" (a reward or value head).
    ``scored`` tokens at each row's end enter it, all where it is ``None``. ``reference`` adds a frozen forward pass after the trained one. ``adapter``
    is a folder whose settings take the place of ``r`` and ``targets``.
    """

    model: str
    method: str = "qlora"
    r: int = 16
    targets: str = "all linear"
    checkpointing: bool = True
    wide: int = 2
    rows: int = 1
    length: int = 512
    loss: str = "model"
    scored: int | None = None
    reference: bool = False
    adapter: str | None = None


@lru_cache(maxsize=512)
def activation_bytes(step: DryStep) -> int:
    """Peak of activations and temporaries in one training step."""
    return along_length(step, lambda one: along_blocks(one.model, lambda n: peak_bytes(one, n)))


def along_blocks(model: str, count) -> int:
    """``count(blocks)`` of the whole model, by two short ones where its blocks repeat."""
    pattern = block_pattern(model)
    if pattern is None:
        return count(None)
    one, two = (count(length) for length in pattern.lengths)
    return one + (two - one) * pattern.groups_beyond


def along_length(step: DryStep, count) -> int:
    """``count(step)``, by two shorter texts where a model walks through them token by token."""
    longest = walked_length(step.model) if step.length > _SHORT else None
    if longest is None or step.length <= longest:
        return count(step)
    half = replace(step, length=longest // 2, scored=_scored_of(step, longest // 2))
    full = replace(step, length=longest, scored=_scored_of(step, longest))
    one, two = count(half), count(full)
    return two + (two - one) * (step.length - longest) // (longest - longest // 2)


def _scored_of(step: DryStep, length: int) -> int | None:
    return None if step.scored is None else max(1, step.scored * length // step.length)


@lru_cache(maxsize=64)
def block_pattern(model: str) -> Pattern | None:
    """How the model's blocks repeat; ``None`` where they do not, and all must be gone through."""
    net = whole_model(model)
    name = find_blocks(net)
    return find_pattern([block_kind(block) for block in net.get_submodule(name)]) if name else None


@lru_cache(maxsize=64)
def block_count(model: str) -> int:
    """How many blocks the model has; 1 where they do not lie in one list."""
    net = whole_model(model)
    name = find_blocks(net)
    return len(net.get_submodule(name)) if name else 1


@lru_cache(maxsize=64)
def walked_length(model: str) -> int | None:
    """The longest text worth walking through token by token; ``None`` for a model that need not."""
    pattern = block_pattern(model)
    net = shorten(meta_model(model, dtype=torch.bfloat16), pattern.lengths[0] if pattern else 1)
    use_stand_ins(net)
    few, many = (_operations(net, length) for length in (64, 128))
    if many <= 1.05 * few:
        return None
    longest = _SHORT
    while longest < 256 and few * longest / 32 < _PATIENCE:
        longest *= 2
    return longest


def _operations(net: nn.Module, length: int) -> int:
    """How many operations a forward pass takes; 0 where it cannot be run at all."""
    ids = torch.zeros(1, length, dtype=torch.long, device="meta")
    with LiveBytes([*net.parameters(), *net.buffers(), ids], set()) as live, _undisturbed():
        try:
            with torch.no_grad():
                net(input_ids=ids, use_cache=False)
        except CANNOT_RUN:
            return 0
    return live.operations


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without kernels that a meta tensor has not, and without transformers' word on each of them."""
    from lab_helpers.models.sources import quiet_loading

    with without_kernels(), quiet_loading():
        yield


def peak_bytes(step: DryStep, blocks: int | None = None) -> int:
    """The same of a model with its first ``blocks`` blocks, or all, gone through whole."""

    def work(net: nn.Module, ids: torch.Tensor, live: LiveBytes) -> int:
        run_step(net, ids, step.loss, step.scored, step.reference)
        return live.peak

    return go_through(step, blocks, work)


def go_through(step: DryStep, blocks: int | None, work: Callable):
    """``work(model, ids, live bytes)`` of the prepared model.

    Tried with the fused attention's stand-in, then with the model's own way to it, then unfused; what
    cannot be run at all is a :class:`BadInput`.
    """
    last: Exception | None = None
    for attention in (NAME, "sdpa", "eager"):
        net = prepare(step, blocks, attention)
        ids = torch.zeros(step.rows, step.length, dtype=torch.long, device="meta")
        trained = {tuple(p.shape) for p in net.parameters() if p.requires_grad}
        known = [*net.parameters(), *net.buffers(), ids]
        with LiveBytes(known, trained) as live, _undisturbed():
            try:
                return work(net, ids, live)
            except CANNOT_RUN as error:
                last = error
    raise cannot_count(step.model, last)


def cannot_count(model: str, error: Exception | None) -> BadInput:
    """The sentence for a model whose step does not run without values."""
    why = short(error) if error else ""
    return BadInput(
        say(
            f"a step of '{model}' cannot be gone through without its weights ({why})",
            f"「{model}」の 1 ステップは、重みなしではたどれません（{why}）",
        ),
        say(
            "Its weights, gradients and optimizer can still be counted: labs fit MODEL --no-activations.",
            "重み、勾配、オプティマイザーは計算できます: labs fit MODEL --no-activations。",
        ),
    )


def prepare(step: DryStep, blocks: int | None, attention: str = NAME) -> nn.Module:
    """The (shortened) model with its adapter, in training mode, each gradient dropped once it is there."""
    from lab_helpers.models.sources import hush_known_warnings

    hush_known_warnings()  # before bitsandbytes is imported
    dtype = torch.float32 if step.wide == 4 else torch.bfloat16
    options = {"attn_implementation": "eager"} if attention == "eager" else {}
    net = meta_model(step.model, blocks, dtype=dtype, **options)
    use_stand_ins(net, attention)
    four_bit = list(quantized_layers(net).values()) if step.method == "qlora" else []
    inner = net
    if step.method != "full":
        net = put_adapter(net, step.model, step.r, step.targets, step.adapter)
    fold_four_bit(net, four_bit)
    if step.checkpointing:
        _enable_checkpointing(inner)
    for parameter in net.parameters():
        if parameter.requires_grad:
            parameter.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))
    return net.train()


def _enable_checkpointing(net: nn.Module) -> None:
    """As the Trainer does; a family that cannot (see :func:`can_checkpoint`) goes on without it."""
    if not getattr(net, "supports_gradient_checkpointing", False):
        return
    enable = getattr(net, "activation_checkpointing_enable", None)
    (enable or net.gradient_checkpointing_enable)({"use_reentrant": False})
    net.enable_input_require_grads()


@lru_cache(maxsize=64)
def can_checkpoint(model: str) -> bool:
    """Whether transformers has gradient checkpointing for the model's family."""
    return bool(getattr(whole_model(model), "supports_gradient_checkpointing", False))
