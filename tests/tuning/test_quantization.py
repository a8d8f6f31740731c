"""NF4 and FP4 by hand against bitsandbytes, bit for bit; double quantization against its second level."""

import math

import pytest
import torch
from bitsandbytes import functional
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.tuning import quantization
from lab_helpers.tuning.quantization import (
    BLOCK,
    CODES,
    bits_per_parameter,
    dynamic_code,
    nearest,
    nf4_code,
    pack,
    quantize,
    relative_error,
    unpack,
)

KINDS = ("nf4", "fp4")
SHAPES = [(64, 64), (128, 256), (1, 64), (1000,), (3, 5, 7), (65,), (63,), (1,), (2, 4096)]


def numbers(shape, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def equal(weight: torch.Tensor, kind: str, block: int = BLOCK) -> None:
    """Packed codes and scales are bitsandbytes', bit for bit, without and with double quantization."""
    for double in (False, True):
        packed, state = functional.quantize_4bit(
            weight, quant_type=kind, blocksize=block, compress_statistics=double
        )
        ours = quantize(weight, kind, block, double)
        assert torch.equal(packed.reshape(-1), ours.packed)
        if not double:
            assert torch.equal(state.absmax, ours.scales)
            continue
        assert torch.equal(state.absmax, ours.scales.indices)
        assert torch.equal(state.state2.absmax, ours.scales.absmax)
        assert torch.equal(state.offset, ours.scales.offset)


# The code books


def test_the_code_books_are_bitsandbytes():
    assert torch.equal(nf4_code(), functional.get_4bit_type("nf4", "cpu"))
    assert torch.equal(CODES["fp4"](), functional.get_4bit_type("fp4", "cpu"))
    assert torch.equal(dynamic_code(), functional.create_dynamic_map())


def test_nf4_is_sorted_ends_at_one_and_holds_zero():
    code = nf4_code()
    assert code.shape == (16,)
    assert torch.equal(code, code.sort().values)
    assert (code[0], code[-1], code[7]) == (-1, 1, 0)
    assert int((code > 0).sum()) == 8


def test_nf4s_steps_hold_about_equally_many_normal_numbers():
    """Between the midpoints lie equal shares, the two ends and the steps around zero apart."""
    code = nf4_code() * torch.special.ndtri(torch.tensor(quantization.OFFSET))
    middle = torch.special.ndtr((code[:-1] + code[1:]) / 2)
    shares = middle.diff()[1:-1]
    assert shares.max() / shares.min() < 1.25


def test_the_papers_own_offset_gives_other_bits():
    paper = nf4_code(1 - (1 / 32 + 1 / 30) / 2)
    assert (paper - nf4_code()).abs().max() < 1e-6
    assert not torch.equal(paper, nf4_code())


def test_int4_is_an_even_grid():
    steps = CODES["int4"]().diff()
    assert len(steps) == 15
    assert torch.allclose(steps, torch.full_like(steps, 1 / 7))


# Bit for bit


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("block", [32, 64, 128])
def test_normal_weights(kind, shape, block):
    equal(numbers(shape), kind, block)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_weights(kind, dtype):
    equal(numbers((96, 64)).to(dtype), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 64, 100, 128])
def test_zeros_stay_zero(kind, count):
    zeros = torch.zeros(count)
    equal(zeros, kind)
    assert torch.equal(quantize(zeros, kind).dequantize(), zeros)
    mixed = torch.cat([torch.zeros(64), numbers(64), torch.zeros(64)])
    equal(mixed, kind)
    assert torch.count_nonzero(quantize(mixed, kind).dequantize()[:64]) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6, 1e30])
def test_extreme_scales(kind, scale):
    equal(numbers((64, 128)) * scale, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_an_outlier_spoils_its_own_block_only(kind):
    weight = numbers((4, 64))
    spoiled = weight.clone()
    spoiled[1, 3] = 1e4
    equal(spoiled, kind)
    before, after = (quantize(w, kind).dequantize() for w in (weight, spoiled))
    assert torch.equal(before[[0, 2, 3]], after[[0, 2, 3]])
    assert not torch.equal(before[1], after[1])


@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=300),
    st.sampled_from(KINDS),
    st.sampled_from([32, 64]),
)
def test_any_numbers(values, kind, block):
    equal(torch.tensor(values), kind, block)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(64, 64), (300, 128), (5, 1024)], ids=str)
def test_back_to_floats_bit_for_bit(kind, shape, double):
    weight = numbers(shape, 3)
    theirs = functional.dequantize_4bit(
        *functional.quantize_4bit(weight, quant_type=kind, compress_statistics=double)
    )
    assert torch.equal(quantize(weight, kind, double=double).dequantize(), theirs)


# By hand


@given(st.lists(st.integers(0, 15), max_size=40))
def test_packing_and_back(indices):
    given_indices = torch.tensor(indices, dtype=torch.uint8)
    packed = pack(given_indices)
    assert len(packed) == math.ceil(len(indices) / 2)
    assert unpack(packed, len(indices)).tolist() == indices


def test_the_first_index_stands_in_the_upper_half():
    assert pack(torch.tensor([1, 2, 3], dtype=torch.uint8)).tolist() == [0x12, 0x30]


@pytest.mark.parametrize("kind", CODES)
def test_the_nearest_code_is_nearest(kind):
    code, values = CODES[kind](), numbers(2000).clamp(-1, 1)
    chosen = code[nearest(values, code).long()]
    assert torch.allclose((values - chosen).abs(), (values[:, None] - code).abs().amin(1))


@pytest.mark.parametrize("kind", CODES)
def test_quantizing_twice_changes_nothing(kind):
    once = quantize(numbers((8, 64)), kind).dequantize()
    assert torch.allclose(quantize(once, kind).dequantize(), once, atol=1e-6)


def test_the_weight_given_is_left_alone():
    weight = numbers((64, 64))
    kept = weight.clone()
    quantize(weight, "nf4", double=True)
    assert torch.equal(weight, kept)


def test_the_largest_of_each_block_survives():
    weight = numbers((16, 64))
    back = quantize(weight).dequantize()
    where = weight.abs().argmax(1)
    rows = torch.arange(16)
    negative = weight[rows, where] < 0
    assert torch.allclose(back[rows, where], weight[rows, where])
    assert negative.any()
    assert not negative.all()


def test_errors_on_normal_numbers():
    """9.2 % with NF4; and an even grid beats FP4."""
    weight = numbers((1024, 1024))
    error = {kind: relative_error(weight, quantize(weight, kind).dequantize()) for kind in CODES}
    assert error["nf4"] == pytest.approx(0.092, abs=0.001)
    assert error["nf4"] < error["int4"] < error["fp4"]


def test_double_quantization_adds_little():
    weight = numbers((512, 512))
    single, double = (
        relative_error(weight, quantize(weight, double=d).dequantize()) for d in (False, True)
    )
    assert single < double < single * 1.01


# Bits


def test_bits_by_formula():
    assert bits_per_parameter() == 4.5
    assert bits_per_parameter(double=True) == pytest.approx(4.127, abs=5e-4)
    assert bits_per_parameter(32) == 5.0


@pytest.mark.parametrize("double", [False, True])
def test_bits_held_are_bits_by_formula(double):
    held = quantize(numbers((512, 1024)), double=double)
    assert held.bits_per_parameter() == pytest.approx(bits_per_parameter(double=double), abs=1e-4)


def test_bytes_by_hand():
    held = quantize(numbers((2, 64)))
    assert held.bytes() == 64 + 2 * 4
    assert quantize(numbers((2, 64)), double=True).bytes() == 64 + 2 + 4 + 4
