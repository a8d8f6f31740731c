"""Where a model comes from: shipped with the course, a local folder, or a hub; errors told plainly."""

import difflib
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from lab_helpers.models.hub.listing import Part
from lab_helpers.models.hub.names import is_hub_name, parse_hub_name
from lab_helpers.runtime.errors import BadInput, LabError, MissingDependency
from lab_helpers.runtime.files import sha256_of
from lab_helpers.runtime.language import say
from lab_helpers.runtime.offline import go_offline


def model_source(name: str, shipped: dict[str, Callable[[], Path]], example: str) -> str:
    """What :func:`local_model` takes for ``name``: a folder or a hub name. Nothing is fetched here.

    ``shipped`` maps the course's own names to functions that return a verified folder; ``example``
    is a hub name for the message. A missing local folder is a :class:`BadInput`.
    """
    hush_known_warnings()
    if name in shipped:
        go_offline()
        return str(shipped[name]())
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise BadInput(
                say(f"{name} holds no config.json", f"{name} に config.json がありません"),
                say(
                    "Give a folder saved with save_pretrained().",
                    "save_pretrained() で保存したフォルダーを指定してください。",
                ),
            )
        return str(folder)
    if not is_hub_name(name):
        raise _unknown_model(name, list(shipped), example)
    return name


def _unknown_model(name: str, shipped: list[str], example: str) -> BadInput:
    near = difflib.get_close_matches(name.lower(), shipped, n=1)
    meant = say(f"Did you mean {near[0]}? ", f"「{near[0]}」のことでしょうか。") if near else ""
    return BadInput(
        say(f"unknown model '{name}'", f"「{name}」というモデルは見つかりません"),
        meant
        + say(
            f"Use {', '.join(shipped)}, a folder saved with save_pretrained(), or a hub name such as {example}.",
            f"{'、'.join(shipped)}、save_pretrained() で保存したフォルダー、または {example} のようなハブのモデル名を指定してください。",
        ),
    )


def local_model(source: str, part: Part = "whole", revision: str | None = None) -> str:
    """The folder for ``from_pretrained``: ``source`` itself, or where ``part`` of a hub's model lies now.

    ``part`` is "config", "tokenizer" (which is all but the weights) or "whole"; what is not in the cache
    is fetched and compared with its hash. ``revision`` is a branch, a tag or a commit of a hub's model.
    """
    if Path(source).is_dir():
        if revision:
            raise BadInput(
                say(
                    f"the folder {source} has no revisions",
                    f"フォルダー {source} にリビジョンはありません",
                ),
                say(
                    "Leave the revision out, or give a hub name.",
                    "リビジョンの指定を外すか、ハブのモデル名を指定してください。",
                ),
            )
        return source
    from lab_helpers.models.hub.fetching import fetch_model

    return str(fetch_model(source, part, revision))


@lru_cache(maxsize=1)
def hush_known_warnings() -> None:
    """Two warnings of libraries about each other that a learner can do nothing about."""
    warnings.filterwarnings(
        "ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning
    )
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


@contextmanager
def plain_loading_errors(name: str) -> Iterator[None]:
    """Turn what can go wrong while loading into one sentence with the way out."""
    try:
        yield
    except LabError:
        raise
    except Exception as error:  # every library on the way has its own kinds of errors
        raise _explain_loading(name, error) from None


def _explain_loading(name: str, error: Exception) -> LabError:
    from lab_helpers.models.hub.errors import explain

    if is_out_of_memory(error):
        return no_memory_for(name)
    if is_hub_name(name) and not Path(name).expanduser().is_dir():
        told = explain(parse_hub_name(name), error)
        if told:
            return told
    return MissingDependency(
        say(
            f"cannot load '{name}': {first_line(error)}",
            f"「{name}」を読み込めません: {first_line(error)}",
        ),
        say(
            "Check the name and the network, or give a local folder with --model.",
            "名前とネットワークを確認するか、--model にローカルフォルダーを指定してください。",
        ),
    )


def first_line(error: BaseException) -> str:
    """What an error says, as far as one line shows it; else its kind."""
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether the memory of the GPU or the machine was too small; torch has no one error for it."""
    words = ("out of memory", "can't allocate memory", "cannot allocate memory")
    while error is not None:
        if isinstance(error, MemoryError) or any(word in str(error).lower() for word in words):
            return True
        error = error.__cause__ or error.__context__
    return False


def no_memory_for(name: str) -> BadInput:
    """The message where a model does not fit."""
    return BadInput(
        say(
            f"'{name}' does not fit into the memory of this machine",
            f"「{name}」はこのマシンのメモリーに収まりません",
        ),
        say(
            "Give a smaller one with --model; `labs fit MODEL` shows what needs the memory.",
            "--model でより小さいモデルを指定してください。必要なメモリーの内訳は labs fit MODEL で確認できます。",
        ),
    )


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Hide transformers' weight-loading report: that a new head is untrained is meant here.

    Its bars too; that of a download is not among them, for :func:`local_model` has one of its own.
    """
    from transformers.utils import logging as hf_logging

    before, bars = hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        hf_logging.set_verbosity(before)
        if bars:
            hf_logging.enable_progress_bar()


def verify_weights(weights: Path, expected: str, owner: str, way_out: str) -> None:
    """Refuse weights that are missing or are not, bit for bit, the published ones (sha256)."""
    if not weights.is_file():
        raise MissingDependency(
            say(
                f"{owner} weights are missing ({weights.name})",
                f"重みのファイル {weights} がありません",
            ),
            way_out,
        )
    found = sha256_of(weights)
    if found != expected:
        raise MissingDependency(
            say(
                f"{owner} weights were altered: sha256 {found[:12]}…, expected {expected[:12]}…; they are not loaded",
                f"{weights} が公開時のものと異なるため読み込みません（sha256 {found[:12]}…、期待値 {expected[:12]}…）",
            ),
            way_out,
        )
