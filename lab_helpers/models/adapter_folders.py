"""What lies in an adapter's folder: settings, weights, and which base they belong to."""

from pathlib import Path

from lab_helpers.models.hub.names import MAIN, is_hub_name, origin_of
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import read_json, write_json
from lab_helpers.runtime.language import say

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
FINGERPRINT = "base_fingerprint.json"


def check_adapter_folder(folder: Path) -> None:
    """:class:`BadInput` unless ``folder`` holds an adapter's settings and safetensors weights."""
    if not (folder / SETTINGS).is_file():
        raise BadInput(
            say(
                f"{folder} holds no adapter ({SETTINGS} is missing)",
                f"{folder} にアダプターがありません（{SETTINGS} が見つかりません）",
            ),
            say(
                "Give the folder that model.save_pretrained() wrote, for example of `labs run 00`.",
                "model.save_pretrained() で保存したフォルダー（labs run 00 の結果など）を指定してください。",
            ),
        )
    if not (folder / WEIGHTS).is_file():
        raise BadInput(
            say(f"{folder} holds no {WEIGHTS}", f"{folder} に {WEIGHTS} がありません"),
            say(
                "Save the adapter as safetensors; pickled weights are never loaded.",
                "アダプターを safetensors 形式で保存してください。pickle 形式の重みは読み込みません。",
            ),
        )
    read_settings(folder)


def read_settings(folder: Path) -> dict:
    """What the adapter's settings say; :class:`BadInput` where they are damaged, or no adapter's."""
    settings = read_json(folder / SETTINGS, None)
    if not isinstance(settings, dict) or "peft_type" not in settings:
        raise BadInput(
            say(
                f"{folder / SETTINGS} is damaged, or no adapter's",
                f"{folder / SETTINGS} が壊れているか、アダプターの設定ではありません",
            ),
            say(
                "Copy the adapter's folder again, or train and save it anew.",
                "アダプターのフォルダーをコピーし直すか、学習し直して保存してください。",
            ),
        )
    return settings


def saved_base(folder: Path) -> str | None:
    """The base that the adapter's settings name; a hub's model with its commit, where they tell it."""
    settings = read_json(folder / SETTINGS, {})
    return base_of(settings) if isinstance(settings, dict) else None


def base_of(settings: dict) -> str | None:
    """The same of settings that are read already: a folder, ``owner/model`` or ``owner/model@commit``."""
    named, revision = settings.get("base_model_name_or_path"), settings.get("revision")
    pinned = named and is_hub_name(named) and "@" not in named and not Path(named).exists()
    return f"{named}@{revision}" if pinned and revision not in (None, "", MAIN) else named


def name_hub_base(folder: Path) -> None:
    """Let the settings name a hub's model and commit, where they name a folder of this machine's cache."""
    settings = read_json(folder / SETTINGS, {})
    origin = origin_of(settings.get("base_model_name_or_path") or "")
    if origin:
        settings["base_model_name_or_path"], settings["revision"] = origin
        write_json(folder / SETTINGS, settings)


def tensor_names(folder: Path) -> list[str]:
    """The names of the adapter's tensors; only the file's head is read."""
    from safetensors import safe_open

    with safe_open(folder / WEIGHTS, framework="pt") as file:
        return list(file.keys())
