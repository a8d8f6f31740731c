"""What trains is float32, whatever the rest of the model lies in.

Gradients of fp16 weights cannot be unscaled by the gradient scaler, and a bf16 weight of 1 does not move
by less than 0.004: most steps of a fine-tuning would be rounded away. PEFT makes its adapters float32 over
a 16-bit base by itself (``autocast_adapter_dtype``); not ``modules_to_save``, not a base that trains as a
whole, and TRL makes adapters over 4-bit weights bf16.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

_SHORT = (torch.float16, torch.bfloat16)


@contextmanager
def float32_where_it_trains(model) -> Iterator[None]:
    """While inside, every trainable weight of ``model`` is float32; adapters and whole models stay so.

    What was trained beside frozen 16-bit weights and is no adapter (``modules_to_save``) goes back to the
    format it came in: only autocast lets a model of two formats compute, and autocast ends with the
    training.
    """
    widened = _widen(model)
    try:
        yield
    finally:
        if _holds_short_weights(model):
            for parameter, dtype in widened:
                parameter.data = parameter.data.to(dtype)


def _widen(model) -> list[tuple[nn.Parameter, torch.dtype]]:
    """Make what trains float32; the parameters that are no adapter's, with the format they came in."""
    adapters, widened = _adapter_parameters(model), []
    for parameter in model.parameters():
        if parameter.requires_grad and parameter.dtype in _SHORT:
            if id(parameter) not in adapters:
                widened.append((parameter, parameter.dtype))
            parameter.data = parameter.data.float()
            parameter.grad = None
    return widened


def _adapter_parameters(model) -> set[int]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = (module for module in model.modules() if isinstance(module, BaseTunerLayer))
    return {id(parameter) for layer in layers for parameter in layer.parameters()}


def _holds_short_weights(model) -> bool:
    return any(parameter.dtype in _SHORT for parameter in model.parameters())
