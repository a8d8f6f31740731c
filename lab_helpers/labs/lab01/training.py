"""Lab 01's classifiers: the run's encoder, its settings, what is trained on labels, and what came of it."""

from collections.abc import Iterator

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.labs.shared.classifiers import Outcome, mean_at, trained
from lab_helpers.runtime.hardware import detect
from lab_helpers.runtime.language import LANGUAGES
from lab_helpers.runtime.precision import FLOAT32, pick_precision
from lab_helpers.tuning.classifier import encoder_blocks, trainable_parameters
from lab_helpers.tuning.transfer import TextEncoder


def text_encoder(run: Run) -> TextEncoder:
    """The run's encoder, ``--model`` or the profile's, with the device and precision that fit.

    The tiny profile stays on the CPU even beside a GPU, so that its numbers compare.
    """
    profile, machine = run.profile, detect()
    on_gpu = profile.name != "tiny" and machine.accelerator == "cuda"
    precision = pick_precision(machine, profile.precision) if on_gpu else FLOAT32
    device = "cuda" if on_gpu else "cpu"
    return TextEncoder(run.model or profile.encoder, profile.max_length, device, precision)


def settings(run: Run, task: str) -> dict:
    """Training settings of a task (``sentiment``, ``intent``, ``entity``) from the profile."""
    sizes = run.settings
    return {
        "epochs": sizes[f"{task}_epochs"],
        "learning_rate": sizes[f"{task}_learning_rate"],
        "head_learning_rate": sizes["head_learning_rate"],
        "batch_size": sizes["batch_size"],
    }


def usable_sizes(data: LabelledTexts, sizes: list[int]) -> list[int]:
    """The sizes that the training split can fill, or its own size if it is smaller than all."""
    available = len(data.split("train")[0])
    return [n for n in sizes if n <= available] or [available]


# --- the trainings --------------------------------------------------------------------------------


def both_starts(
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
            outcome = trained(
                encoder,
                data,
                n,
                seed,
                pretrained=start == "pretrained",
                label=f"{label} {start}".strip(),
                **settings(run, task),
            )
            yield start, seed, outcome


def intent_rows(run: Run, encoder: TextEncoder, data: LabelledTexts) -> list[dict]:
    """Pretrained and scratch on 64 labels, every seed: ``{"method", "n", "seed", "accuracy"}``."""
    return [
        {"method": start, "n": 64, "seed": seed, "accuracy": outcome.accuracy}
        for start, seed, outcome in both_starts(
            run, encoder, data, 64, "intent", run.settings["seeds"]
        )
    ]


def freezing(run: Run, encoder: TextEncoder, data: LabelledTexts) -> list[dict]:
    """Accuracy at 64 labels when only the top k blocks train: ``{"blocks", "accuracy", "trainable"}``.

    No block at all is the frozen probe of the learning curves.
    """
    pretrained = encoder.load()
    width, available = pretrained.config.hidden_size, len(encoder_blocks(pretrained))
    probe = run.metrics["intent_accuracy_probe_64_en"]
    rows = [{"blocks": 0, "accuracy": probe, "trainable": width * len(data.labels)}]
    for blocks in (number for number in run.settings["freezing_blocks"] if number <= available):
        outcome = trained(
            encoder,
            data,
            64,
            run.seed,
            blocks=blocks,
            label=f"top {blocks}",
            **settings(run, "intent"),
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


def gap(metrics: dict, task: str, n: int, language: str) -> dict[str, float]:
    """Pretrained minus the better of the two that start from nothing: random weights and TF-IDF."""
    best = max(metrics[f"{task}_accuracy_{rival}_{n}_{language}"] for rival in ("scratch", "tfidf"))
    return {
        f"{task}_gap_{n}_{language}": metrics[f"{task}_accuracy_pretrained_{n}_{language}"] - best
    }


def top_over_bottom(rows: list[dict]) -> dict[str, float]:
    """Mean ‖ΔW‖/‖W‖ of the top two blocks over that of the bottom two."""
    blocks = sorted({row["block"] for row in rows})
    mean = {b: np.mean([row["change"] for row in rows if row["block"] == b]) for b in blocks}
    top, bottom = np.mean([mean[b] for b in blocks[-2:]]), np.mean([mean[b] for b in blocks[:2]])
    return {"delta_w_top": top, "delta_w_bottom": bottom, "delta_w_top_over_bottom": top / bottom}
