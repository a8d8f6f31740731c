"""A training step without weights: shapes only (meta device), every tensor's birth and death counted.

What autograd keeps for the backward pass depends on what is frozen, on adapters, on checkpointing. Instead
of a formula for each case, the step is gone through, and the bytes that are alive are added up. All
blocks of a model are alike, so one and two blocks are run, and a line is drawn through both.
"""

import weakref
from functools import lru_cache

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lab_helpers.models.known_configs import TARGET_SETS, meta_model, model_config
from lab_helpers.runtime.errors import BadInput

ATTENTION = "dry_run"


class LiveBytes(TorchDispatchMode):
    """Adds up the storages that operations make; ``peak`` is the most that was alive at once.

    ``known`` are weights and inputs, ``trained`` the shapes of what trains: these tensors and gradients
    of these shapes are counted elsewhere.
    """

    def __init__(self, known: list[torch.Tensor], trained: set[tuple[int, ...]]):
        super().__init__()
        self.live = self.peak = 0
        self._kept = known
        self._gradients = trained | {shape[::-1] for shape in trained}
        self._seen = {tensor.untyped_storage()._cdata for tensor in known}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor) and tuple(leaf.shape) not in self._gradients:
                self._born(leaf.untyped_storage())
        return result

    def _born(self, storage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return
        self._seen.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._died, key, size)

    def _died(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.live -= size


class _FusedAttention(torch.autograd.Function):
    """What a fused kernel (FlashAttention, SDPA's) keeps: q, k, v, the output, one float a query."""

    @staticmethod
    def forward(ctx, query, key, value):
        out = query.new_empty(*query.shape[:-1], value.shape[-1])
        sums = query.new_empty(query.shape[:-1], dtype=torch.float32)
        ctx.save_for_backward(query, key, value, out, sums)
        return out

    @staticmethod
    def backward(ctx, gradient):
        return tuple(torch.empty_like(tensor) for tensor in ctx.saved_tensors[:3])


class _FourBitLinear(torch.autograd.Function):
    """What bitsandbytes' 4-bit product does: unpacks W for itself, forward and backward, keeps neither x nor W."""

    @staticmethod
    def forward(ctx, x, weight):
        ctx.weight = weight
        return x @ torch.empty_like(weight).T

    @staticmethod
    def backward(ctx, gradient):
        return gradient @ torch.empty_like(ctx.weight), None


class _FourBit(nn.Module):
    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.linear = linear

    def forward(self, x):
        return _FourBitLinear.apply(x, self.linear.weight)


def _attend(module, query, key, value, attention_mask, **unused):
    return _FusedAttention.apply(query, key, value).transpose(1, 2).contiguous(), None


@lru_cache(maxsize=256)
def activation_bytes(
    model: str, method: str, r: int, targets: str, checkpointing: bool, wide: int, tokens: int
) -> int:
    """Peak of activations and temporaries in one training step over ``tokens`` (batch × sequence)."""
    one, two = (
        peak_bytes(model, layers, method, r, targets, checkpointing, wide, tokens)
        for layers in (1, 2)
    )
    return one + (two - one) * (model_config(model).num_hidden_layers - 1)


def peak_bytes(model, layers, method, r, targets, checkpointing, wide, tokens) -> int:
    """The same of a model with ``layers`` blocks, gone through whole."""
    net = _prepared(model, layers, method, r, targets, checkpointing, wide)
    ids = torch.zeros(1, tokens, dtype=torch.long, device="meta")
    trained = {tuple(p.shape) for p in net.parameters() if p.requires_grad}
    with LiveBytes([*net.parameters(), *net.buffers(), ids], trained) as live:
        try:
            net(input_ids=ids, labels=ids, use_cache=False).loss.backward()
        except (NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            raise BadInput(
                f"a step of '{model}' cannot be counted on the meta device ({str(error)[:120]})",
                "lab_helpers.tuning.memory.weight_bytes and optimizer_bytes count the rest.",
            ) from None
    return live.peak


def _prepared(model, layers, method, r, targets, checkpointing, wide):
    """The shortened model with its adapter, in training mode, each gradient dropped once it is there."""
    from lab_helpers.models.sources import hush_known_warnings

    hush_known_warnings()  # before bitsandbytes is imported
    from peft import LoraConfig, get_peft_model
    from transformers import AttentionInterface

    AttentionInterface.register(ATTENTION, _attend)
    dtype = torch.float32 if wide == 4 else torch.bfloat16
    net = meta_model(model, layers, dtype=dtype, attn_implementation=ATTENTION)
    if method != "full":
        names = {name.rsplit(".", 1)[-1] for name, m in net.named_modules() if type(m) is nn.Linear}
        config = LoraConfig(r=r, target_modules=sorted(names & set(TARGET_SETS[targets])))
        net = get_peft_model(net, config, autocast_adapter_dtype=False)
    if method == "qlora":
        _four_bit(net)
    if checkpointing:
        inner = net if method == "full" else net.base_model.model
        enable = getattr(inner, "activation_checkpointing_enable", None)
        (enable or inner.gradient_checkpointing_enable)({"use_reentrant": False})
        inner.enable_input_require_grads()
    for parameter in net.parameters():
        if parameter.requires_grad:
            parameter.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))
    return net.train()


def _four_bit(net) -> None:
    """Every frozen linear layer but the head works as ``Linear4bit`` does."""
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            lora = name.startswith("lora_") or "lora_" in type(parent).__name__
            frozen = type(child) is nn.Linear and not child.weight.requires_grad
            if frozen and not lora and name != "lm_head":
                setattr(parent, name, _FourBit(child))
