"""Several LoRA adapters trained one after another, joined into one: ΔW = ΔW₁ + ΔW₂, exactly."""

from pathlib import Path

from lab_helpers.models.adapters import check_adapter_folder, save_adapter
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


def stack_adapters(base, folders: list[Path], target: Path) -> int:
    """Save in ``target`` one adapter of ``base`` that does what ``folders`` do one on top of the other.

    A second adapter, trained on the merged first one, is of no use on the plain base. Their factors
    side by side ([B₁ B₂], [A₁; A₂]) are an adapter of rank r₁ + r₂ with the sum of both changes.
    ``base`` lends its shapes and its name and comes back bare; its own weights do not enter, so that it
    may be one into which an adapter was merged. Returns the weight file's size in bytes.
    """
    from peft import PeftModel

    names = [f"part{number}" for number in range(len(folders))]
    for folder in folders:
        check_adapter_folder(folder)
    try:
        model = PeftModel.from_pretrained(base, str(folders[0]), adapter_name=names[0])
        for name, folder in zip(names[1:], folders[1:], strict=True):
            model.load_adapter(str(folder), adapter_name=name)
        model.add_weighted_adapter(names, [1.0] * len(names), "default", combination_type="cat")
    except (RuntimeError, ValueError) as error:
        detail = str(error).strip().splitlines()[-1].strip()[:160]
        raise BadInput(
            say(
                f"the adapters do not fit one base ({detail})",
                f"アダプター同士のベースモデルが一致しません（{detail}）",
            ),
            say(
                "Stack adapters of the same base and the same target_modules.",
                "同じベースモデル、同じ target_modules のアダプターを重ねてください。",
            ),
        ) from None
    model.set_adapter("default")
    for name in names:
        model.delete_adapter(name)
    size = save_adapter(model, target)
    model.unload()
    return size
