"""Batch number k of the pre-training: a function of seed and k alone, so that any run can resume."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import numpy as np

from lab_helpers.models.kotori import corpus, drills
from lab_helpers.models.kotori.documents import END_OF_TEXT, CorpusText

_POOL = 12  # documents to choose from when a row is filled up


@dataclass(frozen=True)
class Shape:
    """How a batch is made: rows and their length in tokens; share of drill rows, longest drill.

    ``answer_weight`` is that of an answer's tokens in the loss, where others have 1.
    """

    rows: int
    length: int
    drill_share: float
    drill_longest: int
    answer_weight: float


def batch(step: int, seed: int, shape: Shape, tokenizer) -> tuple[np.ndarray, np.ndarray]:
    """Token ids (int64) and loss weights (float32), both (rows, length), of batch ``step``."""
    rng = Random(f"{seed}-{step}")
    drill_rows = round(shape.rows * shape.drill_share)
    words = drills.vocabulary(tokenizer)
    rows = [drills.row(shape.length, words, shape.drill_longest, rng) for _ in range(drill_rows)]
    stream = corpus.documents(seed * 1_000_000 + step)
    packed = packed_rows(stream, shape.length, tokenizer, shape.answer_weight)
    rows += [next(packed) for _ in range(shape.rows - drill_rows)]
    ids, weights = zip(*rows, strict=True)
    return np.stack(ids), np.stack(weights)


def packed_rows(
    stream: Iterator[CorpusText], length: int, tokenizer, answer_weight: float = 1.0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows of whole documents, the rest padded with weight 0.

    Of the next few documents the first that fits comes next; one longer than a row is left out.
    """
    end = tokenizer.convert_tokens_to_ids(END_OF_TEXT)
    encoded = (encode(document, tokenizer, answer_weight) for document in stream)
    fitting = (pair for pair in encoded if len(pair[0]) < length)
    pool = list(itertools.islice(fitting, _POOL))
    while True:
        ids, weights = np.full(length, end), np.zeros(length, dtype=np.float32)
        used = 0
        while (chosen := next((p for p in pool if used + len(p[0]) < length), None)) is not None:
            pool = [p for p in pool if p is not chosen] + [next(fitting)]
            stop = used + len(chosen[0])
            ids[used:stop], weights[used:stop] = chosen
            weights[stop] = 1.0  # the end of the text, already in ``ids``
            used = stop + 1
        yield ids, weights


def encode(
    document: CorpusText, tokenizer, answer_weight: float = 1.0
) -> tuple[list[int], np.ndarray]:
    """A document's token ids and the loss weight of each: 0 for what nothing predicts."""
    encoded = tokenizer(document.text, return_offsets_mapping=True, add_special_tokens=False)
    last = np.array([max(start, end - 1) for start, end in encoded["offset_mapping"]])
    by_character = np.ones(len(document.text) + 1, dtype=np.float32)
    for start, end in document.answers:
        by_character[start:end] = answer_weight
    for start, end in document.silent:
        by_character[start:end] = 0.0
    return encoded["input_ids"], by_character[last]
