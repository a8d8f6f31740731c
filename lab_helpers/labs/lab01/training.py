"""Lab 01's classifiers: the run's encoder, its settings, what is trained on labels, and what came of it."""

from collections.abc import Iterator

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.labs.shared.classifiers import Outcome, mean_at, train_classifier
from lab_helpers.runtime.language import LANGUAGES
from lab_helpers.tuning.classifier import encoder_blocks, trainable_parameters
from lab_helpers.tuning.transfer import TextEncoder


def task_settings(run: Run, task: str) -> dict:
    """Training settings of a task (``sentiment``, ``intent``, ``entity``) from the profile."""
    sizes = run.settings
    return {
        "epochs": sizes[f"{task}_epochs"],
        "learning_rate": sizes[f"{task}_learning_rate"],
        "head_learning_rate": sizes["head_learning_rate"],
        "batch_size": sizes["batch_size"],
    }


# --- the trainings --------------------------------------------------------------------------------


def train_both_starts(
    run: Run,
    encoder: TextEncoder,
    data: LabelledTexts,
    n: int,
    task: str,
    seeds: list[int],
    label: str = "",
) -> Iterator[tuple[str, int, Outcome]]:
    """Full fine-tuning on ``n`` rows for every seed, from pretrained and then from random weights.

    Gives the start, ``pretrained`` or ``scratch``, the seed and the outcome; ``label`` stands before
    the start on the progress bar.
    """
    for start in ("pretrained", "scratch"):
        for seed in seeds:
            outcome = train_classifier(
                encoder,
                data,
                n,
                seed,
                pretrained=start == "pretrained",
                label=f"{label} {start}".strip(),
                **task_settings(run, task),
            )
            yield start, seed, outcome


def train_intents(run: Run, encoder: TextEncoder, data: LabelledTexts) -> list[dict]:
    """Pretrained and scratch on 64 labels, every seed: ``{"method", "n", "seed", "accuracy"}``."""
    return [
        {"method": start, "n": 64, "seed": seed, "accuracy": outcome.accuracy}
        for start, seed, outcome in train_both_starts(
            run, encoder, data, 64, "intent", run.settings["seeds"]
        )
    ]


def train_freezing(run: Run, encoder: TextEncoder, data: LabelledTexts) -> list[dict]:
    """Accuracy at 64 labels when only the top k blocks train: ``{"blocks", "accuracy", "trainable"}``.

    No block at all is the frozen probe of the learning curves.
    """
    pretrained = encoder.load()
    width, available = pretrained.config.hidden_size, len(encoder_blocks(pretrained))
    probe = run.metrics["intent_accuracy_probe_64_en"]
    rows = [{"blocks": 0, "accuracy": probe, "trainable": width * len(data.labels)}]
    for blocks in (number for number in run.settings["freezing_blocks"] if number <= available):
        outcome = train_classifier(
            encoder,
            data,
            64,
            run.seed,
            blocks=blocks,
            label=f"top {blocks}",
            **task_settings(run, "intent"),
        )
        rows.append(
            {
                "blocks": blocks,
                "accuracy": outcome.accuracy,
                "trainable": trainable_parameters(outcome.model),
            }
        )
    return rows


# --- what is told about them ----------------------------------------------------------------------


def curve_metrics(panels: dict[str, list[dict]]) -> dict[str, float]:
    """The headline points of the four shipped learning curves."""
    points = (("sentiment", "reviews", 256), ("intent", "requests", 64))
    return {
        f"{task}_accuracy_{key}_{n}_{language}": mean_at(panels[f"{data}.{language}"], method, n)
        for task, data, n in points
        for language in LANGUAGES
        for key, method in (("probe", "probe"), ("tfidf", "tf-idf"))
    }


def outcome_metrics(key: str, outcome: Outcome) -> dict:
    """Accuracy under ``key`` and its bootstrap interval under ``key_ci``."""
    return {key: outcome.accuracy, f"{key}_ci": outcome.interval}


def gap_metrics(metrics: dict, task: str, n: int, language: str) -> dict[str, float]:
    """Pretrained minus the better of the two that start from nothing: random weights and TF-IDF."""
    best = max(metrics[f"{task}_accuracy_{rival}_{n}_{language}"] for rival in ("scratch", "tfidf"))
    return {
        f"{task}_gap_{n}_{language}": metrics[f"{task}_accuracy_pretrained_{n}_{language}"] - best
    }


def weight_change_metrics(rows: list[dict]) -> dict[str, float]:
    """Mean ‖ΔW‖/‖W‖ of the top two blocks over that of the bottom two."""
    blocks = sorted({row["block"] for row in rows})
    mean = {b: np.mean([row["change"] for row in rows if row["block"] == b]) for b in blocks}
    top, bottom = np.mean([mean[b] for b in blocks[-2:]]), np.mean([mean[b] for b in blocks[:2]])
    return {"delta_w_top": top, "delta_w_bottom": bottom, "delta_w_top_over_bottom": top / bottom}
