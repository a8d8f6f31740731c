"""Causal language models by name: ``kotori`` (shipped), ``smollm2`` (from a package), a local folder, or a hub name."""

from collections.abc import Callable
from pathlib import Path

from lab_helpers.models.chat_templates import fold_system_text
from lab_helpers.models.kotori.shipped import kotori_folder
from lab_helpers.models.padding import pad_with_unused_token
from lab_helpers.models.placement import loading_options, weight_dtype
from lab_helpers.models.residency import free_dead_models, note_loaded
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
from lab_helpers.runtime.language import say

_SHIPPED: dict[str, Callable[[], Path]] = {"kotori": kotori_folder, "smollm2": smollm2_folder}


def language_model_source(name: str) -> str:
    """What ``from_pretrained`` takes for ``name``; a missing local folder is a :class:`BadInput`."""
    return model_source(name, _SHIPPED, "Qwen/Qwen2.5-0.5B-Instruct")


def plain_dtype(name: str):
    """The ``torch.dtype`` in which :func:`load_language_model` puts this model's weights on this machine."""
    from lab_helpers.runtime.hardware import detect

    return weight_dtype(detect(), name in _SHIPPED)


def load_language_model(name: str, revision: str | None = None, **options):
    """``AutoModelForCausalLM`` and its tokenizer; dead models leave the memory first.

    The model lies where trainers will put it, on the machine's accelerator, so that one that was trained
    and one that was not can be compared. Its weights are float32; on a CUDA GPU bf16 or fp16, unless the
    model is one that the course ships (:mod:`~lab_helpers.models.placement`). ``revision`` is a branch, a
    tag or a commit of a hub's model. ``options`` go to ``from_pretrained`` and win, for example ``dtype``,
    or ``quantization_config`` and ``device_map``, which choose the device themselves.
    """
    from transformers import AutoModelForCausalLM

    from lab_helpers.runtime.hardware import detect

    free_dead_models()
    source, machine = language_model_source(name), detect()
    # First: a tokenizer that is refused should not cost gigabytes of weights.
    tokenizer = load_chat_tokenizer(name, revision)
    options = loading_options(machine, name in _SHIPPED, options)
    with plain_loading_errors(name), quiet_loading():
        model, found = AutoModelForCausalLM.from_pretrained(
            local_model(source, revision=revision),
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **options,
        )
        if found["missing_keys"]:
            lacking = sorted(found["missing_keys"])[0]
            raise ValueError(say(f"its weights lack {lacking}", f"重みに {lacking} がありません"))
    if not options.keys() & {"device_map", "quantization_config"}:
        _place(model, machine.accelerator, name)
    note_loaded(model)
    if model.generation_config.pad_token_id is None:
        model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model.eval(), tokenizer


def _place(model, device: str, name: str) -> None:
    try:
        model.to(device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise no_memory_for(name) from None


def load_chat_tokenizer(name: str, revision: str | None = None):
    """The model's tokenizer; one without a chat template, or without a token for padding, is a :class:`BadInput`.

    In memory it may get a padding token that nothing else uses, and a template that takes a system message.
    """
    from transformers import AutoTokenizer

    source = language_model_source(name)
    with plain_loading_errors(name):
        folder = local_model(source, "tokenizer", revision)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    # What is too long is counted and said by the course; transformers' warning speaks of errors to come.
    tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
    if not tokenizer.chat_template:
        raise BadInput(
            say(f"'{name}' has no chat template", f"「{name}」にチャットテンプレートがありません"),
            say(
                "Use an instruction-tuned model, or save a tokenizer with a chat_template beside it.",
                "指示チューニング済みのモデルを使うか、chat_template を設定したトークナイザーをモデルと一緒に保存してください。",
            ),
        )
    if tokenizer.pad_token is None and not pad_with_unused_token(tokenizer):
        raise BadInput(
            say(
                f"the tokenizer of '{name}' has no padding token",
                f"「{name}」のトークナイザーにパディング用のトークンがありません",
            ),
            say(
                "Set tokenizer.pad_token to an unused token (not the EOS token) and save it.",
                "tokenizer.pad_token に未使用のトークン（EOS 以外）を設定して保存してください。",
            ),
        )
    try:
        tokenizer.apply_chat_template([{"role": "user", "content": "?"}], tokenize=False)
    except Exception as error:  # jinja has many
        raise BadInput(
            say(
                f"the chat template of '{name}' cannot be used ({error})",
                f"「{name}」のチャットテンプレートを使えません（{error}）",
            ),
            say(
                "Mend chat_template.jinja in the model's folder.",
                "モデルのフォルダーにある chat_template.jinja を直してください。",
            ),
        ) from None
    fold_system_text(tokenizer)
    return tokenizer


def read_context(name: str) -> int | None:
    """How many tokens the model reads at once, by its configuration; None where it does not say."""
    from transformers import AutoConfig

    source = language_model_source(name)
    with plain_loading_errors(name):
        config = AutoConfig.from_pretrained(local_model(source, "config"), trust_remote_code=False)
    return getattr(config, "max_position_embeddings", None)
