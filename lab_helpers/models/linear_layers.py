"""The matrices of a model: which an adapter can sit on, which bitsandbytes quantizes, which are experts."""

import re

from torch import nn

# What PEFT refuses in Mamba-based models (peft.tuners.tuners_utils, _check_lora_target_modules_mamba).
_MAMBA_TYPES = frozenset({"falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h"})
_NOT_IN_MAMBA = ("out_proj", "conv1d")
_UNADAPTABLE = ("Router", "GroupedLinear")
_TOP_K = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k", "moe_k", "top_k")


def linear_shape(module: nn.Module) -> tuple[int, int] | None:
    """(d, k) of a module that multiplies by a d × k matrix; ``None`` for another module.

    GPT-2's ``Conv1D`` is a linear layer whose weight lies transposed.
    """
    from transformers.pytorch_utils import Conv1D

    if isinstance(module, nn.Linear):
        return module.out_features, module.in_features
    if isinstance(module, Conv1D):
        k, d = module.weight.shape
        return d, k
    return None


def adaptable_layers(net: nn.Module) -> dict[str, nn.Module]:
    """Every layer that PEFT's ``target_modules="all-linear"`` adapts: linear, not the head.

    Left out too is what PEFT refuses in Mamba-based models, and linear layers of a model's own kind on
    which an adapter cannot sit: routers that answer with several tensors, grouped products.
    """
    head, mamba = net.get_output_embeddings(), net.config.model_type in _MAMBA_TYPES
    return {
        name: module
        for name, module in net.named_modules()
        if linear_shape(module) is not None
        and module is not head
        and not type(module).__name__.endswith(_UNADAPTABLE)
        and not (mamba and name.rpartition(".")[2] in _NOT_IN_MAMBA)
    }


def quantized_layers(net: nn.Module) -> dict[str, nn.Module]:
    """Every layer that ``load_in_4bit`` turns into 4 bits: exactly ``nn.Linear`` or ``Conv1D``.

    The head, tied weights, the last module and what a model keeps in float32 stay as they are
    (transformers: ``replace_with_bnb_linear``, ``get_keys_to_not_convert``). Experts that lie in one
    tensor, and Falcon's own linear class, are no such layers, and stay too.
    """
    from transformers.pytorch_utils import Conv1D

    kept = _kept_names(net)
    return {
        name: module
        for name, module in net.named_modules()
        if type(module) in (nn.Linear, Conv1D)
        and not any(re.match(rf"(?:{key})(?:\.|$)", name) or name.endswith(key) for key in kept)
    }


def _kept_names(net: nn.Module) -> set[str]:
    head = net.get_output_embeddings()
    tied = getattr(net, "all_tied_weights_keys", {})
    last = [name for name, _ in net.named_parameters()][-1]
    names = {name for name, module in net.named_modules() if module is head}
    names |= {name.removesuffix(".weight") for name in (*tied.keys(), *tied.values(), last)}
    return names | set(getattr(net, "_keep_in_fp32_modules", None) or ())


def expert_parameters(net: nn.Module) -> tuple[int, int]:
    """Parameters that lie in experts, and how many of them one token uses; (0, 0) without a mixture."""
    inside = active = 0
    chosen = _chosen_experts(net.config.get_text_config())
    for module in net.modules():
        experts = _count_experts(module)
        if not experts or not chosen:
            continue
        size = sum(p.numel() for p in module.parameters(recurse=False))
        inside += size
        active += size * min(chosen, experts) // experts
    return inside, active


def _chosen_experts(config) -> int:
    """To how many experts a token goes; each family has its own word for it."""
    places = [config, getattr(config, "ffn_config", None)]
    found = (getattr(place, key, None) for place in places for key in _TOP_K)
    return next((number for number in found if isinstance(number, int) and number), 0)


def _count_experts(module: nn.Module) -> int:
    """How many experts' matrices lie stacked in ``module``; 0 where none do."""
    if "Expert" not in type(module).__name__:
        return 0
    stacked = [p for p in module.parameters(recurse=False) if p.dim() == 3]
    return stacked[0].shape[0] if stacked else getattr(module, "moe_num_experts", 0)
