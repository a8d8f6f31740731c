"""Lab 01's trainings that repeat one of its cells, by the package's loop."""

from collections.abc import Iterator

from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.labs.shared.classifiers import TrainedClassifier, train_classifier
from lab_helpers.tuning.transfer import TextEncoder


def task_settings(settings: dict, task: str) -> dict:
    """What a training of a task (``sentiment``, ``entity``) takes from the lab's settings."""
    return {
        "epochs": settings[f"{task}_epochs"],
        "learning_rate": settings[f"{task}_learning_rate"],
        "head_learning_rate": settings["head_learning_rate"],
        "batch_size": settings["batch_size"],
    }


def train_both_starts(
    encoder: TextEncoder, data: LabelledTexts, n: int, seed: int, **training
) -> Iterator[tuple[str, TrainedClassifier]]:
    """Fine-tuning on ``n`` rows from ``pretrained`` and then from ``scratch``; ``training`` from :func:`task_settings`."""
    for start in ("pretrained", "scratch"):
        outcome = train_classifier(
            encoder, data, n, seed, pretrained=start == "pretrained", label=start, **training
        )
        yield start, outcome
