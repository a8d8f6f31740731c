"""Room on the disk: looked at before a download, and known when it ran out during one."""

import errno
from collections.abc import Iterable
from pathlib import Path

from lab_helpers.models.hub.download import partial_path
from lab_helpers.models.hub.listing import HubFile
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import free_gigabytes

_MARGIN = 200_000_000  # a disk that is full to the last byte stops other programs
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def is_full(error: BaseException) -> bool:
    """Whether writing failed because the disk, or the user's share of it, is full."""
    return isinstance(error, OSError) and error.errno in _FULL


def missing_bytes(targets: Iterable[tuple[HubFile, Path]]) -> int:
    """Bytes that must still come, what has arrived of broken downloads taken off."""
    total = 0
    for file, target in targets:
        partial = partial_path(target)
        total += max(0, file.size - (partial.stat().st_size if partial.is_file() else 0))
    return total


def check_room(name: str, needed: int, folder: Path, way_out: str) -> None:
    """:class:`BadInput` where ``needed`` bytes do not fit into ``folder``."""
    free = free_gigabytes(folder)
    if needed and (needed + min(needed, _MARGIN)) / 1e9 > free:
        raise BadInput(
            say(
                f"'{name}' needs {_size(needed)} and {folder} has {_size(free * 1e9)} free",
                f"「{name}」には {_size(needed)} 必要ですが、{folder} の空きは {_size(free * 1e9)} です",
            ),
            way_out,
        )


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
