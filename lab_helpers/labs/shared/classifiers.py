"""The measurements of lab 01 as functions of data and settings; notebook and headless run share them."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.evaluation.classification import accuracy
from lab_helpers.runtime.intervals import bootstrap_interval
from lab_helpers.tuning.classifier import EncoderClassifier, freeze
from lab_helpers.tuning.training import History
from lab_helpers.tuning.transfer import TextEncoder, fine_tune, fit_bag_of_words, fit_probe


@dataclass
class Outcome:
    """A trained classifier and how it did on the test split. ``hits`` is one 0/1 a test row."""

    model: EncoderClassifier
    history: History
    hits: np.ndarray

    @property
    def accuracy(self) -> float:
        return float(self.hits.mean())

    @property
    def interval(self) -> list[float]:
        return bootstrap_interval(self.hits)


def measure_cheap_curves(
    encoder: TextEncoder, data: LabelledTexts, sizes: list[int], seeds: list[int]
) -> list[dict]:
    """Test accuracy of the frozen probe and of TF-IDF by training size and seed.

    The encoder reads every text once; the probes are then fitted on the stored vectors.
    Returns rows ``{"method", "n", "seed", "accuracy"}``.
    """
    train_texts, _ = data.split("train")
    test_texts, test_labels = data.split("test")
    pretrained = encoder.load()
    vector_of = dict(zip(train_texts, encoder.embed(train_texts, pretrained), strict=True))
    test_vectors = encoder.embed(test_texts, pretrained)
    rows = []
    for n in sizes:
        for seed in seeds:
            texts, labels = data.sample(n, seed)
            probe = fit_probe(np.stack([vector_of[text] for text in texts]), labels)
            words = fit_bag_of_words(texts, labels)
            rows += [
                {
                    "method": "probe",
                    "n": n,
                    "seed": seed,
                    "accuracy": accuracy(probe.predict(test_vectors), test_labels),
                },
                {
                    "method": "tf-idf",
                    "n": n,
                    "seed": seed,
                    "accuracy": accuracy(words.predict(test_texts), test_labels),
                },
            ]
    return rows


def mean_at(rows: list[dict], method: str, n: int) -> float:
    """Mean accuracy over seeds of one method at one size."""
    return float(
        np.mean([row["accuracy"] for row in rows if row["method"] == method and row["n"] == n])
    )


def train_classifier(
    encoder: TextEncoder,
    data: LabelledTexts,
    n: int,
    seed: int,
    *,
    pretrained: bool = True,
    blocks: int | None = None,
    epochs: int,
    learning_rate: float,
    head_learning_rate: float,
    batch_size: int,
    label: str = "training",
) -> Outcome:
    """Fine-tune on ``n`` rows and test. ``blocks`` trains only that many top blocks; None trains all.

    ``pretrained=False`` starts from random weights of the same architecture.
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
        epochs=epochs,
        learning_rate=learning_rate,
        head_learning_rate=head_learning_rate,
        batch_size=batch_size,
        seed=seed,
        label=label,
    )
    return Outcome(model, history, measure_hits(encoder, model, data))


def measure_hits(
    encoder: TextEncoder, model: EncoderClassifier, data: LabelledTexts, split: str = "test"
) -> np.ndarray:
    """1 for every row of ``split`` that the model labels right, else 0."""
    texts, labels = data.split(split)
    return (encoder.logits(model, texts).argmax(axis=1) == np.array(labels)).astype(float)
