"""Language models with 4-bit weights (bitsandbytes), and what a CPU needs so that they are right.

Two things go wrong there without an error (bitsandbytes 0.50.2): rows whose length is no multiple of the
block are unpacked wrongly where the processor has AVX-512, and with AVX512-BF16 the first evaluation
repacks the weights, after which no gradient passes them.
"""

import copy
from math import prod

import torch


def four_bit_config(dtype=None, double: bool = True, kind: str = "nf4"):
    """``BitsAndBytesConfig`` of the QLoRA paper: NF4, double quantization, products in ``dtype`` (float32)."""
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=kind,
        bnb_4bit_use_double_quant=double,
        bnb_4bit_compute_dtype=dtype or torch.float32,
    )


def four_bit_layers(model) -> dict:
    """The ``Linear4bit`` layers of ``model`` by name."""
    import bitsandbytes

    kind = bitsandbytes.nn.Linear4bit
    return {name: module for name, module in model.named_modules() if isinstance(module, kind)}


def unpack_weight(layer) -> torch.Tensor:
    """The weight of a ``Linear4bit`` as floats, read as one long row, which is right on every processor."""
    from bitsandbytes.functional import dequantize_4bit

    state = copy.copy(layer.weight.quant_state)
    shape, state.shape = state.shape, torch.Size([prod(state.shape)])
    return dequantize_4bit(layer.weight.data, state).reshape(shape)


def ready_four_bit(model):
    """``model`` such that a CPU computes with the weights that are stored, before and after an evaluation."""
    for layer in four_bit_layers(model).values():
        layer.support_avx512bf16_for_cpu = False
        on_cpu = layer.weight.device.type == "cpu"
        if on_cpu and layer.in_features % layer.weight.quant_state.blocksize:
            layer.forward = _plain_product(layer)
    return model


def _plain_product(layer):
    def forward(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(x, unpack_weight(layer).to(x.dtype), layer.bias)

    return forward


def load_four_bit(name: str, config=None):
    """A language model with 4-bit weights and its tokenizer, ready to evaluate and to train.

    Without ``config`` it computes in the format that a plain copy of the model would lie in on this machine.
    """
    from lab_helpers.models.language_models import load_language_model, plain_dtype

    config = config or four_bit_config(plain_dtype(name))
    model, tokenizer = load_language_model(name, quantization_config=config)
    return ready_four_bit(model), tokenizer
