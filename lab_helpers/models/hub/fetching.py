"""Models of a hub: fetched once, checked by hash, and from then on read from this machine's cache.

The cache is the one that all Hugging Face libraries share; ``hf cache ls`` shows it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab_helpers.models.hub.download import digest_of, download_file
from lab_helpers.models.hub.errors import damaged_in_cache, explain, explained, not_on_this_machine
from lab_helpers.models.hub.listing import (
    HubFile,
    Listing,
    Part,
    choose_files,
    is_whole,
    list_hub,
    list_snapshot,
)
from lab_helpers.models.hub.names import (
    HubName,
    cached_commit,
    model_folder,
    parse_hub_name,
    remember_commit,
)
from lab_helpers.models.hub.patience import ask_patiently
from lab_helpers.models.hub.progress import shown_download
from lab_helpers.models.hub.refusals import bare_reason
from lab_helpers.models.hub.room import check_room, missing_bytes
from lab_helpers.models.hub.verified import blob_of, is_damaged
from lab_helpers.runtime.language import say
from lab_helpers.runtime.offline import network_is_forbidden
from lab_helpers.runtime.progress import note


def fetch_model(text: str, part: Part = "whole", revision: str | None = None) -> Path:
    """The folder with ``part`` of the hub's model ``text``, whole and verified.

    ``text`` is ``owner/model`` or ``owner/model@revision``. A commit that is in the cache is not asked for
    again; a branch is, and where the hub does not answer, the cached commit will do. What goes wrong is a
    ``BadInput`` or ``MissingDependency`` with the way out.
    """
    name = parse_hub_name(text, revision)
    with explained(name), _online():
        kept = _cached_snapshot(name, part)
        if kept and (name.is_pinned or network_is_forbidden()):
            return kept
        listing = _ask_for_listing(name, kept)
        if listing is None:
            assert kept is not None
            return kept
        return _fill_cache(listing, name, part)


def copy_model(text: str, folder: Path, revision: str | None = None) -> Listing:
    """The hub's model as plain files in ``folder``, which any program reads; what is there and right stays.

    Files of the cache are copied; with the network switched off, those alone.
    """
    name = parse_hub_name(text, revision)
    with explained(name, folder), _online():
        kept = _cached_snapshot(name, "whole")
        listing = _ask_for_listing(name, kept)
        if listing is None:
            assert kept is not None
            listing = list_snapshot(name.model, kept)
        files = choose_files(listing, "whole")
        wanted = [(file, folder / file.path) for file in files]
        cached = model_folder(name.model) / "blobs"
        _bring(name, listing, [one for one in wanted if not _is_right(*one)], folder, cached)
        return Listing(name.model, listing.commit, files)


def _cached_snapshot(name: HubName, part: Part) -> Path | None:
    """The snapshot in the cache, where it holds what ``part`` needs and no damaged weights."""
    commit = cached_commit(name)
    snapshot = model_folder(name.model) / "snapshots" / (commit or "-")
    if not is_whole(snapshot, part):
        return None
    weights = snapshot.rglob("*.safetensors") if part == "whole" else ()
    damaged = next((path for path in weights if is_damaged(path)), None)
    if damaged and network_is_forbidden():
        raise damaged_in_cache(name, damaged)
    return None if damaged else snapshot


def _ask_for_listing(name: HubName, kept: Path | None) -> Listing | None:
    """What the hub says; ``None`` where it says nothing useful and ``kept`` is there to be used."""
    if network_is_forbidden():
        if kept is None:
            raise not_on_this_machine(name)
        return None
    key = name, _endpoint()
    if key not in _heard or (_heard[key] is None and kept is None):
        _heard[key] = _ask_hub(name, kept)
    return _heard[key]


# What each hub said, once a process: a lab loads its model a dozen times. None: it said nothing useful.
_heard: dict[tuple[HubName, str], Listing | None] = {}


def _ask_hub(name: HubName, kept: Path | None) -> Listing | None:
    try:
        return ask_patiently(lambda: list_hub(name), attempts=1 if kept else 3)
    except Exception as error:
        told = explain(name, error)
        if kept is None or told is None:
            raise
        reason = bare_reason(told)
        note(
            say(
                f"Using the copy of {name} on this machine: {reason}.",
                f"このマシンに保存済みの {name} を使います（{reason}）。",
            )
        )
        return None


def _endpoint() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT


def _fill_cache(listing: Listing, name: HubName, part: Part) -> Path:
    """Bring what is missing into the cache, and make the snapshot of links to it."""
    from huggingface_hub import hf_hub_download

    folder = model_folder(name.model)
    snapshot = folder / "snapshots" / listing.commit
    with _alone(folder):
        missing = [file for file in choose_files(listing, part) if not _is_cached(file, snapshot)]
        blobs = [(file, folder / "blobs" / file.digest) for file in missing]
        _bring(name, listing, [one for one in blobs if not _is_right(*one)], folder)
        for file, blob in blobs:
            link = Path(hf_hub_download(name.model, file.path, revision=listing.commit))
            if not link.is_symlink():  # a system without links has got a copy
                blob.unlink(missing_ok=True)
    remember_commit(name, listing.commit)
    return snapshot


def _is_cached(file: HubFile, snapshot: Path) -> bool:
    """Whether the snapshot holds the file whole; what is damaged is taken away."""
    path = snapshot / file.path
    if not path.is_file():
        return False
    if not is_damaged(path, file):
        return True
    blob_of(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    return False


def _is_right(file: HubFile, path: Path) -> bool:
    return (
        path.is_file()
        and path.stat().st_size == file.size
        and digest_of(path, file.digest) == file.digest
    )


def _bring(
    name: HubName,
    listing: Listing,
    wanted: list[tuple[HubFile, Path]],
    folder: Path,
    cached: Path | None = None,
) -> None:
    """Download each file to its path, or copy it from ``cached``, a folder of files named by their hash."""
    from huggingface_hub import hf_hub_url

    size = missing_bytes(wanted)
    check_room(str(name), size, folder, _way_to_room(cached is not None))
    if not wanted:
        return
    with shown_download(name.model, sum(file.size for file, _ in wanted), str(folder)) as heard:
        for file, target in wanted:
            if cached and _copy_blob(cached / file.digest, file, target, heard):
                continue
            url = hf_hub_url(name.model, file.path, revision=listing.commit)
            download_file(file, url, target, heard)


def _copy_blob(blob: Path, file: HubFile, target: Path, heard: Callable[[int], None]) -> bool:
    import shutil

    if not blob.is_file() or not _is_right(file, blob):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(target.name + ".copying")
    shutil.copyfile(blob, half)
    half.replace(target)
    heard(file.size)
    return True


def _way_to_room(is_copy: bool) -> str:
    if is_copy:
        return say(
            "Choose a folder on another disk.", "別のディスクのフォルダーを指定してください。"
        )
    return say(
        "Free some space, or point HF_HOME to another disk.",
        "空き容量を増やすか、環境変数 HF_HOME で別のディスクを指定してください。",
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two notebooks on one machine must not write one file; whoever comes second waits."""
    from filelock import FileLock, Timeout

    locks = folder.parent / ".locks" / folder.name
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(locks / "labs.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        note(
            say(
                "Another program on this machine is downloading this model; waiting for it.",
                "このマシンの別のプログラムが同じモデルをダウンロード中です。完了を待っています。",
            )
        )
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _online() -> Iterator[None]:
    """The hub answers while inside, though an offline profile is in force; the user's own word holds.

    Also without a symlink warning of several lines on Windows.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_SYMLINKS_WARNING
    constants.HF_HUB_OFFLINE = network_is_forbidden()
    constants.HF_HUB_DISABLE_SYMLINKS_WARNING = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_SYMLINKS_WARNING = before
