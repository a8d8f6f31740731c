"""Save an adapter with its base's fingerprint, and load it again on the base it was trained on."""

import hashlib
from pathlib import Path

from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import read_json, write_json

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
_FINGERPRINT = "base_fingerprint.json"
_ROWS = 64


def fingerprint(model) -> str:
    """SHA-256 of the base's token vectors: all of a small model's, the first and last 64 of a large one's.

    Two models that share them are the same base for every practical purpose; hashing all weights of
    an 8B model would take minutes.
    """
    import torch

    vectors = model.get_input_embeddings().weight.detach()
    if len(vectors) > 100 * _ROWS:
        vectors = torch.cat([vectors[:_ROWS], vectors[-_ROWS:]])
    digest = hashlib.sha256(str(tuple(model.get_input_embeddings().weight.shape)).encode())
    digest.update(vectors.to("cpu", torch.float32).numpy().tobytes())
    return digest.hexdigest()


def save_adapter(model, folder: Path) -> int:
    """Save a ``PeftModel``'s adapter as safetensors in ``folder``; the weight file's size in bytes.

    The base's fingerprint goes beside it, so that :func:`load_adapter` can tell another base.
    """
    from safetensors import SafetensorError

    try:
        model.save_pretrained(folder)
        write_json(folder / _FINGERPRINT, {"sha256": fingerprint(model)})
        return (folder / WEIGHTS).stat().st_size
    except (OSError, SafetensorError) as error:
        raise BadInput(
            f"the adapter cannot be saved in {folder} ({error})",
            "Free some disk space or choose another folder; the trained model is still in memory.",
        ) from None


def load_adapter(base, folder: Path):
    """A ``PeftModel`` of ``base`` with the adapter in ``folder``, for inference.

    Raises :class:`BadInput` for a folder without an adapter, pickled weights, or another base's adapter.
    """
    from peft import PeftModel

    _check_base(base, folder)
    try:
        return PeftModel.from_pretrained(base, str(folder)).eval()
    except (RuntimeError, ValueError, KeyError) as error:
        raise _another_base(folder, _last_line(error)) from None


def _check_base(base, folder: Path) -> None:
    """:class:`BadInput` where ``folder`` holds no adapter, or one that says it belongs to another base."""
    check_adapter_folder(folder)
    known = read_json(folder / _FINGERPRINT, {}).get("sha256")
    if known and known != fingerprint(base):
        raise _another_base(folder)


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip()[:160]


def load_adapters(base, folders: dict[str, Path]):
    """A ``PeftModel`` of ``base`` with several adapters; ``set_adapter(name)`` puts one on.

    Each is checked as by :func:`load_adapter`. With no folders, ``base`` itself.
    """
    model = base
    for name, folder in folders.items():
        _check_base(base, folder)
        try:
            if model is base:
                from peft import PeftModel

                model = PeftModel.from_pretrained(base, str(folder), adapter_name=name)
            else:
                model.load_adapter(str(folder), adapter_name=name)
        except (RuntimeError, ValueError, KeyError) as error:
            raise _another_base(folder, _last_line(error)) from None
    return model.eval()


def check_adapter_folder(folder: Path) -> None:
    """:class:`BadInput` unless ``folder`` holds an adapter's settings and safetensors weights."""
    if not (folder / SETTINGS).is_file():
        raise BadInput(
            f"{folder} holds no adapter ({SETTINGS} is missing)",
            "Give the folder that model.save_pretrained() wrote, for example of `labs run 00`.",
        )
    if not (folder / WEIGHTS).is_file():
        raise BadInput(
            f"{folder} holds no {WEIGHTS}",
            "Save the adapter as safetensors; pickled weights are never loaded.",
        )


def _another_base(folder: Path, detail: str = "") -> BadInput:
    trained_on = read_json(folder / SETTINGS, {}).get("base_model_name_or_path") or "another model"
    return BadInput(
        f"the adapter in {folder} was trained on another base" + (f" ({detail})" if detail else ""),
        f"Load it on its own base: --model {trained_on}",
    )


def load_base_with_adapter(name: str, folder: Path, **options):
    """The base called ``name`` with the adapter in ``folder``, and the tokenizer."""
    check_adapter_folder(folder)
    base, tokenizer = load_language_model(name, **options)
    return load_adapter(base, folder), tokenizer
