"""Lab 01's learning curves: a frozen probe and TF-IDF, by training size and seed."""

import numpy as np

from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.evaluation.classification import accuracy
from lab_helpers.tuning.transfer import TextEncoder, fit_bag_of_words, fit_probe


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
            right = {
                "probe": accuracy(probe.predict(test_vectors), test_labels),
                "tf-idf": accuracy(words.predict(test_texts), test_labels),
            }
            rows += [
                {"method": method, "n": n, "seed": seed, "accuracy": share}
                for method, share in right.items()
            ]
    return rows
