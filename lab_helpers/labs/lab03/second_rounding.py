"""Lab 03: does a model that lay in 4 bits before lose more when it is rounded once more?

SmolLM2's package carries GGUF's Q4_1: 16 even steps for every 32 weights, with an offset. NF4 has other
values and blocks of 64. Whether that origin matters is tested on Kotori, whose weights never were rounded.
"""

from collections.abc import Callable

import torch

from lab_helpers.labs.lab03.rounding import round_layers
from lab_helpers.labs.lab03.scoring import story_perplexity
from lab_helpers.tuning import quantization

Q4_1_BLOCK = 32
_STEPS = 15


def round_q4_1(matrix: torch.Tensor) -> torch.Tensor:
    """``matrix`` through GGUF's Q4_1 and back: x ≈ d·q + m, q = 0…15, for each 32 neighbours.

    m is the block's smallest value, d a fifteenth of its range, both in 16 bits (``quantize_row_q4_1_ref``
    of ggml). The last block may be shorter.
    """
    flat = matrix.reshape(-1).float()
    short = -len(flat) % Q4_1_BLOCK
    blocks = torch.cat([flat, flat[-1:].expand(short)]).reshape(-1, Q4_1_BLOCK)
    low, high = blocks.amin(1, keepdim=True), blocks.amax(1, keepdim=True)
    step = (high - low) / _STEPS
    chosen = torch.where(step > 0, (blocks - low) / step + 0.5, 0.0).floor().clamp(0, _STEPS)
    rounded = chosen * step.half().float() + low.half().float()
    return rounded.reshape(-1)[: len(flat)].reshape(matrix.shape).to(matrix.dtype)


def round_nf4(matrix: torch.Tensor) -> torch.Tensor:
    """``matrix`` through NF4 and back."""
    return quantization.quantize(matrix, "nf4").dequantize().to(matrix.dtype)


@torch.no_grad()
def measure_second_rounding(model, rounded, tokenizer, language: str) -> dict[str, float]:
    """Perplexity of ``model`` as it is, in Q4_1, in NF4, and in NF4 after Q4_1; its copy ``rounded`` ends up so.

    ``nf4_increase_over_float`` and ``nf4_increase_over_q4_1`` say what NF4 costs a base that is exact, and
    one that was rounded before.
    """

    def measure(*roundings: Callable) -> float:
        def every(weight: torch.Tensor) -> torch.Tensor:
            for rounding in roundings:
                weight = rounding(weight)
            return weight

        round_layers(rounded, model, every)
        return story_perplexity(rounded, tokenizer, language)

    exact, nf4 = measure(), measure(round_nf4)
    first, second = measure(round_q4_1), measure(round_q4_1, round_nf4)
    return {
        "perplexity_q4_1": first,
        "perplexity_q4_1_nf4": second,
        "nf4_increase_over_float": nf4 / exact - 1,
        "nf4_increase_over_q4_1": second / first - 1,
    }
