"""Is LoRA by hand the same as PEFT's? Both get the same factors on the same real encoder."""

import hashlib
from pathlib import Path

import torch
from torch import nn

from lab_helpers.tuning.lora import LoraLinear, adapter_parameters, add_lora
from lab_helpers.tuning.transfer import TextEncoder

TARGETS = ["query", "value"]


def measure_peft_parity(
    encoder: TextEncoder, texts: list[str], folder: Path, r: int, alpha: int, seed: int
) -> dict:
    """Largest absolute differences in the encoder's output: start, forward, merge, unmerge.

    Also the adapter file's size against Σ r·(d+k) · 4 bytes; it is saved in ``folder / "adapter"``.
    """
    from peft import LoraConfig, get_peft_model

    batch = encoder.pad(encoder.tokenize(texts))
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}

    def output(model) -> torch.Tensor:
        with torch.no_grad():
            return model(**inputs).last_hidden_state

    plain, hand = encoder.load().eval(), encoder.load().eval()
    names = add_lora(hand, TARGETS, r, alpha)
    config = LoraConfig(r=r, lora_alpha=alpha, target_modules=TARGETS)
    library = get_peft_model(encoder.load(), config).eval()
    untouched, start = output(plain), output(hand)
    give_same_factors(hand, library, names, seed)
    by_hand, by_peft = output(hand), output(library)
    adapters = [module for module in hand.modules() if isinstance(module, LoraLinear)]
    for layer in adapters:
        layer.merge()
    merged_hand = output(hand)
    for layer in adapters:
        layer.unmerge()
    library.save_pretrained(folder / "adapter")
    size = (folder / "adapter" / "adapter_model.safetensors").stat().st_size
    merged_peft = output(library.merge_and_unload())
    shapes = [(layer.base.out_features, layer.base.in_features) for layer in adapters]
    return {
        "step0_max_abs_diff": largest_difference(start, untouched),
        "hand_lora_max_abs_diff": largest_difference(by_hand, by_peft),
        "peft_max_abs_diff_forward": largest_difference(by_hand, by_peft),
        "peft_max_abs_diff_merged": largest_difference(merged_hand, merged_peft),
        "merge_max_abs_diff": largest_difference(merged_hand, by_hand),
        "unmerge_max_abs_diff": largest_difference(output(hand), by_hand),
        "adapter_effect": largest_difference(by_hand, untouched),
        "adapter_bytes": size,
        "adapter_bytes_rel_error": size / (4 * adapter_parameters(shapes, r)) - 1,
        "adapted_matrices_qv": len(names),
        "linear_matrices_total": sum(isinstance(m, nn.Linear) for m in plain.modules()),
    }


def give_same_factors(hand: nn.Module, library: nn.Module, names: list[str], seed: int) -> None:
    """Draw A and B once (so that ΔW is not zero) and put them into both models."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name in names:
            ours = hand.get_submodule(name)
            theirs = library.base_model.model.get_submodule(name)
            for mine, other in (
                (ours.A, theirs.lora_A["default"].weight),
                (ours.B, theirs.lora_B["default"].weight),
            ):
                mine.copy_(0.02 * torch.randn(mine.shape, generator=generator))
                other.copy_(mine)


def hash_frozen_weights(model: nn.Module) -> str:
    """SHA-256 of all frozen weights: the base under an adapter."""
    digest = hashlib.sha256()
    for _, parameter in model.named_parameters():
        if not parameter.requires_grad:
            digest.update(parameter.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def largest_difference(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max())
