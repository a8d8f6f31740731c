"""Lab 03, drill 9: a trained adapter into 4-bit, into dequantized and into the original weights."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.models.adapters import load_adapter
from lab_helpers.models.four_bit import (
    copy_unpacked,
    load_four_bit,
    unpack_weight,
)
from lab_helpers.models.language_models import load_language_model


class LayerByLayer(Mapping):
    """``{name: make(layer)}``, made when it is asked for and not kept.

    In float32 the matrices of a model of 1.5 billion weights are 5 GB, and this lab compares them with
    their changes and with what was merged.
    """

    def __init__(self, layers: dict, make: Callable):
        self._layers, self._make = layers, make

    def __getitem__(self, name: str):
        return self._make(self._layers[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)


@torch.no_grad()
def compute_true_weight(layer) -> tuple[torch.Tensor, torch.Tensor]:
    """Of an adapted 4-bit layer: the weight that training really used, dequantized W + ΔW, and ΔW."""
    delta = layer.get_delta_weight("default").float()
    return unpack_weight(layer.base_layer).float() + delta, delta


def compute_true_weights(model) -> Mapping[str, tuple[torch.Tensor, torch.Tensor]]:
    """:func:`compute_true_weight` of every adapted layer, one at a time."""
    from peft.tuners.lora.layer import LoraLayer

    modules = model.get_base_model().named_modules()
    layers = {name: module for name, module in modules if isinstance(module, LoraLayer)}
    return LayerByLayer(layers, compute_true_weight)


def merge_adapter(model):
    """PEFT's merge; its warning about rounding is what this lab measures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.merge_and_unload()


@torch.no_grad()
def read_plain_weight(layer) -> torch.Tensor:
    """A layer's weight as floats, whether it is held in 4 bits or not."""
    weight = layer.weight
    return (unpack_weight(layer) if hasattr(weight, "quant_state") else weight).detach().float()


def read_plain_weights(model, names) -> Mapping[str, torch.Tensor]:
    """:func:`read_plain_weight` of the named layers, one at a time."""
    return LayerByLayer({name: model.get_submodule(name) for name in names}, read_plain_weight)


def compute_merge_error(true: Mapping, merged: Mapping[str, torch.Tensor]) -> float:
    """‖merged - (W + ΔW)‖ / ‖ΔW‖ over all adapted layers together: 1 means that as much is lost as was learned."""
    error = sum(float((merged[name] - wanted).norm()) ** 2 for name, (wanted, _) in true.items())
    size = sum(float(delta.norm()) ** 2 for _, delta in true.values())
    return (error / size) ** 0.5


def compute_delta_size(true: Mapping) -> float:
    """‖ΔW‖ / ‖W‖ over all adapted layers together."""
    sizes = sum(float(delta.norm()) ** 2 for _, delta in true.values())
    bases = sum(float((wanted - delta).norm()) ** 2 for wanted, delta in true.values())
    return (sizes / bases) ** 0.5


def measure_merging(name: str, folder: Path, rows: list[dict]) -> tuple[list[dict], float]:
    """The adapter kept apart, and merged into three bases: error of the weights, loss on held-out ``rows``.

    Beside the table ‖ΔW‖ / ‖W‖ of the adapter in ``folder``. At most two models are in memory.
    """
    base, tokenizer = load_four_bit(name)
    apart = load_adapter(base, folder)
    true = compute_true_weights(apart)
    targets = {
        "4-bit": lambda: load_four_bit(name)[0],
        "dequantized": lambda: copy_unpacked(apart.get_base_model(), load_language_model(name)[0]),
        "original": lambda: load_language_model(name)[0],
    }

    def measure(label: str) -> dict:
        merged = merge_adapter(load_adapter(targets[label](), folder))
        error = compute_merge_error(true, read_plain_weights(merged, true))
        return {"merged into": label, "error": error, "loss": answer_loss(merged, tokenizer, rows)}

    kept = {"merged into": "kept apart", "error": 0.0, "loss": answer_loss(apart, tokenizer, rows)}
    return [kept, *map(measure, targets)], compute_delta_size(true)


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
