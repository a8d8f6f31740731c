"""An embedder without a network or weights: counts of letter pairs, hashed; the same in every process."""

import itertools
import zlib

import numpy as np


class LettersEmbedder:
    name, fingerprint, width, max_tokens, english_only = "letters", "letters-1", 32, 64, False
    tokenizer = None

    def __init__(self):
        self.asked: list[str] = []

    def encode(self, texts, kind="passage"):
        self.asked += texts
        vectors = np.full((len(texts), self.width), 1e-3, np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for pair in itertools.pairwise(text):
                row[zlib.crc32("".join(pair).encode()) % self.width] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def token_counts(self, texts, kind="passage"):
        return [len(text) for text in texts]
