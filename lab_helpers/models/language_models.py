"""Causal language models by name: ``kotori`` (shipped), a local folder, or a hub name."""

from lab_helpers.models.kotori.shipped import kotori_folder
from lab_helpers.models.sources import model_source, quiet_loading, told_plainly
from lab_helpers.runtime.errors import BadInput


def language_model_source(name: str) -> str:
    """What ``from_pretrained`` takes for ``name``; a missing local folder is a :class:`BadInput`."""
    return model_source(name, {"kotori": kotori_folder}, "Qwen/Qwen2.5-0.5B-Instruct")


def load_language_model(name: str, **options):
    """``AutoModelForCausalLM`` (float32 unless ``dtype`` says otherwise) and its tokenizer.

    ``options`` go to ``from_pretrained``, for example ``quantization_config`` or ``device_map``.
    """
    import torch
    from transformers import AutoModelForCausalLM

    source = language_model_source(name)
    with told_plainly(name), quiet_loading():
        model, found = AutoModelForCausalLM.from_pretrained(
            source,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **({"dtype": torch.float32} | options),
        )
        if found["missing_keys"]:
            raise ValueError(f"its weights lack {sorted(found['missing_keys'])[0]}")
    return model.eval(), load_chat_tokenizer(name)


def load_chat_tokenizer(name: str):
    """The model's tokenizer; one without a chat template or a padding token is a :class:`BadInput`."""
    from transformers import AutoTokenizer

    source = language_model_source(name)
    with told_plainly(name):
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
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
