"""A model with an adapter on it, without weights: what trains is what PEFT itself makes trainable."""

import warnings
from functools import lru_cache

import torch
from torch import nn

from lab_helpers.models.adapter_configs import peft_config
from lab_helpers.models.config_files import short
from lab_helpers.models.known_configs import has_experts, meta_model, target_names
from lab_helpers.models.linear_layers import adaptable_layers
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


def put_adapter(net: nn.Module, model: str, r: int, targets: str, adapter: str | None):
    """``net``, on the meta device, as a ``PeftModel`` with a LoRA, or with the adapter in a folder.

    ``net`` may be shorter than ``model``: targets that it does not have are left out. What PEFT refuses
    is a :class:`BadInput`.
    """
    from lab_helpers.models.sources import hush_known_warnings

    hush_known_warnings()  # before bitsandbytes is imported
    from peft import LoraConfig, get_peft_model

    if adapter:
        config = peft_config(adapter)
    else:
        config = LoraConfig(r=r, target_modules=_targets(net, model, targets))
    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about patterns and names that a count does not mind
            return get_peft_model(net, config, autocast_adapter_dtype=False)
    except Exception as error:  # each method refuses what it cannot adapt in its own way
        raise BadInput(
            say(
                f"PEFT cannot put this adapter on '{model}' ({short(error)})",
                f"PEFT はこのアダプターを「{model}」に付けられません（{short(error)}）",
            ),
            say(
                "Give other targets, or the base that the adapter was trained on (--base).",
                "別の対象を指定するか、--base でアダプターの元のモデルを指定してください。",
            ),
        ) from None


def _targets(net: nn.Module, model: str, targets: str) -> list[str] | str:
    """Names for ``target_modules``; PEFT's own word where it adapts a mixture's experts along with the rest."""
    here = adaptable_layers(net)
    if targets == "all linear" and has_experts(model) and _all_are_plain(net, here):
        return "all-linear"
    return [name for name in target_names(model, targets) if name in here]


def _all_are_plain(net: nn.Module, here: dict[str, nn.Module]) -> bool:
    """Whether PEFT's ``all-linear`` would meet no layer that it cannot adapt."""
    head = net.get_output_embeddings()
    linear = {n for n, m in net.named_modules() if isinstance(m, nn.Linear) and m is not head}
    return linear <= set(here)


@lru_cache(maxsize=64)
def adapter_shapes(
    model: str, r: int, targets: str, adapter: str | None
) -> tuple[tuple[tuple[int, ...], bool], ...]:
    """``(shape, is an embedding)`` of every tensor that PEFT makes trainable on the whole model."""
    net = put_adapter(meta_model(model), model, r, targets, adapter)
    return tuple(
        (tuple(p.shape), "embed" in name) for name, p in net.named_parameters() if p.requires_grad
    )
