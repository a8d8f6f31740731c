"""What a bundle says it holds: every file with its size and SHA-256, and what the bundle was made for."""

import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import read_json, sha256_of, write_json, write_text
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import report

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
GUIDE = "README.txt"
FORMAT = 1
# Files that appear in these folders without being in the manifest would be installed or loaded.
_WATCHED = ("wheels", "models")


@dataclass(frozen=True)
class FaultyFile:
    """A file of a bundle that is not as it was made. ``kind``: missing, damaged or unknown."""

    path: str
    kind: str

    def __str__(self) -> str:
        words = {
            "missing": say("missing", "ありません"),
            "damaged": say("damaged", "壊れています"),
            "unknown": say("not of this bundle", "バンドルに含まれないファイルです"),
        }
        return f"{self.path}: {words[self.kind]}"


def this_machine() -> dict[str, str]:
    """What wheels depend on: Python's version, the system, the processor."""
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "system": platform.system(),
        "machine": platform.machine(),
    }


def machine_words(made_for: dict) -> str:
    return f"Python {made_for['python']}, {made_for['system']} {made_for['machine']}"


def read_manifest(folder: Path) -> dict:
    """The manifest of the bundle in ``folder``; :class:`BadInput` where there is none, or a damaged one."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BadInput(
            say(f"{folder} is no bundle ({MANIFEST} is missing)", f"{folder} はバンドルではありません（{MANIFEST} がありません）"),
            say("Give the folder that `labs bundle` wrote.", "labs bundle で作成したフォルダーを指定してください。"),
        )  # fmt: skip
    manifest = read_json(path, None)
    whole = isinstance(manifest, dict) and isinstance(manifest.get("files"), dict)
    if not whole or manifest.get("format") != FORMAT or not _agrees(folder):
        raise BadInput(
            say(f"{path} is damaged", f"{path} が壊れています"),
            say("Copy the bundle again, or make it again with `labs bundle`.", "バンドルをコピーし直すか、labs bundle で作り直してください。"),
        )  # fmt: skip
    return manifest


def _agrees(folder: Path) -> bool:
    """Whether the manifest is the one whose hash the list for ``sha256sum`` holds."""
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return True  # then the list is told as missing, beside the others
    return f"{sha256_of(folder / MANIFEST)}  {MANIFEST}" in lines


def write_manifest(folder: Path, about: dict, paths: Iterable[str]) -> dict:
    """Hash ``paths``, and write the manifest and the list that ``sha256sum --check`` reads."""
    chosen = sorted(paths)
    sizes = {path: (folder / path).stat().st_size for path in chosen}
    label = say("hash the bundle (MB)", "バンドルのハッシュを計算中（MB）")
    counted = _Counted(label, sum(sizes.values()))
    files = {}
    for path in chosen:
        files[path] = {"sha256": sha256_of(folder / path), "bytes": sizes[path]}
        counted.add(sizes[path])
    manifest = {"format": FORMAT, **about, "files": files}
    write_json(folder / MANIFEST, manifest)
    sums = {path: entry["sha256"] for path, entry in files.items()}
    sums[MANIFEST] = sha256_of(folder / MANIFEST)
    write_text(folder / SUMS, "".join(f"{sums[path]}  {path}\n" for path in sorted(sums)))
    return manifest


def find_faults(folder: Path, manifest: dict) -> list[FaultyFile]:
    """Every file that is missing, damaged, or has no business in the bundle."""
    files = manifest["files"]
    counted = _Counted(
        say("verify the bundle (MB)", "バンドルを検証中（MB）"),
        sum(one["bytes"] for one in files.values()),
    )
    faults = []
    for path, entry in sorted(files.items()):
        if not (folder / path).is_file():
            faults.append(FaultyFile(path, "missing"))
        elif not is_as_noted(folder / path, entry):
            faults.append(FaultyFile(path, "damaged"))
        counted.add(entry["bytes"])
    if not (folder / SUMS).is_file():
        faults.append(FaultyFile(SUMS, "missing"))
    present = (file for room in _WATCHED for file in (folder / room).rglob("*") if file.is_file())
    names = (file.relative_to(folder).as_posix() for file in present)
    return faults + [FaultyFile(name, "unknown") for name in sorted(names) if name not in files]


def is_as_noted(path: Path, entry: dict) -> bool:
    """Whether a file has the size and the hash of its entry; one that cannot be read has not."""
    try:
        return path.stat().st_size == entry["bytes"] and sha256_of(path) == entry["sha256"]
    except OSError:
        return False


class _Counted:
    """Reports megabytes."""

    def __init__(self, label: str, total: int):
        self._label, self._total, self._done = label, max(1, total // 1_000_000), 0

    def add(self, size: int) -> None:
        self._done += size
        report(self._label, min(self._done // 1_000_000, self._total), self._total)
