"""What a model's repository holds, and which of it the course takes: settings, tokenizer, safetensors."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab_helpers.models.hub.names import HubName
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import read_json
from lab_helpers.runtime.language import say

Part = Literal["config", "tokenizer", "whole"]

# The folder of a sentence-transformers module, such as 1_Pooling.
_MODULE = r"\d+_[A-Za-z]+/"
_SETTINGS = re.compile(
    rf"(?:{_MODULE}|additional_chat_templates/)?[^/]+\.(?:json|jinja|txt|model|tiktoken|md)"
    r"|(?:LICENSE|NOTICE|USE_POLICY)[^/]*",
    re.IGNORECASE,
)
_CONFIG = ("config.json", "generation_config.json")
_WHOLE_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_SHARD = re.compile(r"model-\d+-of-\d+\.safetensors")
_MODULE_WEIGHTS = re.compile(rf"{_MODULE}model\.safetensors")
_TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "tokenizer.model")


@dataclass(frozen=True)
class HubFile:
    """A file of a repository. ``digest`` is its sha256 (LFS) or git's sha1 of it (all others)."""

    path: str
    size: int
    digest: str

    @property
    def is_weights(self) -> bool:
        return self.path.endswith(".safetensors")


@dataclass(frozen=True)
class Listing:
    """All files of one commit of a model."""

    model: str
    commit: str
    files: tuple[HubFile, ...]


class NoHub(Exception):
    """Something answered that does not speak as a hub does, such as a network's login page."""


def list_hub(name: HubName, timeout: float = 15) -> Listing:
    """Ask the hub: one request, which tells the commit and every file's size and hash."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HTTPError

    try:
        info = HfApi().model_info(
            name.model, revision=name.revision, files_metadata=True, timeout=timeout
        )
        files = tuple(
            HubFile(one.rfilename, one.lfs.size, one.lfs.sha256)
            if one.lfs
            else HubFile(one.rfilename, one.size or 0, one.blob_id or "")
            for one in info.siblings or ()
        )
    except HTTPError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NoHub from error
    if not info.sha:
        raise NoHub
    return Listing(name.model, info.sha, files)


def list_snapshot(model: str, snapshot: Path) -> Listing:
    """The same of a snapshot in the cache, whose links end in files that are named by their hash."""
    found = sorted(path for path in snapshot.rglob("*") if path.is_file())
    files = tuple(
        HubFile(
            path.relative_to(snapshot).as_posix(),
            path.stat().st_size,
            Path(os.readlink(path)).name if path.is_symlink() else "",
        )
        for path in found
    )
    return Listing(model, snapshot.name, files)


def choose_files(listing: Listing, part: Part) -> tuple[HubFile, ...]:
    """What ``part`` of the model needs, small files first; pickles and Python code are never among them."""
    paths = {file.path for file in listing.files}
    if "config.json" not in paths:
        raise _no_model(listing.model, paths)
    if part == "config":
        return tuple(file for file in listing.files if file.path in _CONFIG)
    chosen = [file for file in listing.files if _is_settings(file.path)]
    if part == "whole":
        weights = [file for file in listing.files if _is_weights(file.path, paths)]
        if not weights:
            raise _no_safetensors(listing.model)
        chosen += weights
    return tuple(sorted(chosen, key=lambda file: (file.is_weights, file.path)))


def _is_settings(path: str) -> bool:
    return bool(_SETTINGS.fullmatch(path)) and not path.endswith(".bin.index.json")


def _is_weights(path: str, paths: Iterable[str]) -> bool:
    """Not every safetensors file: some repositories hold the weights twice, in formats of their own."""
    if _WHOLE_WEIGHTS in paths:
        return path == _WHOLE_WEIGHTS or bool(_MODULE_WEIGHTS.fullmatch(path))
    return bool(_SHARD.fullmatch(path) or _MODULE_WEIGHTS.fullmatch(path))


def is_whole(folder: Path, part: Part) -> bool:
    """Whether ``folder`` holds what ``part`` needs, judged without asking anybody."""
    if not (folder / "config.json").is_file():
        return False
    if part == "config":
        return True
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        return False
    return part == "tokenizer" or _has_weights(folder)


def _has_weights(folder: Path) -> bool:
    if (folder / _WHOLE_WEIGHTS).is_file():
        return True
    shards = set(read_json(folder / _INDEX, {}).get("weight_map", {}).values())
    return bool(shards) and all((folder / shard).is_file() for shard in shards)


def _no_model(model: str, paths: set[str]) -> BadInput:
    if "adapter_config.json" in paths:
        return BadInput(
            say(
                f"'{model}' is an adapter, not a model",
                f"「{model}」はモデルではなくアダプターです",
            ),
            say(
                "Name its base with --model, and give the adapter's folder with --adapter.",
                "--model にベースモデルを、--adapter にアダプターのフォルダーを指定してください。",
            ),
        )
    return BadInput(
        say(f"'{model}' holds no config.json", f"「{model}」に config.json がありません"),
        say(
            "Name a repository in the format of transformers; those with 'GGUF' in their name are not.",
            "transformers 形式のリポジトリを指定してください。名前に「GGUF」を含むものは対象外です。",
        ),
    )


def _no_safetensors(model: str) -> BadInput:
    return BadInput(
        say(
            f"'{model}' holds no safetensors weights",
            f"「{model}」に safetensors 形式の重みがありません",
        ),
        say(
            "Pickled weights can run code and are never loaded: choose another model, or another revision.",
            "pickle 形式の重みはコードを実行できるため読み込みません。別のモデルかリビジョンを選んでください。",
        ),
    )
