"""Shapes of well-known models: the numbers of their published ``config.json`` files.

GPT-3 is Brown et al. 2020, Table 2.1, built with OPT's module names (OPT-175B has GPT-3's shape, and
separate q_proj and v_proj).
"""


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


def _qwen3(hidden, mlp, layers, heads, tied=False) -> dict:
    return {**_qwen2(hidden, mlp, layers, heads, 8, 151936, tied), "head_dim": 128}


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
# Known to `labs fit` and to BENCHMARKS.md, but not among the models that the labs compare.
ALSO_KNOWN = {
    "Llama 2 7B": (
        "LlamaConfig",
        {
            "vocab_size": 32000,
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
        },
    ),
    "Llama 3.2 3B": (
        "LlamaConfig",
        {
            **_LLAMA3,
            "hidden_size": 3072,
            "intermediate_size": 8192,
            "num_hidden_layers": 28,
            "num_attention_heads": 24,
            "tie_word_embeddings": True,
        },
    ),
    "Qwen3 4B": ("Qwen3Config", _qwen3(2560, 9728, 36, 32, tied=True)),
    "Qwen3 8B": ("Qwen3Config", _qwen3(4096, 12288, 36, 32)),
    "Qwen3 14B": ("Qwen3Config", _qwen3(5120, 17408, 40, 40)),
    "Qwen3 30B-A3B": (
        "Qwen3MoeConfig",
        {
            **_qwen3(2048, 6144, 48, 32),
            "num_key_value_heads": 4,
            "moe_intermediate_size": 768,
            "num_experts": 128,
            "num_experts_per_tok": 8,
        },
    ),
    "Mixtral 8x7B": (
        "MixtralConfig",
        {
            "vocab_size": 32000,
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "num_local_experts": 8,
            "num_experts_per_tok": 2,
        },
    ),
    "gpt-oss 20B": (
        "GptOssConfig",
        {
            "vocab_size": 201088,
            "hidden_size": 2880,
            "intermediate_size": 2880,
            "num_hidden_layers": 24,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "head_dim": 64,
            "num_local_experts": 32,
            "num_experts_per_tok": 4,
        },
    ),
}
