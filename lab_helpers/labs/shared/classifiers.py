"""A text classifier trained on labelled rows and measured on the test split."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.runtime.intervals import bootstrap_interval
from lab_helpers.tuning.classifier import EncoderClassifier, freeze
from lab_helpers.tuning.training import History
from lab_helpers.tuning.transfer import TextEncoder, fine_tune


@dataclass
class TrainedClassifier:
    """A classifier and how it did on the test split. ``hits`` is one 0/1 a test row."""

    model: EncoderClassifier
    history: History
    hits: np.ndarray

    @property
    def accuracy(self) -> float:
        return float(self.hits.mean())

    @property
    def interval(self) -> list[float]:
        return bootstrap_interval(self.hits)


def train_classifier(
    encoder: TextEncoder,
    data: LabelledTexts,
    n: int,
    seed: int,
    *,
    pretrained: bool = True,
    blocks: int | None = None,
    label: str = "training",
    **training,
) -> TrainedClassifier:
    """Fine-tune on ``n`` rows and test. ``blocks`` trains only that many top blocks; None trains all.

    ``pretrained=False`` starts from random weights of the same architecture; ``training`` goes to
    ``fine_tune``: epochs, rates, batch size.
    """
    model = encoder.classifier(len(data.labels), seed, pretrained)
    if blocks is not None:
        freeze(model, blocks)
    texts, labels = data.sample(n, seed)
    history = fine_tune(
        model,
        encoder,
        texts,
        labels,
        seed=seed,
        label=label,
        **training,
    )
    return TrainedClassifier(model, history, measure_hits(encoder, model, data))


def measure_hits(
    encoder: TextEncoder, model: EncoderClassifier, data: LabelledTexts, split: str = "test"
) -> np.ndarray:
    """1 for every row of ``split`` that the model labels right, else 0."""
    texts, labels = data.split(split)
    return (encoder.logits(model, texts).argmax(axis=1) == np.array(labels)).astype(float)
