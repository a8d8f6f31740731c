"""An adapter's folder, for counting: which base it belongs to, what it adapts, and how many numbers that is."""

from dataclasses import dataclass
from pathlib import Path

from lab_helpers.models.adapter_folders import SETTINGS, WEIGHTS, base_of, read_settings
from lab_helpers.models.config_files import SHAPES, SHIPPED, short
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


@dataclass(frozen=True)
class Adapter:
    """What ``adapter_config.json`` says. ``r`` is ``None`` for methods without a rank."""

    folder: str
    base: str
    kind: str
    r: int | None
    targets: str


def adapter_folder(model: str) -> Path | None:
    """The adapter's folder that ``model`` names: the folder, or its ``adapter_config.json``; else ``None``.

    A folder into which the merged model was saved as well is that model's, unless weights of the
    adapter lie there too.
    """
    path = Path(model).expanduser()
    if path.is_file() and path.name == SETTINGS:
        path = path.parent
    if not (path / SETTINGS).is_file():
        return None
    merged = (path / "config.json").is_file()
    return None if merged and not (path / WEIGHTS).is_file() else path


def read_adapter(folder: Path, base: str | None = None) -> Adapter:
    """The adapter in ``folder``; ``base`` says where its base is, if not where it was trained.

    Raises :class:`BadInput` where the settings are damaged, name no base, or one that is not here.
    """
    settings = read_settings(folder)
    rank = settings.get("r")
    return Adapter(
        str(folder),
        base or _find_base(folder, base_of(settings)),
        str(settings["peft_type"]),
        rank if isinstance(rank, int) else None,
        _name_targets(settings.get("target_modules")),
    )


def _name_targets(targets) -> str:
    if isinstance(targets, (list, tuple)):
        return ", ".join(sorted({str(name).rpartition(".")[2] for name in targets}))
    return str(targets or "")


def _find_base(folder: Path, named: str | None) -> str:
    """Where the base is now: the path as saved, the same path beside the adapter, Kotori, or a hub name."""
    from lab_helpers.models.hub.names import is_hub_name
    from lab_helpers.models.kotori.shipped import FOLDER as KOTORI

    if not named:
        raise _no_base(folder, "names no base", "にベースのモデル名がありません")
    path = Path(named).expanduser()
    beside = folder / path
    if path.exists():
        return str(path)
    if not path.is_absolute() and beside.exists():
        return str(beside)
    if named in SHIPPED or named in SHAPES:
        return named
    if path.parts[-3:] == KOTORI.parts[-3:]:
        return "kotori"  # trained in another copy of the course
    if is_hub_name(named) and not named.startswith("."):
        return named
    raise _no_base(
        folder,
        f"belongs to {named}, which is not on this machine",
        f"のベース {named} はこのマシンにありません",
    )


def _no_base(folder: Path, en: str, ja: str) -> BadInput:
    return BadInput(
        say(f"the adapter in {folder} {en}", f"アダプター {folder} {ja}"),
        say(
            "Say which model it belongs to: --base MODEL (a folder, a config.json or a hub name).",
            "--base MODEL で、元のモデル（フォルダー、config.json、ハブのモデル名）を指定してください。",
        ),
    )


def peft_config(folder: str):
    """PEFT's own settings of the adapter in ``folder``, ready for training on."""
    from peft import PeftConfig

    try:
        config = PeftConfig.from_pretrained(folder)
    except (
        Exception
    ) as error:  # JSON, unknown methods and unknown settings each fail in their own way
        raise BadInput(
            say(
                f"PEFT cannot read {SETTINGS} in {folder} ({short(error)})",
                f"PEFT が {folder} の {SETTINGS} を読めません（{short(error)}）",
            ),
            say(
                "Update PEFT, or save the adapter anew.",
                "PEFT を更新するか、アダプターを保存し直してください。",
            ),
        ) from None
    config.inference_mode = False
    return config
