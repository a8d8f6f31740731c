"""Causal language models by name: ``kotori`` (shipped), ``smollm2`` (from a package), a local folder, or a hub name."""

from collections.abc import Callable
from pathlib import Path

from lab_helpers.models.kotori.shipped import kotori_folder
from lab_helpers.models.smollm2 import smollm2_folder
from lab_helpers.models.sources import (
    is_out_of_memory,
    local_model,
    model_source,
    no_memory_for,
    plain_loading_errors,
    quiet_loading,
)
from lab_helpers.runtime.errors import BadInput


def language_model_source(name: str) -> str:
    """What ``from_pretrained`` takes for ``name``; a missing local folder is a :class:`BadInput`."""
    shipped: dict[str, Callable[[], Path]] = {"kotori": kotori_folder, "smollm2": smollm2_folder}
    return model_source(name, shipped, "Qwen/Qwen2.5-0.5B-Instruct")


def load_language_model(name: str, revision: str | None = None, **options):
    """``AutoModelForCausalLM`` (float32 unless ``dtype`` says otherwise) and its tokenizer.

    The model lies where trainers will put it, on the machine's accelerator, so that one that was trained
    and one that was not can be compared. ``revision`` is a branch, a tag or a commit of a hub's model.
    ``options`` go to ``from_pretrained``, for example ``quantization_config`` or ``device_map``, which
    choose the device themselves.
    """
    import torch
    from transformers import AutoModelForCausalLM

    from lab_helpers.runtime.hardware import detect

    source = language_model_source(name)
    with plain_loading_errors(name), quiet_loading():
        model, found = AutoModelForCausalLM.from_pretrained(
            local_model(source, revision=revision),
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **({"dtype": torch.float32} | options),
        )
        if found["missing_keys"]:
            raise ValueError(f"its weights lack {sorted(found['missing_keys'])[0]}")
    if not options.keys() & {"device_map", "quantization_config"}:
        _place(model, detect().accelerator, name)
    return model.eval(), load_chat_tokenizer(name, revision)


def _place(model, device: str, name: str) -> None:
    try:
        model.to(device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise no_memory_for(name) from None


def load_chat_tokenizer(name: str, revision: str | None = None):
    """The model's tokenizer; one without a chat template or a padding token is a :class:`BadInput`."""
    from transformers import AutoTokenizer

    source = language_model_source(name)
    with plain_loading_errors(name):
        folder = local_model(source, "tokenizer", revision)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    # What is too long is counted and said by the course; transformers' warning speaks of errors to come.
    tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
    if not tokenizer.chat_template:
        raise BadInput(
            f"'{name}' has no chat template",
            "Use an instruction-tuned model, or save a tokenizer with a chat_template beside it.",
        )
    if tokenizer.pad_token is None:
        raise BadInput(
            f"the tokenizer of '{name}' has no padding token",
            "Set tokenizer.pad_token to an unused token (not the EOS token) and save it.",
        )
    try:
        tokenizer.apply_chat_template([{"role": "user", "content": "?"}], tokenize=False)
    except Exception as error:  # jinja has many
        raise BadInput(
            f"the chat template of '{name}' cannot be used ({error})",
            "Mend chat_template.jinja in the model's folder.",
        ) from None
    return tokenizer


def read_context(name: str) -> int | None:
    """How many tokens the model reads at once, by its configuration; None where it does not say."""
    from transformers import AutoConfig

    source = language_model_source(name)
    with plain_loading_errors(name):
        config = AutoConfig.from_pretrained(local_model(source, "config"), trust_remote_code=False)
    return getattr(config, "max_position_embeddings", None)
