"""One file from a hub: resumed where it broke off, and taken for whole only when its hash is right.

huggingface_hub 2 throws away what has arrived when a download fails or the program is stopped, and compares
no hash; on a slow line neither will do.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from lab_helpers.models.hub.listing import HubFile
from lab_helpers.models.hub.patience import give_up_or_wait

PARTIAL = ".labs.incomplete"  # `hf cache prune` takes away what ends in .incomplete
_MOST_RESTARTS = 5  # a server that cannot go on from the middle of a file

Heard = Callable[[int], None]


class WrongContent(Exception):
    """What arrived is not what the hub had announced."""

    def __init__(self, path: str, found: str, expected: str):
        self.path, self.found, self.expected = path, found, expected
        super().__init__(f"{path}: {found}, expected {expected}")


class CutOff(Exception):
    """The line broke again and again; what has arrived is kept."""

    def __init__(self, path: str, arrived: int, size: int):
        self.path, self.arrived, self.size = path, arrived, size
        super().__init__(f"{path}: {arrived} of {size} bytes")


def partial_path(target: Path) -> Path:
    """Where what has arrived of ``target`` is kept until it is whole."""
    return target.with_name(target.name + PARTIAL)


def download_file(file: HubFile, url: str, target: Path, heard: Heard) -> None:
    """Bring ``file`` to ``target``, which is there afterwards whole and right, or as it was before.

    ``heard(n)`` is told of every ``n`` bytes that are there, those of an earlier attempt first, and of a
    negative number where bytes had to be thrown away. Nobody else may write ``target`` meanwhile.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(target)
    resumed = partial.is_file() and partial.stat().st_size > 0
    try:
        _bring(file, url, partial, heard)
    except WrongContent:
        if not resumed:
            raise
        _bring(file, url, partial, heard)  # the earlier part was not to be trusted
    partial.replace(target)


class _Arriving:
    """What has arrived of a file: bytes on the disk, and their hash so far."""

    def __init__(self, file: HubFile, stream: BinaryIO, heard: Heard):
        self.file, self._stream, self._heard = file, stream, heard
        self._digest, self.size, self.restarts = new_digest(file.digest, file.size), 0, 0
        stream.seek(0)
        while block := stream.read(1 << 20):
            self._count(block)

    def _count(self, block: bytes) -> None:
        self._digest.update(block)
        self.size += len(block)
        self._heard(len(block))

    def add(self, block: bytes) -> None:
        self._stream.write(block)
        self._count(block)

    def begin_anew(self) -> None:
        self._heard(-self.size)
        self._stream.truncate(0)
        self._digest, self.size = new_digest(self.file.digest, self.file.size), 0
        self.restarts += 1

    def is_right(self) -> bool:
        return self.size == self.file.size and self.digest == self.file.digest

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


def _bring(file: HubFile, url: str, partial: Path, heard: Heard) -> None:
    """Attempt after attempt, each from where the last one ended, as long as bytes arrive."""
    with partial.open("ab+") as stream:
        arriving = _Arriving(file, stream, heard)
        try:
            _bring_rest(arriving, url)
            if not arriving.is_right():
                found = f"{arriving.digest[:12]}…, {arriving.size} bytes"
                raise WrongContent(file.path, found, f"{file.digest[:12]}…, {file.size}")
        except WrongContent:
            arriving.begin_anew()  # nothing of it may stay
            raise


def _bring_rest(arriving: _Arriving, url: str) -> None:
    from huggingface_hub.errors import HTTPError

    file, failures = arriving.file, 0
    while arriving.size < file.size:
        before, error = arriving.size, None
        try:
            _one_attempt(arriving, url)
        except HTTPError as broken:
            error = broken
        if arriving.size >= file.size:
            return
        failures = 0 if arriving.size > before else failures
        if arriving.restarts > _MOST_RESTARTS or not give_up_or_wait(error, failures):
            raise CutOff(file.path, arriving.size, file.size) from error
        failures += 1


def _one_attempt(arriving: _Arriving, url: str) -> None:
    """Ask for what is missing, and take what comes."""
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if arriving.size:
        headers["Range"] = f"bytes={arriving.size}-"
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
        if response.status_code == 416:  # the file ends before the size that was announced
            raise WrongContent(
                arriving.file.path, f"{arriving.size} bytes", f"{arriving.file.size}"
            )
        if arriving.size and response.status_code == 200:
            arriving.begin_anew()  # a server that cannot go on from the middle
        hf_raise_for_status(response)
        for block in response.iter_bytes():
            arriving.add(block)


def new_digest(digest: str, size: int):
    """The hash by which a hub knows a file: sha256 of large ones, git's own of all others."""
    if len(digest) == 64:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


def digest_of(path: Path, digest: str) -> str:
    """The hash of a file on the disk, of the kind that ``digest`` is."""
    state = new_digest(digest, path.stat().st_size)
    for block in _blocks_of(path):
        state.update(block)
    return state.hexdigest()


def _blocks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            yield block
