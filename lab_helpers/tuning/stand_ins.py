"""Stand-ins for kernels in a step without weights: they compute nothing and keep what the kernel keeps.

On the meta device a fused kernel would be taken apart into torch operations that a GPU never runs, and a
4-bit product does not exist. Each class names the kernel whose saved tensors and temporaries it copies.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import MethodType
from typing import Any

import torch
from torch import nn

NAME = "dry_run"
"""Under this name transformers finds the attention and the experts."""

# TRL 1.16: trl/trainer/utils.py (_CHUNKED_LOGPROB_CHUNK_SIZE) and trl/kernels/chunked_logprob.py.
HEAD_COLUMNS, HEAD_ROWS = 32768, 4096


class FusedAttention(torch.autograd.Function):
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


def _attend(module, query, key, value, attention_mask, **unused):
    return FusedAttention.apply(query, key, value).transpose(1, 2).contiguous(), None


def _attend_plainly(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, **unused):
    return FusedAttention.apply(query, key, value)


class FourBitProduct(torch.autograd.Function):
    """What bitsandbytes' 4-bit product does: unpacks W for itself, forward and backward, keeps neither x nor W."""

    @staticmethod
    def forward(ctx, x, weight, bias, turned):
        ctx.weight, ctx.turned = weight, turned
        unpacked = torch.empty_like(weight)
        out = x @ (unpacked if turned else unpacked.T)
        return out if bias is None else out.add_(bias)

    @staticmethod
    def backward(ctx, gradient):
        unpacked = torch.empty_like(ctx.weight)
        return gradient @ (unpacked.T if ctx.turned else unpacked), None, None, None


class FourBit(nn.Module):
    """A frozen linear layer (or GPT-2's transposed one) that works as ``Linear4bit`` does."""

    def __init__(self, linear: nn.Module):
        super().__init__()
        self.linear = linear
        self.turned = not isinstance(linear, nn.Linear)

    @property
    def weight(self) -> nn.Parameter:
        return self.linear.weight

    @property
    def bias(self) -> nn.Parameter | None:
        return self.linear.bias

    def forward(self, x):
        return FourBitProduct.apply(x, self.linear.weight, self.linear.bias, self.turned)


class _GroupedProduct(torch.autograd.Function):
    """``torch.nn.functional.grouped_mm``: keeps x only where W trains."""

    @staticmethod
    def forward(ctx, x, weight, columns):
        ctx.rows, ctx.trains = x.shape, weight.requires_grad
        ctx.save_for_backward(x if ctx.trains else None, weight)
        return x.new_empty(x.shape[0], columns)

    @staticmethod
    def backward(ctx, gradient):
        _, weight = ctx.saved_tensors
        for_weight = torch.empty_like(weight) if ctx.trains else None
        return gradient.new_empty(ctx.rows), for_weight, None


def _mix(self, hidden_states, top_k_index, top_k_weights):
    """transformers' ``grouped_mm_experts_forward``: each token once for each expert that it goes to.

    Which expert gets how many tokens does not matter for the bytes, so nothing is sorted.
    """
    chosen, order = top_k_index.shape[-1], top_k_index.reshape(-1)
    flat = hidden_states.reshape(-1, hidden_states.shape[-1])
    out = _go_through_experts(self, flat.repeat_interleave(chosen, dim=0))
    out = out * top_k_weights.reshape(-1).unsqueeze(-1)
    out = out.index_select(0, order)  # back into the tokens' order
    out = out.view(-1, chosen, out.shape[-1]).sum(dim=1)
    return out.view(hidden_states.shape).to(hidden_states.dtype)


