"""4-bit models on a CPU: right weights at any width, the same before and after an evaluation, trainable."""

import pytest
import torch
from bitsandbytes.nn import Linear4bit

from lab_helpers.models.four_bit import (
    four_bit_config,
    four_bit_layers,
    load_four_bit,
    ready_four_bit,
    unpack_weight,
)
from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.quantization import quantize

pytestmark = pytest.mark.usefixtures("one_thread")


def layer_of(weight: torch.Tensor, double: bool = True) -> Linear4bit:
    d, k = weight.shape
    layer = Linear4bit(k, d, bias=False, quant_type="nf4", compress_statistics=double)
    layer.load_state_dict({"weight": weight})
    return layer.to("cpu")


def numbers(*shape) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("width", [32, 64, 96, 100, 160, 256])
def test_unpacking_is_right_at_every_width(width, double):
    weight = numbers(32, width)
    expected = quantize(weight, double=double).dequantize()
    assert torch.equal(unpack_weight(layer_of(weight, double)), expected)


@pytest.mark.parametrize("width", [32, 64, 96])
@pytest.mark.parametrize("training", [False, True])
def test_a_ready_layer_multiplies_by_the_stored_weight(width, training):
    layer = torch.nn.Sequential(layer_of(numbers(48, width)))
    ready_four_bit(layer).train(training)
    x = numbers(5, width)
    with torch.no_grad():
        assert torch.allclose(layer(x), x @ unpack_weight(layer[0]).T, atol=1e-5)


@pytest.mark.parametrize("width", [32, 64])
def test_gradients_pass_after_an_evaluation(width):
    """With AVX512-BF16 a first evaluation would repack the weights, and no gradient would come through."""
    model = ready_four_bit(torch.nn.Sequential(layer_of(numbers(48, width))))
    with torch.no_grad():
        model.eval()(numbers(5, width))
    x = numbers(5, width).requires_grad_()
    model.train()(x).sum().backward()
    assert torch.allclose(x.grad, unpack_weight(model[0]).sum(0).expand(5, -1), atol=1e-4)


def test_a_language_model_in_four_bits(tiny_chat_model):
    model, tokenizer = load_four_bit(str(tiny_chat_model))
    plain, _ = load_language_model(str(tiny_chat_model))
    layers = four_bit_layers(model)
    assert len(layers) == 2 * 7
    assert not any("lm_head" in name or "embed" in name for name in layers)
    for name, layer in layers.items():
        expected = quantize(plain.get_submodule(name).weight.detach(), double=True).dequantize()
        assert torch.equal(unpack_weight(layer), expected)
        plain.get_submodule(name).weight.data.copy_(expected)
    ids = tokenizer("The lamp is warm.", return_tensors="pt").input_ids
    with torch.no_grad():
        assert torch.allclose(model(ids).logits, plain(ids).logits, atol=1e-4)


def test_the_configuration_is_the_papers():
    config = four_bit_config()
    assert (config.load_in_4bit, config.bnb_4bit_quant_type) == (True, "nf4")
    assert config.bnb_4bit_use_double_quant
    assert config.bnb_4bit_compute_dtype == torch.float32
    assert not four_bit_config(double=False).bnb_4bit_use_double_quant
    assert four_bit_config(kind="fp4").bnb_4bit_quant_type == "fp4"
