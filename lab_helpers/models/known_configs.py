"""Shapes of models, well-known ones or a user's own, for counting on the meta device: no weight is
ever allocated.
"""

from functools import lru_cache

import torch

from lab_helpers.models.adapter_configs import adapter_folder, read_adapter
from lab_helpers.models.blocks import shorten
from lab_helpers.models.config_files import SHAPES, read_config, short, writes_text
from lab_helpers.models.known_shapes import KNOWN
from lab_helpers.models.linear_layers import (
    adaptable_layers,
    expert_parameters,
    linear_shape,
    quantized_layers,
)
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

__all__ = ["KNOWN", "SHAPES", "TARGET_SETS"]
MOST_LAYERS = 10_000
TARGET_SETS = {
    "q, v": ("q_proj", "v_proj"),
    "q, k, v, o": ("q_proj", "k_proj", "v_proj", "o_proj", "out_proj"),
    "MLP": ("gate_proj", "up_proj", "down_proj", "fc1", "fc2"),
}
TARGET_SETS["all linear"] = TARGET_SETS["q, k, v, o"] + TARGET_SETS["MLP"]
# The same in families that have q, k and v in one matrix, or other names: ends of the layers' names.
_OTHER_NAMES = {
    "q, k, v, o": (
        *("query_key_value", "attention.dense", "self_attention.dense"),  # NeoX, BLOOM, Falcon
        *("c_attn", "attn.c_proj", "qkv_proj", "Wqkv"),  # GPT-2, Phi-3 and CodeGen, MPT and DBRX
    ),
    "MLP": (
        *("dense_h_to_4h", "dense_4h_to_h", "gate_up_proj"),  # NeoX, BLOOM, Falcon; Phi-3 and GLM
        *("c_fc", "mlp.c_proj", "fc_in", "fc_out"),  # GPT-2; GPT-J and CodeGen
    ),
}


@lru_cache(maxsize=32)
def model_config(model: str):
    """The configuration of a model that writes text, by name.

    A name in ``SHAPES``, ``kotori``, ``smollm2``, a ``config.json`` or a folder with one, a hub name, or
    an adapter's folder, which stands for its base. What is not such a model's configuration is a
    :class:`BadInput`.
    """
    folder = adapter_folder(model)
    if folder:
        return model_config(read_adapter(folder).base)
    return writes_text(read_config(model), model)


def meta_model(model: str, layers: int | None = None, **options):
    """The model with shapes and no weights (meta device); ``layers`` keeps so many of its blocks.

    ``options`` go to ``from_config``. A configuration from which no model can be built is a
    :class:`BadInput`.
    """
    import copy

    import transformers

    from lab_helpers.models.sources import quiet_loading

    config = copy.deepcopy(model_config(model))
    _check_layers(config, model)
    try:
        with quiet_loading(), torch.device("meta"):
            net = transformers.AutoModelForCausalLM.from_config(config, **options)
    except MemoryError:
        raise
    except (
        Exception
    ) as error:  # each model's code fails in its own way on a senseless configuration
        raise BadInput(
            say(
                f"no model can be built from '{model}' ({short(error)})",
                f"「{model}」からモデルを組み立てられません（{short(error)}）",
            ),
            say("Mend its config.json.", "config.json を修正してください。"),
        ) from None
    return net if layers is None else shorten(net, layers)


@lru_cache(maxsize=4)
def whole_model(model: str):
    """:func:`meta_model` of all blocks, built once: to be looked at, never changed."""
    return meta_model(model)


def _check_layers(config, model: str) -> None:
    layers = getattr(config.get_text_config(), "num_hidden_layers", 1)
    if not isinstance(layers, int) or not 1 <= layers <= MOST_LAYERS:
        raise BadInput(
            say(f"'{model}' has {layers} layers", f"「{model}」の層数が {layers} になっています"),
            say(
                "Mend num_hidden_layers in its config.json.",
                "config.json の num_hidden_layers を修正してください。",
            ),
        )


@lru_cache(maxsize=32)
def parameter_shapes(model: str) -> dict[str, tuple[int, ...]]:
    """Every parameter's name and shape; tied ones once."""
    return {name: tuple(p.shape) for name, p in whole_model(model).named_parameters()}


@lru_cache(maxsize=32)
def linear_shapes(model: str) -> tuple[dict[str, tuple[int, int]], int]:
    """``({layer name: (d, k)}, all parameters)`` of a model, built on the meta device; without the head."""
    built = whole_model(model)
    return _shapes(adaptable_layers(built)), sum(p.numel() for p in built.parameters())


@lru_cache(maxsize=32)
def quantized_shapes(model: str) -> dict[str, tuple[int, int]]:
    """``{layer name: (d, k)}`` of what bitsandbytes turns into 4 bits."""
    return _shapes(quantized_layers(whole_model(model)))


def _shapes(layers: dict) -> dict[str, tuple[int, int]]:
    found = {name: linear_shape(module) for name, module in layers.items()}
    return {name: shape for name, shape in found.items() if shape is not None}


@lru_cache(maxsize=32)
def active_parameters(model: str) -> int:
    """Parameters that one token uses: all of them, but of a mixture's experts only the chosen ones."""
    built = whole_model(model)
    inside, active = expert_parameters(built)
    return sum(p.numel() for p in built.parameters()) - inside + active


@lru_cache(maxsize=32)
def has_experts(model: str) -> bool:
    """Whether the model is a mixture whose experts lie stacked in tensors of their own."""
    return expert_parameters(whole_model(model))[0] > 0


def target_names(model: str, targets: str) -> list[str]:
    """Names of the layers that a named target set adapts; "all linear" is PEFT's ``all-linear``.

    Raises :class:`BadInput` for an unknown set, and for a model that has no layer of it.
    """
    shapes, _ = linear_shapes(model)
    if targets not in TARGET_SETS:
        raise BadInput(
            say(f"unknown targets '{targets}'", f"「{targets}」という対象はありません"),
            say(
                f"Use one of: {', '.join(TARGET_SETS)}.",
                f"次のいずれかを指定してください: {'、'.join(TARGET_SETS)}。",
            ),
        )
    if targets == "all linear":
        found = list(shapes)
    else:
        ends = TARGET_SETS[targets] + _OTHER_NAMES.get(targets, ())
        found = [n for n in shapes if any(n == end or n.endswith(f".{end}") for end in ends)]
    if not found:
        raise _no_targets(model, targets, sorted({name.rsplit(".", 1)[-1] for name in shapes}))
    return found


def _no_targets(model: str, targets: str, names: list[str]) -> BadInput:
    return BadInput(
        say(
            f"'{model}' has no layer of the set '{targets}'",
            f"「{model}」に「{targets}」に当たる層はありません",
        ),
        say(
            f"Its linear layers are called {', '.join(names) or 'otherwise'}: use 'all linear'.",
            f"線形層の名前は {'、'.join(names) or '別のもの'} です。all linear を指定してください。",
        ),
    )


def target_shapes(model: str, targets: str) -> list[tuple[int, int]]:
    """Shapes (d, k) of the matrices that a named target set adapts."""
    shapes, _ = linear_shapes(model)
    return [shapes[name] for name in target_names(model, targets)]
