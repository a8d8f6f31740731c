"""The skill an encoder was pre-trained for: finding the sentence that means the same."""

import numpy as np


def retrieval_hits(anchors: np.ndarray, paraphrases: np.ndarray) -> np.ndarray:
    """1 where an anchor's nearest paraphrase by cosine is its own, else 0; shape (anchors,).

    Both inputs are (n, width) arrays in the same order; row ``i`` belongs to row ``i``.
    """
    nearest = (_unit(anchors) @ _unit(paraphrases).T).argmax(axis=1)
    return (nearest == np.arange(len(anchors))).astype(float)


def fooled_by_overlap(
    anchors: np.ndarray, paraphrases: np.ndarray, distractors: np.ndarray
) -> np.ndarray:
    """1 where the distractor (same words, other meaning) lies nearer than the paraphrase, else 0."""
    a, p, d = _unit(anchors), _unit(paraphrases), _unit(distractors)
    return ((a * d).sum(axis=1) > (a * p).sum(axis=1)).astype(float)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
