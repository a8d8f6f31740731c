"""Lab 03, rounding: code books on real weights, what each loses, and the bits that are really held."""

from collections.abc import Callable

import numpy as np
import torch

from lab_helpers.course.record import Run
from lab_helpers.figures import quantization as figures
from lab_helpers.models.hub.names import short_name
from lab_helpers.tuning import memory, quantization

MOST_DRAWN = 2**20
"""Weights of one matrix in the histogram: a multiple of a block."""


# --- rounding -------------------------------------------------------------------------------------


def linear_weights(model) -> dict[str, torch.Tensor]:
    """Every matrix that QLoRA would quantize: linear layers without the head, as they lie in ``model``.

    Nothing is copied: all of them in float32 are 5 GB of a model of 1.5 billion weights. What computes with
    them takes one after the other, by :func:`as_float32`.
    """
    return {
        name: module.weight.detach()
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and "lm_head" not in name
    }


def as_float32(matrix: torch.Tensor) -> torch.Tensor:
    """``matrix`` in float32 on the CPU, where all rounding of this lab is done."""
    return matrix.float().cpu()


@torch.no_grad()
def round_layers(model, original, rounding: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Every linear layer of ``model`` becomes ``rounding`` of the same layer of ``original``, one at a time."""
    for name, weight in linear_weights(original).items():
        target = model.get_submodule(name).weight
        target.data = rounding(as_float32(weight)).to(target)


def spread_matrices(matrices: dict[str, torch.Tensor], most: int = 40) -> dict[str, torch.Tensor]:
    """At most so many, evenly spread over the model: enough for a mean, and little for a large model."""
    return dict(list(matrices.items())[:: -(-len(matrices) // most)])


def draw_gaussian(seed: int, size: int = 1024) -> torch.Tensor:
    return torch.randn(size, size, generator=torch.Generator().manual_seed(seed))


def is_equal_to_bitsandbytes(matrices: list[torch.Tensor]) -> bool:
    """Whether hand-made NF4 and FP4 are bitsandbytes' bit for bit: code book, codes, scales, both levels."""
    from bitsandbytes.functional import get_4bit_type, quantize_4bit

    for kind in ("nf4", "fp4"):
        if not torch.equal(quantization.CODES[kind](), get_4bit_type(kind, "cpu")):
            return False
        for matrix in map(as_float32, matrices):
            packed, state = quantize_4bit(
                matrix,
                quant_type=kind,
                compress_statistics=True,
                blocksize=quantization.BLOCK,
            )
            ours = quantization.quantize(matrix, kind, double=True)
            pairs = (
                (packed.reshape(-1), ours.packed),
                (state.absmax, ours.scales.indices),
                (state.state2.absmax, ours.scales.absmax),
                (state.offset, ours.scales.offset),
            )
            if not all(torch.equal(theirs, mine) for theirs, mine in pairs):
                return False
    return True


def measure_rounding(
    weights: dict[str, dict[str, torch.Tensor]], codes: dict, round_trip
) -> list[dict]:
    """Mean relative error of each code book on each named set of matrices.

    ``round_trip(matrix, code)`` quantizes and comes back; the lab hands over the learner's own.
    """
    rows = []
    for name, matrices in weights.items():
        for kind, code in codes.items():
            errors = [
                quantization.relative_error(w, round_trip(w, code))
                for w in map(as_float32, matrices.values())
            ]
            rows.append({"weights": name, "code": kind, "error": float(np.mean(errors))})
    return rows


def collect_weight_sets(run: Run, model) -> dict[str, dict[str, torch.Tensor]]:
    """Gaussian numbers, the language model's matrices, and a few of MiniLM's where it is shipped."""
    from lab_helpers.models.encoders import load_encoder

    own = short_name(run.model_name).capitalize()
    sets = {"N(0, 1)": {"": draw_gaussian(run.seed)}, own: spread_matrices(linear_weights(model))}
    if run.model is None:
        sets["MiniLM"] = spread_matrices(linear_weights(load_encoder("minilm")), 9)
    return sets


def rounding_metrics(rows: list[dict]) -> dict[str, float]:
    names = {"N(0, 1)": "gaussian", "MiniLM": "minilm"}
    return {
        f"error_{row['code']}_{names.get(row['weights'], 'model')}": row["error"] for row in rows
    }


def scale_to_blocks(weights: dict[str, torch.Tensor]) -> np.ndarray:
    """Weights over the largest of their block, for the histogram; of a large matrix a million."""
    scaled = [
        quantization.absmax_scaled(as_float32(w.reshape(-1)[:MOST_DRAWN]), quantization.BLOCK)[0]
        for w in spread_matrices(weights).values()
    ]
    return torch.cat(scaled).numpy()


def code_figure(codes: dict[str, torch.Tensor], weights: dict[str, torch.Tensor]):
    """The values of each code book over the histogram of real weights."""
    return figures.code_books(
        {kind: code.numpy() for kind, code in codes.items()}, scale_to_blocks(weights)
    )


def nf4_figure(weights: dict[str, torch.Tensor]):
    """NF4 in one picture, with the first block of the first matrix."""
    block = as_float32(next(iter(weights.values())).reshape(-1)[: quantization.BLOCK])
    offset = quantization.OFFSET
    probabilities = torch.cat([1 - torch.linspace(offset, 0.5, 8), torch.linspace(0.5, offset, 9)])
    return figures.nf4_in_one_picture(
        probabilities.numpy(), quantization.nf4_code().numpy(), block.numpy()
    )


def e2m1_code() -> torch.Tensor:
    """The 4-bit float of the Open Compute Project's Microscaling formats (v1.0, E2M1): 0 … 6, over the largest.

    bitsandbytes' FP4 differs from it in one pair: the smallest step is 1/192 there and 1/12 here.
    """
    half = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6]) / 6
    return torch.cat([half, -half])


def measure_widths(widths: tuple[int, ...] = (64, 96, 128, 160)) -> list[dict]:
    """Error after rounding and back, by hand and by bitsandbytes, for rows of several widths."""
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit

    rows = []
    for width in widths:
        matrix = torch.randn(32, width, generator=torch.Generator().manual_seed(width))
        by_hand = quantization.quantize(matrix).dequantize()
        by_library = dequantize_4bit(*quantize_4bit(matrix, quant_type="nf4"))
        rows.append(
            {
                "width": width,
                "by hand": quantization.relative_error(matrix, by_hand),
                "bitsandbytes": quantization.relative_error(matrix, by_library),
            }
        )
    return rows


# --- bits -----------------------------------------------------------------------------------------


def measure_stored_bits(double: bool, shape: tuple[int, int] = (1024, 4096)) -> float:
    """Bits a parameter that a real ``Linear4bit`` holds in codes and scales; the shape is Llama 3 8B's v_proj."""
    import bitsandbytes

    layer = bitsandbytes.nn.Linear4bit(
        shape[1], shape[0], bias=False, compress_statistics=double, quant_type="nf4"
    ).to("cpu")
    state = layer.weight.quant_state
    held = [layer.weight.data, state.absmax]
    held += [state.state2.absmax, state.offset] if state.nested else []
    return sum(8 * t.numel() * t.element_size() for t in held) / (shape[0] * shape[1])


def weight_cut_metrics() -> dict[str, float]:
    """How much smaller 4-bit weights make whole models, embeddings and head staying in 16 bits."""
    names = {"Llama 3 8B": "llama3_8b", "Llama 3 70B": "llama3_70b", "Gemma 2 2B": "gemma2_2b"}
    return {f"weight_memory_cut_{short}": memory.weight_cut(name) for name, short in names.items()}
