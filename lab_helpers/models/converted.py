"""A model that a package carries in a form of its own: checked, read once, kept as safetensors."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from lab_helpers.models.sources import verify_weights
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.files import sha256_of, write_json
from lab_helpers.runtime.language import Text, say
from lab_helpers.runtime.paths import free_gigabytes, home, writable
from lab_helpers.runtime.progress import note

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class PackagedModel:
    """``file`` with ``sha256`` inside ``package``, which is used as data only: its code is never imported.

    ``write(file, folder)`` saves it as transformers does; ``gigabytes`` is what that takes, ``seconds``
    about how long. ``install`` is the line that brings the package, whole again where it was altered.
    """

    name: str
    package: str
    file: str
    sha256: str
    folder: str
    gigabytes: float
    seconds: int
    install: Text
    write: Callable[[Path, Path], None]

    def find(self) -> Path:
        """Where the package's file lies; :class:`MissingDependency` where the package is not installed."""
        spec = find_spec(self.package.replace("-", "_"))
        if spec is None or not spec.submodule_search_locations:
            raise MissingDependency(
                say(
                    f"the package {self.package} is not installed",
                    f"パッケージ {self.package} がインストールされていません",
                ),
                str(self.install),
            )
        return Path(next(iter(spec.submodule_search_locations))) / self.file

    def verify(self) -> Path:
        """The package's file, bit for bit the published one; :class:`MissingDependency` where it is not."""
        found = self.find()
        verify_weights(found, self.sha256, f"{self.name}'s", str(self.install))
        return found


def converted_folder(model: PackagedModel) -> Path:
    """The folder with the weights, configuration and tokenizer, made from the package on first use.

    Raises :class:`MissingDependency` where the package is missing or was altered, :class:`BadInput` where
    there is no room.
    """
    from filelock import FileLock

    model.find()
    folder = writable(home() / "models") / f"{model.folder}-{model.sha256[:8]}"
    with FileLock(f"{folder}.lock"):
        if not _is_whole(folder, model):
            file = model.verify()
            _check_room(folder.parent, model)
            note(
                say(
                    f"Reading {model.name} out of its package, once; about {model.seconds} seconds.",
                    f"{model.name} をパッケージから読み出しています（初回のみ、約 {model.seconds} 秒）。",
                )
            )
            _convert(file, folder, model)
    return folder


def _is_whole(folder: Path, model: PackagedModel) -> bool:
    """Whether the converted weights are there and are those that were written."""
    try:
        written = json.loads((folder / "source.json").read_text(encoding="utf-8"))
        return written["file"] == model.sha256 and sha256_of(folder / WEIGHTS) == written["weights"]
    except (OSError, ValueError, KeyError):
        return False


def _check_room(folder: Path, model: PackagedModel) -> None:
    free = free_gigabytes(folder)
    if free < 2 * model.gigabytes:
        raise BadInput(
            say(
                f"{model.name} needs {model.gigabytes} GB on disk, and {free:.1f} GB are free in {folder}",
                f"{model.name} にはディスクが {model.gigabytes} GB 必要ですが、{folder} の空きは {free:.1f} GB です",
            ),
            say(
                "Free some, or set LAB_HOME to a folder on another disk.",
                "空き容量を増やすか、LAB_HOME で別のディスクのフォルダーを指定してください。",
            ),
        )


def _convert(file: Path, folder: Path, model: PackagedModel) -> None:
    """The weights in float32 as safetensors; the folder is there whole or not at all."""
    working = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(working, ignore_errors=True)
    try:
        model.write(file, working)
        source = {
            "package": f"{model.package} {version(model.package)}",
            "file": model.sha256,
            "weights": sha256_of(working / WEIGHTS),
        }
        write_json(working / "source.json", source)
    except OSError as error:
        shutil.rmtree(working, ignore_errors=True)
        raise BadInput(
            say(
                f"cannot write {model.name} to {folder} ({error.strerror or error})",
                f"{model.name} を {folder} に書き込めません（{error.strerror or error}）",
            ),
            say(
                "Free some space, or set LAB_HOME to a folder on another disk.",
                "空き容量を増やすか、LAB_HOME で別のディスクのフォルダーを指定してください。",
            ),
        ) from None
    shutil.rmtree(folder, ignore_errors=True)
    working.rename(folder)
