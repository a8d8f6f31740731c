"""Lab 01's learning curves: frozen probes and TF-IDF, by training size and seed."""

import numpy as np

from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.tuning.transfer import TextEncoder, fit_bag_of_words, fit_probe

WORDS = "TF-IDF"
_NAMES = {"minilm": "MiniLM", "e5": "multilingual E5"}


def probe_name(encoder: TextEncoder) -> str:
    """How tables and figures call the frozen probe of an encoder."""
    return f"probe on {_NAMES.get(encoder.name, 'the encoder')}"


def measure_word_curve(data: LabelledTexts, sizes: list[int], seeds: list[int]) -> list[dict]:
    """Test accuracy of TF-IDF by training size and seed.

    Returns rows ``{"method", "n", "seed", "accuracy", "hits"}``; ``hits`` is one 0/1 a test row.
    """
    texts, labels = data.split("test")
    return [
        _row(WORDS, n, seed, fit_bag_of_words(*data.sample(n, seed)).predict(texts) == labels)
        for n in sizes
        for seed in seeds
    ]


def measure_probe_curve(
    encoder: TextEncoder, data: LabelledTexts, sizes: list[int], seeds: list[int]
) -> list[dict]:
    """The same rows of the frozen probe, called :func:`probe_name`.

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
            rows.append(
                _row(probe_name(encoder), n, seed, probe.predict(test_vectors) == test_labels)
            )
    return rows


def _row(method: str, n: int, seed: int, right) -> dict:
    hits = np.asarray(right, dtype=float)
    return {"method": method, "n": n, "seed": seed, "accuracy": float(hits.mean()), "hits": hits}


def without_hits(rows: list[dict]) -> list[dict]:
    """The rows as a table keeps them: without what was right row by row."""
    return [{key: value for key, value in row.items() if key != "hits"} for row in rows]