def _go_through_experts(experts: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Up, gate and down; DBRX has the three matrices of all experts below each other."""
    if hasattr(experts, "mlp"):
        own, width = experts.mlp, experts.ffn_hidden_size
        gate = own.activation_fn(_GroupedProduct.apply(x, own.w1, width))
        return _GroupedProduct.apply(
            gate * _GroupedProduct.apply(x, own.v1, width), own.w2, x.shape[1]
        )
    side = -1 if getattr(experts, "is_transposed", False) else -2
    gated = getattr(experts, "has_gate", True)
    first, second = experts.gate_up_proj if gated else experts.up_proj, experts.down_proj
    out = _GroupedProduct.apply(x, first, first.shape[side])
    if not gated:
        out = experts.act_fn(out)
    elif hasattr(experts, "_apply_gate"):
        out = experts._apply_gate(out)
    else:
        gate, up = out.chunk(2, dim=-1)
        out = experts.act_fn(gate) * up
    out = _GroupedProduct.apply(out, second, second.shape[side])
    return experts.post_expert_norm(out) if getattr(experts, "has_post_expert_norm", 0) else out


def _multiply_by_experts(self, inputs, expert_size):
    """JetMoe's ``JetMoeParallelExperts``: a list of sizes splits what an expert gets."""
    return _GroupedProduct.apply(inputs, self.weight, self.output_size)


# Experts that go through a loop of their own, over what is not there without values.
_LOOPS: dict[str, Callable] = {
    "DbrxExperts": _mix,
    "LongcatFlashExperts": _mix,
    "JetMoeParallelExperts": _multiply_by_experts,
}


class FusedHead(torch.autograd.Function):
    """The loss of TRL ≥ 1.16 on a GPU with Triton: logits in tiles, never whole.

    ``trl.kernels.chunked_logprob.ChunkedLogProbFunction``: a tile of 4,096 tokens × 32,768 words in the
    compute type, written over in place; seven floats a token; backward the gradient of the hidden states
    (and of a head that trains) in float32, then once more in their own type.
    """

    @staticmethod
    def forward(ctx, hidden, weight, bias):
        tokens = hidden.shape[0]
        floats = [hidden.new_empty(tokens, dtype=torch.float32) for _ in range(7)]
        tile = _tile(hidden)
        log_z, entropy, out = (hidden.new_empty(tokens, dtype=torch.float32) for _ in range(3))
        ctx.save_for_backward(hidden, weight, bias, log_z, entropy)
        del tile, floats  # until here they are all alive
        return out

    @staticmethod
    def backward(ctx, gradient):
        hidden, weight, bias, *_ = ctx.saved_tensors
        needed = [
            tensor.new_empty(tensor.shape, dtype=torch.float32) if needs else None
            for tensor, needs in zip((hidden, weight, bias), ctx.needs_input_grad, strict=True)
        ]
        tile = _tile(hidden)
        found = tuple(
            None if wide is None else wide.to(tensor.dtype)
            for wide, tensor in zip(needed, (hidden, weight, bias), strict=True)
        )
        del tile  # until here it is alive
        return found


def _tile(hidden: torch.Tensor) -> torch.Tensor:
    return hidden.new_empty(min(len(hidden), HEAD_ROWS), HEAD_COLUMNS)


def use_stand_ins(net: nn.Module, attention: str = NAME) -> None:
    """Let ``net`` attend and mix experts by the stand-ins, where transformers would use a fused kernel.

    What transformers runs unfused (Gemma 2's capped scores, gpt-oss's sinks, old families) stays as it
    is: its square of the sequence length is real. ``attention`` "sdpa" leaves the model's own way to
    torch's fused attention, for models that need a mask of their own on it.
    """
    from transformers import AttentionInterface
    from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

    AttentionInterface.register(NAME, _attend)
    ALL_EXPERTS_FUNCTIONS.register(NAME, _mix)
    for module in net.modules():
        kind = type(module)
        exchangeable = hasattr(sys.modules[kind.__module__], "ALL_ATTENTION_FUNCTIONS")
        config: Any = getattr(module, "config", None)
        if exchangeable and getattr(config, "_attn_implementation", None) == "sdpa":
            config._attn_implementation_internal = attention
        if getattr(config, "_experts_implementation", None) == "grouped_mm":
            config._experts_implementation_internal = NAME
        if kind.__name__ in _LOOPS:
            module.forward = MethodType(_LOOPS[kind.__name__], module)


@contextmanager
def without_kernels() -> Iterator[None]:
    """While inside, what torch has for no meta tensor answers: its fused attention, autocast, lists.

    Models that call torch's attention themselves get the stand-in. PEFT and TRL ask for autocast by
    the tensors' device, and "meta" is none that torch knows: there it is off. A list of values has ones.
    """
    functional, kept = nn.functional, nn.functional.scaled_dot_product_attention
    autocast, asks, listed = torch.autocast, torch.is_autocast_enabled, torch.Tensor.tolist
    functional.scaled_dot_product_attention = _attend_plainly
    torch.autocast = lambda device_type, *rest, **more: (
        nullcontext() if device_type == "meta" else autocast(device_type, *rest, **more)
    )
    torch.is_autocast_enabled = lambda *device: False if device == ("meta",) else asks(*device)
    torch.Tensor.tolist = lambda self: [1] * len(self) if self.is_meta else listed(self)
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = kept
        torch.autocast, torch.is_autocast_enabled, torch.Tensor.tolist = autocast, asks, listed


def fold_four_bit(net: nn.Module, layers: list[nn.Module]) -> None:
    """Replace each of ``layers``, wherever it lies in ``net`` by now, by its :class:`FourBit`."""
    wanted = {id(layer) for layer in layers}
    for parent in list(net.modules()):
        if isinstance(parent, FourBit) or type(parent).__name__ == "ParamWrapper":
            continue  # PEFT adapts the wrapper's weight as it lies there
        for name, child in list(parent.named_children()):
            if id(child) in wanted:
                setattr(parent, name, FourBit(child))
