"""Encoders by name: ``minilm`` (shipped, English), ``e5`` (from a package), a local folder, or a hub name."""

from collections.abc import Callable
from pathlib import Path

from lab_helpers.models.e5 import e5_folder
from lab_helpers.models.minilm import minilm_folder
from lab_helpers.models.sources import (
    local_model,
    model_source,
    plain_loading_errors,
    quiet_loading,
)

SHIPPED: dict[str, Callable[[], Path]] = {"minilm": minilm_folder, "e5": e5_folder}

# Dropout costs a tenth of the time on a CPU, and in runs of a few dozen steps its noise exceeds its use.
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def encoder_source(name: str) -> str:
    """What ``from_pretrained`` takes for ``name``; a missing local folder is a ``BadInput``."""
    return model_source(name, SHIPPED, "intfloat/multilingual-e5-small")


def load_tokenizer(name: str):
    """The encoder's tokenizer."""
    from transformers import AutoTokenizer

    source = encoder_source(name)
    with plain_loading_errors(name):
        return AutoTokenizer.from_pretrained(
            local_model(source, "tokenizer"), trust_remote_code=False
        )


def load_encoder(name: str, pretrained: bool = True):
    """The bare encoder (``AutoModel``, float32) with its trained or with random weights."""
    from transformers import AutoConfig, AutoModel

    return _load(AutoModel, AutoConfig, name, pretrained)


def load_tagger(name: str, labels: list[str], pretrained: bool = True):
    """``AutoModelForTokenClassification`` with one output per tag of ``labels``."""
    from transformers import AutoConfig, AutoModelForTokenClassification

    return _load(
        AutoModelForTokenClassification,
        AutoConfig,
        name,
        pretrained,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )


def _load(model_class, config_class, name: str, pretrained: bool, **options):
    import torch

    source = encoder_source(name)
    with plain_loading_errors(name), quiet_loading():
        source = local_model(source, "whole" if pretrained else "config")
        config = config_class.from_pretrained(
            source, trust_remote_code=False, **options, **NO_DROPOUT
        )
        if pretrained:
            return model_class.from_pretrained(
                source,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
            )
        return model_class.from_config(config, dtype=torch.float32)
