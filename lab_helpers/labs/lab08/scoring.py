"""Lab 08: ranks in use, and the tables made of losses."""

import numpy as np

from lab_helpers.labs.shared.arms import compare_arms
from lab_helpers.runtime.intervals import bootstrap_interval


def count_ranks(model) -> dict[str, int]:
    """AdaLoRA's ranks in use: for each adapted matrix how many of its singular values are not zero."""
    return {
        ".".join(name.split(".")[4:7:2]): int((values.detach() != 0).sum())
        for name, values in model.named_parameters()
        if "lora_E" in name
    }


def method_rows(losses: dict[str, np.ndarray], sizes: dict[str, dict], against: str) -> list[dict]:
    """The table of methods, best first: size, seconds, mean loss, each seed's, and the paired difference.

    ``losses`` are (seeds, rows) by method; ``sizes`` hold ``parameters``, ``bytes`` and ``seconds``.
    """
    rows = []
    for name in sorted(losses, key=lambda one: losses[one].mean()):
        found = compare_arms(losses[name], losses[against])
        own = name == against
        size = sizes[name]
        rows.append({
            "method": name, "parameters": size["parameters"], "KB": size["bytes"] / 1e3,
            "train seconds": size["seconds"], "loss": float(losses[name].mean()),
            "each seed": losses[name].mean(axis=1).round(3).tolist(),
            f"minus {against}": "–" if own else found["difference"],
            "interval": "–" if own else found["interval"],
            "decided": "–" if own else found["decided"],
        })  # fmt: skip
    return rows


def method_metrics(losses: dict[str, np.ndarray], sizes: dict[str, dict], untuned: float) -> dict:
    """``methods`` by name: parameters, bytes, seconds, quality and its interval over the test rows.

    Quality is the share of the untuned model's loss that the method takes away.
    """
    methods = {}
    for name, found in losses.items():
        by_row = 1 - found.mean(axis=0) / untuned
        low, high = bootstrap_interval(by_row)
        methods[name] = sizes[name] | {"quality": float(by_row.mean()), "quality_ci": [low, high]}
    best = min(losses, key=lambda one: losses[one].mean())
    level = [
        name
        for name in losses
        if name == best or compare_arms(losses[name], losses[best])["decided"] != "decided"
    ]
    return {"methods": methods, "methods_not_behind_best": len(level)}


def prompt_metrics(grid: list[dict], methods: dict, untuned: float) -> dict:
    """Claim 25: prompt tuning's size beside LoRA's, its best quality, and how far settings move it."""
    losses = [
        row["loss"]
        for row in grid
        if row["method"] in ("prompt tuning", "prompt from text") and np.isfinite(row["loss"])
    ]
    return {
        "prompt_tuning_parameters_over_lora": methods["prompt tuning"]["parameters"]
        / methods["LoRA"]["parameters"],
        "prompt_tuning_quality_best": max(
            methods[name]["quality"] for name in ("prompt tuning", "prompt from text")
        ),
        "prompt_tuning_quality_spread": (max(losses) - min(losses)) / untuned,
    }
