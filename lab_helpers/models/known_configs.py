"""Shapes of well-known models, for counting on the meta device: no weight is ever allocated.

The numbers are those of the published ``config.json`` files; GPT-3 is Brown et al. 2020, Table 2.1,
built with OPT's module names (OPT-175B has GPT-3's shape, and separate q_proj and v_proj).
"""

from functools import lru_cache

import torch
from torch import nn

from lab_helpers.runtime.errors import BadInput

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
}
TARGET_SETS = {
    "q, v": ("q_proj", "v_proj"),
    "q, k, v, o": ("q_proj", "k_proj", "v_proj", "o_proj", "out_proj"),
    "MLP": ("gate_proj", "up_proj", "down_proj", "fc1", "fc2"),
}
TARGET_SETS["all linear"] = TARGET_SETS["q, k, v, o"] + TARGET_SETS["MLP"]


@lru_cache(maxsize=8)
def linear_shapes(model: str) -> tuple[dict[str, tuple[int, int]], int]:
    """``({layer name: (d, k)}, all parameters)`` of a known model, built on the meta device."""
    import transformers

    if model not in KNOWN:
        raise BadInput(f"unknown model '{model}'", f"Use one of: {', '.join(KNOWN)}.")
    class_name, values = KNOWN[model]
    config = getattr(transformers, class_name)(**values)
    with torch.device("meta"):
        built = transformers.AutoModelForCausalLM.from_config(config)
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
    return [
        shape for name, shape in shapes.items() if name.rsplit(".", 1)[-1] in TARGET_SETS[targets]
    ]


def lora_counts(model: str, r: int, targets: str) -> dict:
    """Trainable and all parameters, the ratio "one in N", and the adapter's size in MB (16-bit)."""
    from lab_helpers.tuning.lora import adapter_parameters

    trainable = adapter_parameters(target_shapes(model, targets), r)
    _, total = linear_shapes(model)
    return {
        "model": model,
        "r": r,
        "targets": targets,
        "trainable": trainable,
        "total": total,
        "one_in": total / trainable,
        "megabytes": trainable * 2 / 1e6,
    }
