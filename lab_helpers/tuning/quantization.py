"""4-bit quantization by hand (Dettmers et al. 2023, QLoRA, arXiv:2305.14314), bit for bit bitsandbytes'.

A code book is 16 numbers in [-1, 1]. A weight is stored as the index of the nearest one (4 bits), and
every block of 64 weights keeps its largest absolute value as the scale.
"""

from dataclasses import dataclass
from math import prod

import torch

BLOCK = 64
# The last quantile that is kept. The paper's 1 - (1/32 + 1/30)/2 = 0.96770833…, as bitsandbytes rounds it.
OFFSET = 0.9677083
SCALE_BLOCK = 256
_TINY = 1e-38
_STEPS = 65535


def nf4_code(offset: float = OFFSET) -> torch.Tensor:
    """NF4's 16 values, sorted: quantiles of N(0, 1) over the largest of them, as bitsandbytes' ``create_normal_map``.

    The probabilities are evenly spaced; QLoRA's eq. (4) averages neighbouring quantiles instead, and
    gives other values. Eight steps above zero, seven below, and zero itself, so that 0 is stored exactly (§3,
    "asymmetric"). The quantiles need double precision to come out bit for bit.
    """
    above = torch.special.ndtri(torch.linspace(offset, 0.5, 9)[:-1].double())
    below = -torch.special.ndtri(torch.linspace(offset, 0.5, 8)[:-1].double())
    code = torch.cat([below, torch.zeros(1), above]).float().sort().values
    return code / code.max()


def fp4_code() -> torch.Tensor:
    """A 4-bit float: sign, two exponent bits, one mantissa bit; in the order of the bit patterns."""
    half = torch.tensor([0, 0.0625, 8, 12, 4, 6, 2, 3])
    return torch.cat([half, -half]) / 12


def int4_code() -> torch.Tensor:
    """Sixteen integers -8 … 7 on a scale where ±7 is ±1: what plain symmetric rounding gives."""
    return torch.arange(-8, 8) / 7


def dynamic_code() -> torch.Tensor:
    """The 256 values for the scales: a moving exponent, as in Dettmers et al. 2022 (arXiv:2110.02861) §1.3.

    QLoRA says "8-bit floats"; this is what bitsandbytes uses for them.
    """
    values = [0.0, 1.0]
    for exponent in range(7):
        edges = torch.linspace(0.1, 1, 2**exponent + 1)
        means = 10.0 ** (exponent - 6) * (edges[:-1] + edges[1:]) / 2
        values += [*means.tolist(), *(-means).tolist()]
    return torch.tensor(sorted(values))


CODES = {"int4": int4_code, "fp4": fp4_code, "nf4": nf4_code}


