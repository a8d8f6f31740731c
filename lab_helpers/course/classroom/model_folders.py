"""Models for a room without internet: plain folders, copied from this machine or fetched from a hub."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from lab_helpers.models.adapter_folders import SETTINGS
from lab_helpers.models.encoders import SHIPPED
from lab_helpers.models.hub.fetching import copy_model
from lab_helpers.models.hub.listing import HubFile, Listing, choose_files
from lab_helpers.models.hub.names import is_hub_name, parse_hub_name
from lab_helpers.models.hub.room import check_room
from lab_helpers.models.sources import model_source
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import sha256_of
from lab_helpers.runtime.language import say
from lab_helpers.runtime.profiles import load_profile, profile_names
from lab_helpers.runtime.progress import report

EXAMPLE = "Qwen/Qwen2.5-0.5B-Instruct"


@dataclass(frozen=True)
class WantedModel:
    """A model to carry: ``source`` is a folder or a hub name, ``folder`` its name in the bundle."""

    source: str
    folder: str

    @property
    def is_local(self) -> bool:
        return Path(self.source).expanduser().is_dir()


def wanted_models(names: list[str], profile: str | None) -> list[WantedModel]:
    """The models of ``names`` and of a profile; a wrong name is a :class:`BadInput` before anything is done.

    Models that come inside a package are carried by its wheel, so they are left out here.
    """
    inside = _inside_packages()
    asked = list(dict.fromkeys([*names, *(_of_profile(profile) if profile else ())]))
    found = [_wanted(name) for name in asked if name not in inside]
    folders = [one.folder for one in found]
    for one in found:
        if folders.count(one.folder) > 1:
            raise BadInput(
                say(f"two of the models would lie in the folder '{one.folder}'", f"2 つのモデルが同じフォルダー「{one.folder}」になります"),
                say("Rename one of their folders.", "どちらかのフォルダー名を変えてください。"),
            )  # fmt: skip
    return found


def _of_profile(profile: str) -> list[str]:
    chosen = load_profile(profile)
    return [chosen.language_model, chosen.encoder]


def _inside_packages() -> set[str]:
    names = {name for profile in profile_names() for name in _of_profile(profile)} | set(SHIPPED)
    return {name for name in names if "/" not in name}


def _wanted(name: str) -> WantedModel:
    folder = Path(name).expanduser()
    if (folder / SETTINGS).is_file():
        return WantedModel(name, folder.resolve().name)
    source = model_source(name, dict.fromkeys(_inside_packages(), Path), EXAMPLE)
    if folder.is_dir():
        return WantedModel(source, folder.resolve().name)
    return WantedModel(source, parse_hub_name(name).model.replace("/", "--"))


def bring_model(model: WantedModel, folder: Path) -> dict:
    """Bring a model into ``folder``; what the manifest notes of it."""
    if not model.is_local and is_hub_name(model.source):
        listing = copy_model(model.source, folder)
        noted = {"name": listing.model, "revision": listing.commit}
    else:
        copy_local(Path(model.source).expanduser(), folder)
        noted = {"name": model.folder, "revision": ""}
    return noted | {"folder": f"models/{model.folder}"}


def copy_local(source: Path, folder: Path) -> None:
    """Copy what a model's or an adapter's folder needs; files that are there and the same stay."""
    files = _files_of(source)
    missing = [file for file in files if not _is_same(source / file.path, folder / file.path)]
    size = sum(file.size for file in missing)
    way_out = say(
        "Choose a folder on another disk.", "別のディスクのフォルダーを指定してください。"
    )
    check_room(str(source), size, folder, way_out)
    done, label = 0, say(f"copy {source.name} (MB)", f"{source.name} をコピー中（MB）")
    for file in missing:
        report(label, done // 1_000_000, max(1, size // 1_000_000))
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_name(target.name + ".copying")
        shutil.copyfile(source / file.path, half)
        half.replace(target)
        done += file.size
    report(label, 1, 1)


def _files_of(source: Path) -> tuple[HubFile, ...]:
    paths = sorted(path for path in source.rglob("*") if path.is_file())
    files = tuple(
        HubFile(path.relative_to(source).as_posix(), path.stat().st_size, "") for path in paths
    )
    if (source / SETTINGS).is_file():
        kinds = (".json", ".safetensors", ".jinja", ".txt", ".md")
        return tuple(file for file in files if "/" not in file.path and file.path.endswith(kinds))
    return choose_files(Listing(str(source), "", files), "whole")


def _is_same(source: Path, target: Path) -> bool:
    return (
        target.is_file()
        and target.stat().st_size == source.stat().st_size
        and sha256_of(target) == sha256_of(source)
    )
