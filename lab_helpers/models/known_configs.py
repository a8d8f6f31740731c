"""Shapes of models, well-known ones or a user's own, for counting on the meta device: no weight is
ever allocated.

The numbers are those of the published ``config.json`` files; GPT-3 is Brown et al. 2020, Table 2.1,
built with OPT's module names (OPT-175B has GPT-3's shape, and separate q_proj and v_proj).
"""

from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from lab_helpers.runtime.errors import BadInput


def _qwen2(hidden, mlp, layers, heads, key_value_heads, vocabulary, tied=False) -> dict:
    return {
        "hidden_size": hidden,
        "intermediate_size": mlp,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": key_value_heads,
        "vocab_size": vocabulary,
        "tie_word_embeddings": tied,
    }


_LLAMA3 = {"vocab_size": 128256, "num_key_value_heads": 8}
KNOWN = {
    "GPT-3 175B": (
        "OPTConfig",
        {
            "hidden_size": 12288,
            "word_embed_proj_dim": 12288,
            "ffn_dim": 49152,
            "num_hidden_layers": 96,
            "num_attention_heads": 96,
            "vocab_size": 50257,
            "max_position_embeddings": 2048,
        },
    ),
    "Llama 3 8B": (
        "LlamaConfig",
        {
            **_LLAMA3,
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
        },
    ),
    "Llama 3 70B": (
        "LlamaConfig",
        {
            **_LLAMA3,
            "hidden_size": 8192,
            "intermediate_size": 28672,
            "num_hidden_layers": 80,
            "num_attention_heads": 64,
        },
    ),
    "Gemma 2 2B": (
        "Gemma2Config",
        {
            "hidden_size": 2304,
            "intermediate_size": 9216,
            "num_hidden_layers": 26,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "head_dim": 256,
            "vocab_size": 256000,
        },
    ),
    "Gemma 2 9B": (
        "Gemma2Config",
        {
            "hidden_size": 3584,
            "intermediate_size": 14336,
            "num_hidden_layers": 42,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 256,
            "vocab_size": 256000,
        },
    ),
    "Qwen2.5 0.5B": ("Qwen2Config", _qwen2(896, 4864, 24, 14, 2, 151936, tied=True)),
    "Qwen2.5 1.5B": ("Qwen2Config", _qwen2(1536, 8960, 28, 12, 2, 151936, tied=True)),
    "Qwen2.5 7B": ("Qwen2Config", _qwen2(3584, 18944, 28, 28, 4, 152064)),
    "Qwen2.5 14B": ("Qwen2Config", _qwen2(5120, 13824, 48, 40, 8, 152064)),
    "Qwen2.5 32B": ("Qwen2Config", _qwen2(5120, 27648, 64, 40, 8, 152064)),
}
MOST_LAYERS = 10_000
TARGET_SETS = {
    "q, v": ("q_proj", "v_proj"),
    "q, k, v, o": ("q_proj", "k_proj", "v_proj", "o_proj", "out_proj"),
    "MLP": ("gate_proj", "up_proj", "down_proj", "fc1", "fc2"),
}
TARGET_SETS["all linear"] = TARGET_SETS["q, k, v, o"] + TARGET_SETS["MLP"]


@lru_cache(maxsize=32)
def model_config(model: str):
    """The configuration of a model that writes text, by name.

    A name in ``KNOWN``, ``kotori``, a ``config.json`` or a folder with one, or a hub name. What is not
    such a model's configuration is a :class:`BadInput`.
    """
    import transformers

    known = {name.casefold(): name for name in KNOWN}.get(model.casefold())
    if known:
        class_name, values = KNOWN[known]
        return getattr(transformers, class_name)(**values)
    return _writes_text(_read_config(model), model)


