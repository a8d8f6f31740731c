"""Lab 03, drill 9: a trained adapter merged into weights, and what of ΔW survives a rounding to 4 bits."""

from collections.abc import Iterator

import torch

from lab_helpers.labs.lab03.scoring import reply_losses
from lab_helpers.models.four_bit import unpack_weight
from lab_helpers.tuning import quantization


def adapted_layers(model) -> dict:
    """The layers of a ``PeftModel`` that have an adapter, by their name in the base."""
    from peft.tuners.lora.layer import LoraLayer

    modules = model.get_base_model().named_modules()
    return {name: module for name, module in modules if isinstance(module, LoraLayer)}


def stored_codes(layer) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]:
    """What a ``Linear4bit`` holds, on the CPU: indices (n,), scales (n / block,), code book (16,), block.

    Scales that are quantized themselves come back as floats: those that every product uses.
    """
    from bitsandbytes.functional import dequantize_blockwise

    state = layer.weight.quant_state
    scales = state.absmax
    if state.nested:
        scales = dequantize_blockwise(state.absmax, state.state2) + state.offset
    packed = layer.weight.detach().reshape(-1).cpu()
    indices = quantization.unpack(packed, state.shape.numel()).long()
    return indices, scales.float().cpu(), state.code.cpu(), state.blocksize


@torch.no_grad()
def true_weights(model) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
    """``(name, W, ΔW)`` of each adapted 4-bit layer, dequantized, one at a time.

    In float32 all matrices of a model of 1.5 billion weights are 5 GB.
    """
    for name, layer in adapted_layers(model).items():
        delta = layer.get_delta_weight("default").float()
        yield name, unpack_weight(layer.base_layer).float(), delta


@torch.no_grad()
def read_weight(model, name: str) -> torch.Tensor:
    """A layer's weight as floats, whether it is held in 4 bits or not."""
    layer = model.get_submodule(name)
    held = unpack_weight(layer) if hasattr(layer.weight, "quant_state") else layer.weight
    return held.detach().float()


def merge_rows(apart, merged) -> dict[str, float]:
    """How ``merged`` differs from ``apart``, the 4-bit model with its adapter, over all adapted layers together.

    With C = merged - W, what the merge really changed: ``kept`` = ⟨C, ΔW⟩ / ‖ΔW‖², the share of ΔW in it;
    ``noise`` = ‖C - kept · ΔW‖ / ‖ΔW‖, the rest, at right angles to ΔW; ``error`` = ‖C - ΔW‖ / ‖ΔW‖. So
    error² = (1 - kept)² + noise². ``size`` is ‖ΔW‖ / ‖W‖.
    """
    total = {"weights": 0.0, "delta": 0.0, "dot": 0.0, "change": 0.0}
    for name, weight, delta in true_weights(apart):
        change = read_weight(merged, name) - weight
        total["weights"] += float(weight.norm()) ** 2
        total["delta"] += float(delta.norm()) ** 2
        total["dot"] += float((change * delta).sum())
        total["change"] += float(change.norm()) ** 2
    return _shares(**total)


def _shares(weights: float, delta: float, dot: float, change: float) -> dict[str, float]:
    kept = dot / delta
    noise = max(change / delta - kept**2, 0.0) ** 0.5
    error = max((change - 2 * dot + delta) / delta, 0.0) ** 0.5
    return {"kept": kept, "noise": noise, "error": error, "size": (delta / weights) ** 0.5}


@torch.no_grad()
def measure_parts(apart, merged, plain, tokenizer, rows: list[dict], kept: float) -> list[dict]:
    """Loss on ``rows`` of the base alone, with only the kept share of ΔW, with only the noise, and with both.

    ``plain`` is a model in floats; its linear weights are overwritten.
    """
    parts = {
        "nothing": lambda delta, change: torch.zeros_like(delta),
        "noise alone": lambda delta, change: change - kept * delta,
        "kept share alone": lambda delta, change: kept * delta,
        "both: the 4-bit merge": lambda delta, change: change,
        "ΔW whole": lambda delta, change: delta,
    }
    found = []
    for label, part in parts.items():
        for name, weight, delta in true_weights(apart):
            change = read_weight(merged, name) - weight
            target = plain.get_submodule(name).weight
            target.copy_((weight + part(delta, change)).to(target))
        loss = float(reply_losses(plain, tokenizer, rows).mean())
        found.append({"added to the base": label, "reply loss": loss})
    return found


def keep_after_rounding(weights: torch.Tensor, delta: torch.Tensor, rounded: torch.Tensor) -> dict:
    """The same four shares for one flat tensor: ``rounded`` is the sum of both, brought to 4 bits and back."""
    change = rounded - weights
    return _shares(
        float(weights.norm()) ** 2,
        float(delta.norm()) ** 2,
        float(change @ delta),
        float(change.norm()) ** 2,
    )


def merge_table(apart, models: dict, tokenizer, rows: list[dict]) -> tuple[list[dict], dict]:
    """Error of the weights and loss on ``rows``: the adapter kept apart, and merged into each of ``models``.

    Beside the table its numbers as metrics.
    """
    loss = float(reply_losses(apart, tokenizer, rows).mean())
    table = [{"merged into": "kept apart", "error": 0.0, "reply loss": loss}]
    found = {"eval_loss_apart": loss}
    for label, merged in models.items():
        error = merge_rows(apart, merged)["error"]
        loss = float(reply_losses(merged, tokenizer, rows).mean())
        table.append({"merged into": label, "error": error, "reply loss": loss})
        short = label.replace("-", "")
        found |= {f"merge_error_{short}": error, f"eval_loss_merged_{short}": loss}
    return table, found
