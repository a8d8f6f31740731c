"""Names of a hub's models, ``owner/model`` or ``owner/model@revision``, and where their files are kept."""

import re
from dataclasses import dataclass
from pathlib import Path

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

MAIN = "main"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_MODEL = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_REVISION = re.compile(r"\w[\w./-]*", re.ASCII)


@dataclass(frozen=True)
class HubName:
    """A model and the revision that is wanted: a branch, a tag, or a commit, which never changes."""

    model: str
    revision: str = MAIN

    @property
    def is_pinned(self) -> bool:
        return bool(_COMMIT.fullmatch(self.revision))

    def __str__(self) -> str:
        return self.model if self.revision == MAIN else f"{self.model}@{self.revision}"


def is_hub_name(text: str) -> bool:
    """Whether ``text`` could be a hub's: ``owner/model``, with ``@revision`` behind it or not."""
    model, at, revision = text.partition("@")
    return bool(_MODEL.fullmatch(model)) and (not at or bool(_REVISION.fullmatch(revision)))


def short_name(model: str) -> str:
    """What a figure calls a model: the last part of a folder or of a hub's name, without its revision."""
    return Path(model.partition("@")[0] if is_hub_name(model) else model).name


def parse_hub_name(text: str, revision: str | None = None) -> HubName:
    """``owner/model@revision`` taken apart; ``revision`` says the same by itself."""
    if not is_hub_name(text):
        raise BadInput(
            say(f"'{text}' is no hub name", f"「{text}」はハブのモデル名ではありません"),
            say(
                "A hub name is owner/model, or owner/model@revision, of letters, digits, '-', '_' and '.'.",
                "「所有者/モデル」または「所有者/モデル@リビジョン」の形で、英数字と「-」「_」「.」を使って指定してください。",
            ),
        )
    model, _, own = text.partition("@")
    if own and revision and own != revision:
        raise BadInput(
            say(
                f"'{text}' names one revision and the option another, '{revision}'",
                f"「{text}」のリビジョンと、オプションのリビジョン「{revision}」が食い違っています",
            ),
            say("Give it once.", "どちらか一方だけを指定してください。"),
        )
    return HubName(model, revision or own or MAIN)


def cache_folder() -> Path:
    """The cache that this machine's Hugging Face libraries share: ``HF_HUB_CACHE``, else below ``HF_HOME``."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser()


def model_folder(model: str) -> Path:
    """The cache's folder of one model: ``blobs`` by hash, ``snapshots`` of commits, ``refs`` of branches."""
    return cache_folder() / ("models--" + model.replace("/", "--"))


def cached_commit(name: HubName) -> str | None:
    """The commit that ``name`` was when it was last asked for, as far as this machine knows."""
    if name.is_pinned:
        return name.revision
    try:
        return (model_folder(name.model) / "refs" / name.revision).read_text("utf-8").strip()
    except OSError:
        return None


def remember_commit(name: HubName, commit: str) -> None:
    """Note which commit a branch or a tag was, for the day when nobody can be asked."""
    from lab_helpers.runtime.files import write_text

    if not name.is_pinned and cached_commit(name) != commit:
        write_text(model_folder(name.model) / "refs" / name.revision, commit)


def origin_of(folder: str) -> tuple[str, str] | None:
    """Which model and commit a snapshot's folder in the cache holds; ``None`` for any other folder."""
    path = Path(folder)
    if path.parent.name != "snapshots" or list(path.parents)[2:3] != [cache_folder()]:
        return None
    return path.parents[1].name.removeprefix("models--").replace("--", "/", 1), path.name


def cached_models() -> list[str]:
    """The models of which something lies in the cache."""
    folders = cache_folder().glob("models--*--*")
    return sorted(folder.name.removeprefix("models--").replace("--", "/", 1) for folder in folders)