def nearest(values: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    """Index of the nearest code for each value (uint8); a value halfway goes to the lower one."""
    order = torch.argsort(code, stable=True)
    ordered = code[order]
    return order[torch.bucketize(values, (ordered[:-1] + ordered[1:]) / 2)].to(torch.uint8)


def absmax_scaled(weight: torch.Tensor, block: int) -> tuple[torch.Tensor, torch.Tensor]:
    """All values over their block's largest absolute value, flat, and those values: QLoRA eq. (1), (2).

    Whole blocks are multiplied by the reciprocal and a last, shorter one is divided, as bitsandbytes
    does it on a CPU: the two differ in the last bit.
    """
    flat = weight.reshape(-1).float()
    whole = flat[: len(flat) // block * block].reshape(-1, block)
    absmax = whole.abs().amax(1)
    scaled = (whole * (1 / absmax.clamp(min=_TINY))[:, None]).reshape(-1)
    rest = flat[len(scaled) :]
    if len(rest):
        last = rest.abs().max().clamp(min=_TINY)
        absmax, scaled = torch.cat([absmax, last[None]]), torch.cat([scaled, rest / last])
    return scaled.clamp(-1, 1), absmax


def pack(indices: torch.Tensor) -> torch.Tensor:
    """Two 4-bit indices a byte, the first in the upper half; an odd end is filled up with 0."""
    even = torch.nn.functional.pad(indices, (0, len(indices) % 2))
    return (even[::2] << 4) | even[1::2]


def unpack(packed: torch.Tensor, count: int) -> torch.Tensor:
    """The first ``count`` indices out of packed bytes."""
    return torch.stack([packed >> 4, packed & 15], 1).reshape(-1)[:count]


@dataclass(frozen=True)
class Scales:
    """The block scales themselves in 8 bits: "double quantization" (QLoRA §3, eq. (6)).

    ``absmax`` holds one float a 256 scales; ``offset`` is the mean taken out before.
    """

    indices: torch.Tensor
    absmax: torch.Tensor
    offset: torch.Tensor

    def values(self) -> torch.Tensor:
        spread = self.absmax.repeat_interleave(SCALE_BLOCK)[: len(self.indices)]
        return dynamic_code()[self.indices.long()] * spread + self.offset

    def bytes(self) -> int:
        return sum(t.numel() * t.element_size() for t in (self.indices, self.absmax, self.offset))


@dataclass(frozen=True)
class Quantized:
    """A quantized tensor: packed codes, block scales (floats, or :class:`Scales`), shape and code book."""

    packed: torch.Tensor
    scales: torch.Tensor | Scales
    shape: tuple[int, ...]
    code: torch.Tensor
    block: int

    def dequantize(self) -> torch.Tensor:
        """Back to float32: code book entry times block scale — QLoRA eq. (2) and (6)."""
        scales = self.scales.values() if isinstance(self.scales, Scales) else self.scales
        count = prod(self.shape)
        values = self.code[unpack(self.packed, count).long()]
        return (values * scales.repeat_interleave(self.block)[:count]).reshape(self.shape)

    def bytes(self) -> int:
        """Bytes of codes and scales; the code book is shared and not counted."""
        scales = self.scales.bytes() if isinstance(self.scales, Scales) else self.scales.numel() * 4
        return self.packed.numel() + scales

    def bits_per_parameter(self) -> float:
        return 8 * self.bytes() / prod(self.shape)


def quantize(
    weight: torch.Tensor, kind: str = "nf4", block: int = BLOCK, double: bool = False
) -> Quantized:
    """``weight`` in 4 bits with the code book ``kind``; ``double`` quantizes the scales as well."""
    code = CODES[kind]()
    scaled, absmax = absmax_scaled(weight, block)
    if len(scaled) % 2:  # the half byte at an odd end holds the code of zero
        packed = pack(nearest(torch.cat([scaled, torch.zeros(1)]), code))
    else:
        packed = pack(nearest(scaled, code))
    scales = double_quantize(absmax) if double else absmax
    return Quantized(packed, scales, tuple(weight.shape), code, block)


def double_quantize(absmax: torch.Tensor) -> Scales:
    """Scales are all positive, so their mean goes first; then 8 bits, a float a 256 — QLoRA §3.

    bitsandbytes finds the nearest of 256 codes in a table of 65,536 steps on a CPU; so do we.
    """
    offset = absmax.mean()
    centred = absmax - offset
    second = torch.stack([part.abs().max() for part in centred.split(SCALE_BLOCK)])
    spread = second.repeat_interleave(SCALE_BLOCK)[: len(centred)]
    steps = torch.floor((centred / spread + 1) * 0.5 * _STEPS + 0.5)
    indices = nearest(2 * steps / _STEPS - 1, dynamic_code())
    return Scales(torch.where(spread > 0, indices, 0).to(torch.uint8), second, offset)


def bits_per_parameter(block: int = BLOCK, double: bool = False, bits: int = 4) -> float:
    """4 + 32/64 = 4.5 bits; with 8-bit scales 4 + 8/64 + 32/(64·256) = 4.127 — QLoRA §3."""
    scale = 8 + 32 / SCALE_BLOCK if double else 32
    return bits + scale / block


def relative_error(weight: torch.Tensor, copy: torch.Tensor) -> float:
    """‖W - W'‖ / ‖W‖."""
    return float((weight.float() - copy.float()).norm() / weight.float().norm())
