"""Save an adapter with its base's fingerprint, and load it again on the base it was trained on."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from lab_helpers.models.adapter_folders import (
    FINGERPRINT,
    SETTINGS,
    WEIGHTS,
    check_adapter_folder,
    name_hub_base,
    saved_base,
    tensor_names,
)
from lab_helpers.models.fingerprints import fingerprint, is_another_base, note_base
from lab_helpers.models.language_models import load_language_model
from lab_helpers.models.sources import is_out_of_memory
from lab_helpers.runtime.errors import BadInput, LabError
from lab_helpers.runtime.files import read_json, write_json
from lab_helpers.runtime.language import say

__all__ = [
    "SETTINGS",
    "WEIGHTS",
    "check_adapter_folder",
    "fingerprint",
    "load_adapter",
    "load_adapters",
    "load_base_with_adapter",
    "save_adapter",
]

# What PEFT and torch say where names or shapes of the base are not those of the adapter.
_OTHER_SHAPES = ("size mismatch", "not found in the base model", "shape mismatch")


def save_adapter(model, folder: Path) -> int:
    """Save a ``PeftModel``'s adapter as safetensors in ``folder``; the weight file's size in bytes.

    The base's fingerprint goes beside it, so that :func:`load_adapter` can tell another base.
    """
    from safetensors import SafetensorError

    try:
        model.save_pretrained(folder)
        name_hub_base(folder)
        write_json(folder / FINGERPRINT, note_base(model))
        return (folder / WEIGHTS).stat().st_size
    except (OSError, SafetensorError) as error:
        raise BadInput(
            say(
                f"the adapter cannot be saved in {folder} ({error})",
                f"アダプターを {folder} に保存できません（{error}）",
            ),
            say(
                "Free some disk space or choose another folder; the trained model is still in memory.",
                "ディスクの空き容量を増やすか、別のフォルダーを指定してください。学習済みのモデルはまだメモリーにあります。",
            ),
        ) from None


def load_adapter(base, folder: Path):
    """A ``PeftModel`` of ``base`` with the adapter in ``folder``, for inference.

    Raises :class:`BadInput` for a folder without an adapter, pickled or damaged weights, another base's
    adapter, and where the memory does not suffice.
    """
    return load_adapters(base, {"default": folder})


def load_adapters(base, folders: dict[str, Path]):
    """A ``PeftModel`` of ``base`` with several adapters; ``set_adapter(name)`` puts one on.

    Each is checked as by :func:`load_adapter`. With no folders, ``base`` itself.
    """
    from peft import PeftModel

    model = base
    for name, folder in folders.items():
        _check_base(base, folder)
        if model is base:
            model = _load(folder, partial(PeftModel.from_pretrained, base, adapter_name=name))
        else:
            _load(folder, partial(model.load_adapter, adapter_name=name))
        _check_tensors(model, name, folder)
    return model.eval()


def _load(folder: Path, load: Callable):
    """What ``load(folder)`` returns; what it raises is told as what it is."""
    try:
        return load(model_id=str(folder))
    except Exception as error:  # PEFT, torch and safetensors have their own kinds
        raise _explain(folder, error) from None


def _explain(folder: Path, error: Exception) -> LabError:
    from safetensors import SafetensorError

    said = str(error).strip().splitlines() or [type(error).__name__]
    if is_out_of_memory(error):
        return BadInput(
            say(
                f"the memory of this machine does not suffice for the adapter in {folder}",
                f"アダプター {folder} を読み込むメモリーが足りません",
            ),
            say(
                "Close other programs and notebooks, or take a smaller base; `labs fit MODEL` shows what needs the memory.",
                "ほかのプログラムやノートブックを閉じるか、より小さいベースモデルを使ってください。必要なメモリーの内訳は labs fit MODEL で確認できます。",
            ),
        )
    if any(words in str(error) for words in _OTHER_SHAPES):
        return _another_base(folder, said[-1].strip()[:160])
    if isinstance(error, SafetensorError):
        return BadInput(
            say(
                f"{folder / WEIGHTS} is damaged ({said[0][:120]})",
                f"{folder / WEIGHTS} が壊れています（{said[0][:120]}）",
            ),
            say(
                "Copy the adapter's folder again, or train and save it anew.",
                "アダプターのフォルダーをコピーし直すか、学習し直して保存してください。",
            ),
        )
    return BadInput(
        say(
            f"the adapter in {folder} cannot be loaded ({said[0][:160]})",
            f"アダプター {folder} を読み込めません（{said[0][:160]}）",
        ),
        say(
            "Look whether its folder is whole, and whether it was saved with a newer PEFT: pip install -U peft",
            "フォルダーの中身がそろっているか、より新しい PEFT で保存されたものでないかを確認してください（更新: pip install -U peft）。",
        ),
    )


def _check_base(base, folder: Path) -> None:
    """:class:`BadInput` where ``folder`` holds no adapter, or one that says it belongs to another base."""
    check_adapter_folder(folder)
    noted = read_json(folder / FINGERPRINT, {})
    if isinstance(noted, dict) and is_another_base(base, noted):
        raise _another_base(folder)


def _check_tensors(model, name: str, folder: Path) -> None:
    """Refuse an adapter of a deeper or a shallower base: PEFT leaves the rest out without an error."""
    from peft import get_peft_model_state_dict

    if model.peft_config[name].peft_type != "LORA":
        return
    saved = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    wanted = {key for key in saved if "lora_" in key}
    found = {key for key in tensor_names(folder) if "lora_" in key}
    if wanted != found:
        odd = min(wanted ^ found)
        here = say("not in the base", "ベースにない") if odd in found else say("not in the adapter", "アダプターにない")  # fmt: skip
        raise _another_base(folder, f"{odd}: {here}")


def _another_base(folder: Path, detail: str = "") -> BadInput:
    trained_on = saved_base(folder) or say("another model", "別のモデル")
    return BadInput(
        say(
            f"the adapter in {folder} was trained on another base",
            f"アダプター {folder} は別のベースモデルで学習されています",
        )
        + (f" ({detail})" if detail else ""),
        say(
            f"Load it on its own base: --model {trained_on}",
            f"学習に使ったベースモデルを指定してください: --model {trained_on}",
        ),
    )


def load_base_with_adapter(name: str, folder: Path, **options):
    """The base called ``name`` with the adapter in ``folder``, and the tokenizer."""
    check_adapter_folder(folder)
    base, tokenizer = load_language_model(name, **options)
    return load_adapter(base, folder), tokenizer
