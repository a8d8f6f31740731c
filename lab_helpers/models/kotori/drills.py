"""Repetition drills: random tokens said twice or more; only what a reader could predict has loss."""

from random import Random

import numpy as np


def vocabulary(tokenizer) -> range:
    """The tokens that are words or pieces, no bare bytes and no special ones."""
    return range(len(tokenizer.all_special_ids) + 256, len(tokenizer))


def row(length: int, vocabulary: range, longest: int, rng: Random) -> tuple[np.ndarray, np.ndarray]:
    """Token ids and loss weights, both (length,), of sequences of 4–``longest`` tokens repeated 2–4 times.

    The first pass of each sequence is random and has weight 0.
    """
    ids: list[int] = []
    weights: list[float] = []
    while len(ids) < length:
        size, repeats = rng.randint(4, longest), rng.randint(2, 4)
        sequence = [rng.randrange(vocabulary.start, vocabulary.stop) for _ in range(size)]
        ids += sequence * repeats
        # The first token of a repetition cannot be known to come either.
        weights += [0.0] * (size + 1) + [1.0] * (size * (repeats - 1) - 1)
    return np.array(ids[:length]), np.array(weights[:length], dtype=np.float32)
