"""Lab 02: LoRA on a real task: rank, targets at equal parameters, learning rate."""

import numpy as np

from lab_helpers.data.labelled import shipped_texts
from lab_helpers.figures import charts
from lab_helpers.figures.style import words
from lab_helpers.labs.lab02.parity import hash_frozen_weights
from lab_helpers.labs.shared.classifiers import measure_hits
from lab_helpers.tuning.transfer import TextEncoder, fine_tune

HIGH_RANK = 45
# Ranks at which three target sets of a MiniLM block have exactly the same number of parameters:
# q, v: 2·45·768 = MLP: 2·18·1920 = all linear: 10·(4·768 + 2·1920) = 69,120.
EQUAL_PARAMETERS = {
    "q, v": (HIGH_RANK, ["query", "value"]),
    "MLP": (18, r".*(intermediate\.dense|layer\.\d+\.output\.dense)"),
    "all linear": (10, "all-linear"),
}


def train_lora(
    encoder: TextEncoder, config, settings: dict, seed: int, learning_rate: float | None = None
) -> dict:
    """Fine-tune a fresh encoder with a PEFT ``config`` on requests.

    Returns the adapter's parameters, the test accuracy, the mean of the last four losses, and whether
    the base weights are bit for bit what they were.
    """
    from peft import get_peft_model

    data = shipped_texts("requests", "en")
    model = encoder.classifier(len(data.labels), seed)
    model.encoder = get_peft_model(model.encoder, config)
    texts, labels = data.sample(settings["rows"], seed)
    before = hash_frozen_weights(model.encoder)
    history = fine_tune(
        model,
        encoder,
        texts,
        labels,
        epochs=settings["epochs"],
        learning_rate=learning_rate or settings["learning_rate"],
        head_learning_rate=settings["head_learning_rate"],
        batch_size=settings["batch_size"],
        seed=seed,
        label=f"r={config.r}",
    )
    return {
        "parameters": count_adapter(model.encoder),
        "accuracy": float(measure_hits(encoder, model, data).mean()),
        "loss": float(np.mean(history.losses[-4:])),
        "base_unchanged": int(before == hash_frozen_weights(model.encoder)),
    }


def count_adapter(model) -> int:
    """Parameters of the LoRA factors on ``model``."""
    return sum(p.numel() for name, p in model.named_parameters() if "lora_" in name)


def train_ranks(encoder: TextEncoder, settings: dict) -> list[dict]:
    """Ranks 1 and 45 on q, v with α = 2r, so that the scaling is always 2; then 1 for twice as long."""
    from peft import LoraConfig

    rows = []
    for r, times in ((1, 1), (HIGH_RANK, 1), (1, 2)):
        for seed in settings["seeds"]:
            config = LoraConfig(r=r, lora_alpha=2 * r, target_modules=["query", "value"])
            longer = {**settings, "epochs": times * settings["epochs"]}
            rows.append(
                {
                    "r": r,
                    "times": times,
                    "seed": seed,
                    **train_lora(encoder, config, longer, seed),
                }
            )
    return rows


def rank_metrics(rows: list[dict]) -> dict[str, float]:
    """What rank 45 gains over rank 1 in the same steps, and over a rank 1 that trained twice as long."""

    def mean(r: int, times: int) -> float:
        return float(
            np.mean([row["accuracy"] for row in rows if (row["r"], row["times"]) == (r, times)])
        )

    high = mean(HIGH_RANK, 1)
    return {
        "rank_1_accuracy": mean(1, 1),
        "rank_1_twice_accuracy": mean(1, 2),
        f"rank_{HIGH_RANK}_accuracy": high,
        "rank_real_task_gain": high - mean(1, 1),
        "rank_patient_gain": high - mean(1, 2),
        "base_hash_unchanged": min(row["base_unchanged"] for row in rows),
    }


def mean_by_target(rows: list[dict]) -> dict[str, float]:
    """Mean accuracy over seeds of each target set."""
    return {
        name: float(np.mean([row["accuracy"] for row in rows if row["targets"] == name]))
        for name in EQUAL_PARAMETERS
    }


def target_metrics(rows: list[dict]) -> dict[str, float]:
    """The three means, and how far the best lies above q, v."""
    mean = mean_by_target(rows)
    return {
        "equal_params_qv": mean["q, v"],
        "equal_params_mlp": mean["MLP"],
        "equal_params_all_linear": mean["all linear"],
        "equal_params_best_minus_qv": max(mean.values()) - mean["q, v"],
    }


def target_figure(rows: list[dict]):
    """A bar a target set, with the range over seeds; how many parameters each has depends on the encoder."""
    sizes = " – ".join(f"{size:,}" for size in sorted({row["parameters"] for row in rows}))
    ranges = {}
    for name in EQUAL_PARAMETERS:
        values = [row["accuracy"] for row in rows if row["targets"] == name]
        ranges[name] = [min(values), max(values)]
    return charts.bars(
        mean_by_target(rows),
        ranges,
        title=words(f"{sizes} parameters each", f"各 {sizes} パラメータ"),
    )


def rate_metrics(rows: list[dict]) -> dict[str, float]:
    """Accuracy at the full fine-tuning rate, at LoRA's, and far above."""
    low, good, high = (row["accuracy"] for row in rows)
    return {
        "lora_accuracy_full_rate": low,
        "lora_accuracy_lora_rate": good,
        "lora_accuracy_high_rate": high,
    }
