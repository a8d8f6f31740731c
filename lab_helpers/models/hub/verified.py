"""Which weights of the cache have been compared with their hash: once, and again when they have changed."""

import os
import re
from pathlib import Path

from lab_helpers.models.hub.download import digest_of
from lab_helpers.models.hub.listing import HubFile
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import read_json, write_json
from lab_helpers.runtime.paths import home

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_damaged(path: Path, file: HubFile | None = None) -> bool:
    """Whether weights in the cache are not what the hub holds; of other files only the size is looked at.

    ``file`` is what the hub says. Without it the file that ``path`` links to says it: the cache names
    files by their hash.
    """
    expected = file.digest if file else blob_of(path).name
    if file and path.stat().st_size != file.size:
        return True
    if path.suffix != ".safetensors" or not _HASH.fullmatch(expected) or _is_known(path, expected):
        return False
    if digest_of(path, expected) != expected:
        return True
    _remember(path, expected)
    return False


def blob_of(path: Path) -> Path:
    """What a link of a snapshot points to; the file itself where the system has no links.

    One step, not to the end: a blob may itself be a link into a store that several models share.
    """
    return path.parent / os.readlink(path) if path.is_symlink() else path


def _notes() -> Path:
    return home() / "verified_models.json"


def _mark(path: Path, digest: str) -> list:
    state = path.stat()
    return [state.st_size, state.st_mtime_ns, digest]


def _is_known(path: Path, digest: str) -> bool:
    return read_json(_notes(), {}).get(str(path)) == _mark(path, digest)


def _remember(path: Path, digest: str) -> None:
    known = read_json(_notes(), {})
    kept = {name: mark for name, mark in known.items() if Path(name).is_file()}
    try:
        write_json(_notes(), kept | {str(path): _mark(path, digest)})
    except BadInput:
        return  # then it is compared again the next time
