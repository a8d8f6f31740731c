"""Lab 01's trainings on labels: from both starts, over seeds, and with frozen blocks."""

from collections.abc import Iterator

from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.labs.shared.classifiers import TrainedClassifier, train_classifier
from lab_helpers.tuning.classifier import encoder_blocks, trainable_parameters
from lab_helpers.tuning.transfer import TextEncoder

INTENT_LABELS = 64


def task_settings(settings: dict, task: str) -> dict:
    """What a training of a task (``sentiment``, ``intent``, ``entity``) takes from the lab's settings."""
    return {
        "epochs": settings[f"{task}_epochs"],
        "learning_rate": settings[f"{task}_learning_rate"],
        "head_learning_rate": settings["head_learning_rate"],
        "batch_size": settings["batch_size"],
    }


def train_both_starts(
    encoder: TextEncoder, data: LabelledTexts, n: int, seeds: list[int], **training
) -> Iterator[tuple[str, int, TrainedClassifier]]:
    """Full fine-tuning on ``n`` rows for every seed, from pretrained and then from random weights.

    Gives the start, ``pretrained`` or ``scratch``, the seed and the outcome; ``training`` is what
    :func:`task_settings` gives.
    """
    for start in ("pretrained", "scratch"):
        for seed in seeds:
            outcome = train_classifier(
                encoder, data, n, seed, pretrained=start == "pretrained", label=start, **training
            )
            yield start, seed, outcome


def train_intents(
    encoder: TextEncoder, data: LabelledTexts, seeds: list[int], **training
) -> list[dict]:
    """Pretrained and scratch on 64 labels, every seed: ``{"method", "n", "seed", "accuracy"}``."""
    return [
        {"method": start, "n": INTENT_LABELS, "seed": seed, "accuracy": outcome.accuracy}
        for start, seed, outcome in train_both_starts(
            encoder, data, INTENT_LABELS, seeds, **training
        )
    ]


def train_top_blocks(
    encoder: TextEncoder,
    data: LabelledTexts,
    numbers: list[int],
    seed: int,
    probe: float,
    **training,
) -> list[dict]:
    """Accuracy at 64 labels when only the top k blocks train: ``{"blocks", "accuracy", "trainable"}``.

    ``numbers`` are the k to try, as far as the encoder has so many; ``probe`` is the accuracy of the
    frozen probe of the learning curves, which is no block at all.
    """
    pretrained = encoder.load()
    width, available = pretrained.config.hidden_size, len(encoder_blocks(pretrained))
    rows = [{"blocks": 0, "accuracy": probe, "trainable": width * len(data.labels)}]
    for blocks in (number for number in numbers if number <= available):
        outcome = train_classifier(
            encoder, data, INTENT_LABELS, seed, blocks=blocks, label=f"top {blocks}", **training
        )
        rows.append(
            {
                "blocks": blocks,
                "accuracy": outcome.accuracy,
                "trainable": trainable_parameters(outcome.model),
            }
        )
    return rows
