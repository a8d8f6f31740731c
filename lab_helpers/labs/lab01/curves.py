"""Lab 01's learning curves: frozen probes and TF-IDF, by training size and seed."""

import numpy as np

from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.evaluation.classification import accuracy
from lab_helpers.tuning.transfer import TextEncoder, fit_bag_of_words, fit_probe


def measure_cheap_curves(
    encoder: TextEncoder, data: LabelledTexts, sizes: list[int], seeds: list[int]
) -> list[dict]:
    """Test accuracy of the frozen probe and of TF-IDF by training size and seed.

    Returns rows ``{"method", "n", "seed", "accuracy"}``.
    """
    test_texts, test_labels = data.split("test")
    rows = measure_probe_curve(encoder, data, sizes, seeds)
    for n in sizes:
        for seed in seeds:
            words = fit_bag_of_words(*data.sample(n, seed))
            share = accuracy(words.predict(test_texts), test_labels)
            rows.append({"method": "tf-idf", "n": n, "seed": seed, "accuracy": share})
    return rows


def measure_probe_curve(
    encoder: TextEncoder,
    data: LabelledTexts,
    sizes: list[int],
    seeds: list[int],
    method: str = "probe",
) -> list[dict]:
    """The same rows of the frozen probe alone, called ``method``.

    The encoder reads every text once; the probes are then fitted on the stored vectors.
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
            share = accuracy(probe.predict(test_vectors), test_labels)
            rows.append({"method": method, "n": n, "seed": seed, "accuracy": share})
    return rows
