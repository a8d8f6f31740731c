"""Lab 08: losses row by row, ranks in use, and the tables made of them."""

import numpy as np
import torch

from lab_helpers.evaluation.answer_loss import pad_right
from lab_helpers.labs.shared.arms import compare_arms
from lab_helpers.models.logits import last_logits
from lab_helpers.runtime.intervals import bootstrap_interval
from lab_helpers.tuning.masks import IGNORED, ids_and_labels


@torch.inference_mode()
def measure_losses(model, tokenizer, examples: list[dict], batch_size: int = 20) -> np.ndarray:
    """Mean loss over the answer's tokens of each row, shape (rows,); soft prompts in front are not counted."""
    rows = [ids_and_labels(tokenizer, example) for example in examples]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))
    found = np.zeros(len(rows))
    for start in range(0, len(order), batch_size):
        some = order[start : start + batch_size]
        ids = pad_right([rows[i][0] for i in some], 0).to(model.device)
        labels = pad_right([rows[i][1] for i in some], IGNORED).to(model.device)
        mask = pad_right([[1] * len(rows[i][0]) for i in some], 0).to(model.device)
        width = ids.shape[1]
        logits = last_logits(model, ids, width, attention_mask=mask)[:, -width:-1].float()
        loss = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), labels[:, 1:], ignore_index=IGNORED, reduction="none"
        )
        counted = (labels[:, 1:] != IGNORED).sum(dim=1)
        found[some] = (loss.sum(dim=1) / counted).cpu().numpy()
    return found


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
