"""Lab 03: rounding and its costs in the fewest lines; `tuning.quantization` packs and nests as bitsandbytes does."""


def quantize(weights, code, block):
    """Indices of the nearest code and the largest magnitude of each block: (n,), (n / block,). QLoRA §2, eq. 1."""
    blocks = weights.reshape(-1, block)
    absmax = blocks.abs().amax(1)
    scaled = blocks / absmax[:, None]
    return (scaled[..., None] - code).abs().argmin(-1).reshape(-1), absmax


def dequantize(indices, absmax, code, block):
    """The numbers that the indices stand for, (n,): code times the scale of its block. QLoRA §2, eq. 2."""
    return code[indices] * absmax.repeat_interleave(block)


def merge(indices, absmax, code, block, delta):
    """The dequantized weights plus ΔW, in floats: rounding them again would lose ΔW."""
    return code[indices] * absmax.repeat_interleave(block) + delta


def training_bytes(frozen, bits, trained):
    """Bytes of frozen weights at ``bits`` each, and 16 for each trained one: weight, gradient, two moments, in fp32."""
    return frozen * bits / 8 + trained * 16
