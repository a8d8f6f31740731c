"""Lab 03, drill 9: a trained adapter into 4-bit, into dequantized and into the original weights."""

import warnings
from pathlib import Path

import torch

from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.models.adapters import load_adapter
from lab_helpers.models.four_bit import (
    copy_unpacked,
    four_bit_layers,
    load_four_bit,
    unpack_weight,
)
from lab_helpers.models.language_models import load_language_model


def compute_true_weights(model) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Of every adapted 4-bit layer: the weight that training really used, dequantized W + ΔW, and ΔW."""
    from peft.tuners.lora.layer import LoraLayer

    found = {}
    for name, module in model.get_base_model().named_modules():
        if isinstance(module, LoraLayer):
            delta = module.get_delta_weight("default").detach().float()
            found[name] = unpack_weight(module.base_layer).float() + delta, delta
    return found


def merge_adapter(model):
    """PEFT's merge; its warning about rounding is what this lab measures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.merge_and_unload()


def read_plain_weights(model, names) -> dict[str, torch.Tensor]:
    """The weights of the named layers as floats, whether they are held in 4 bits or not."""
    layers = four_bit_layers(model)
    return {n: (unpack_weight(layers[n]) if n in layers else model.get_submodule(n).weight.detach()).float() for n in names}  # fmt: skip


def compute_merge_error(true: dict, merged: dict[str, torch.Tensor]) -> float:
    """‖merged - (W + ΔW)‖ / ‖ΔW‖ over all adapted layers together: 1 means that as much is lost as was learned."""
    error = sum(float((merged[name] - wanted).norm()) ** 2 for name, (wanted, _) in true.items())
    size = sum(float(delta.norm()) ** 2 for _, delta in true.values())
    return (error / size) ** 0.5


def compute_delta_size(true: dict) -> float:
    """‖ΔW‖ / ‖W‖ over all adapted layers together."""
    sizes = sum(float(delta.norm()) ** 2 for _, delta in true.values())
    bases = sum(float((wanted - delta).norm()) ** 2 for wanted, delta in true.values())
    return (sizes / bases) ** 0.5


def measure_merging(name: str, folder: Path, rows: list[dict]) -> tuple[list[dict], float]:
    """The adapter kept apart, and merged into three bases: error of the weights, loss on held-out ``rows``.

    Beside the table ‖ΔW‖ / ‖W‖ of the adapter in ``folder``.
    """
    base, tokenizer = load_four_bit(name)
    apart = load_adapter(base, folder)
    true = compute_true_weights(apart)
    found = [
        {
            "merged into": "kept apart",
            "error": 0.0,
            "loss": answer_loss(apart, tokenizer, rows),
        }
    ]
    for label, target in (
        ("4-bit", lambda: load_four_bit(name)[0]),
        (
            "dequantized",
            lambda: copy_unpacked(load_four_bit(name)[0], load_language_model(name)[0]),
        ),
        ("original", lambda: load_language_model(name)[0]),
    ):
        merged = merge_adapter(load_adapter(target(), folder))
        error = compute_merge_error(true, read_plain_weights(merged, true))
        found.append(
            {"merged into": label, "error": error, "loss": answer_loss(merged, tokenizer, rows)}
        )
    return found, compute_delta_size(true)


def merge_metrics(rows: list[dict]) -> dict[str, float]:
    """Errors and losses of the four rows."""
    named = {row["merged into"]: row for row in rows}
    summary = {"eval_loss_apart": named["kept apart"]["loss"]}
    for label, short in (
        ("4-bit", "4bit"),
        ("dequantized", "dequantized"),
        ("original", "original"),
    ):
        summary[f"merge_error_{short}"] = named[label]["error"]
        summary[f"eval_loss_merged_{short}"] = named[label]["loss"]
    return summary