def _read_config(model: str):
    from transformers import AutoConfig

    from lab_helpers.models.language_models import language_model_source
    from lab_helpers.models.sources import plain_loading_errors, quiet_loading

    if model.count("/") != 1 and not Path(model).expanduser().exists() and model != "kotori":
        raise BadInput(
            f"unknown model '{model}'",
            f"Use one of: {', '.join(KNOWN)}, kotori, a config.json, a folder with one, or a hub name.",
        )
    path = Path(model).expanduser()
    if path.is_file():
        try:
            with quiet_loading():
                return AutoConfig.from_pretrained(path, trust_remote_code=False)
        except Exception as error:  # JSON, types and names each fail in their own way
            raise BadInput(
                f"{path.name} is no model's config.json ({_short(error)})",
                "Give the config.json that lies beside a model's weights.",
            ) from None
    source = language_model_source(model)
    with plain_loading_errors(model), quiet_loading():
        return AutoConfig.from_pretrained(source, trust_remote_code=False)


def _short(error: Exception) -> str:
    """An error's message on one line, cut to what a terminal shows."""
    return " ".join(str(error).split())[:140] or type(error).__name__


def _writes_text(config, model: str):
    """``config``, or its text part; an encoder's or another model's is refused."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    config = config.get_text_config()
    encoder = type(config) in MODEL_FOR_MASKED_LM_MAPPING and not config.is_decoder
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING or encoder or config.is_encoder_decoder:
        raise BadInput(
            f"'{model}' is a {config.model_type} model, which does not continue text",
            "Give a causal language model, such as Llama, Gemma or Qwen.",
        )
    return config


def meta_model(model: str, layers: int | None = None, **options):
    """The model with shapes and no weights (meta device); ``layers`` shortens it to so many blocks."""
    import copy

    import transformers

    from lab_helpers.models.sources import quiet_loading

    config = copy.deepcopy(model_config(model))
    if not 1 <= config.num_hidden_layers <= MOST_LAYERS:
        raise BadInput(
            f"'{model}' has {config.num_hidden_layers} layers",
            "Mend num_hidden_layers in its config.json.",
        )
    if layers is not None:
        config.num_hidden_layers = layers
        if getattr(config, "layer_types", None):
            config.layer_types = (config.layer_types * layers)[:layers]
    try:
        with quiet_loading(), torch.device("meta"):
            return transformers.AutoModelForCausalLM.from_config(config, **options)
    except (TypeError, ValueError, RuntimeError, ZeroDivisionError, KeyError) as error:
        raise BadInput(
            f"no model can be built from '{model}' ({_short(error)})", "Mend its config.json."
        ) from None


@lru_cache(maxsize=32)
def parameter_shapes(model: str) -> dict[str, tuple[int, ...]]:
    """Every parameter's name and shape; tied ones once."""
    return {name: tuple(p.shape) for name, p in meta_model(model).named_parameters()}


@lru_cache(maxsize=32)
def linear_shapes(model: str) -> tuple[dict[str, tuple[int, int]], int]:
    """``({layer name: (d, k)}, all parameters)`` of a model, built on the meta device; without the head."""
    built = meta_model(model)
    shapes = {
        name: (module.out_features, module.in_features)
        for name, module in built.named_modules()
        if isinstance(module, nn.Linear) and not name.endswith("lm_head")
    }
    return shapes, sum(p.numel() for p in built.parameters())


def target_shapes(model: str, targets: str) -> list[tuple[int, int]]:
    """Shapes (d, k) of the matrices that a named target set adapts."""
    shapes, _ = linear_shapes(model)
    if targets not in TARGET_SETS:
        raise BadInput(f"unknown targets '{targets}'", f"Use one of: {', '.join(TARGET_SETS)}.")
    found = [
        shape for name, shape in shapes.items() if name.rsplit(".", 1)[-1] in TARGET_SETS[targets]
    ]
    if not found:
        raise BadInput(
            f"'{model}' has no layer of the set '{targets}'",
            f"Its linear layers are called {', '.join(sorted({n.rsplit('.', 1)[-1] for n in shapes})) or 'otherwise'}.",
        )
    return found
