"""Where a model comes from: shipped with the course, a local folder, or a hub; errors told plainly."""

import logging
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from lab_helpers.runtime.errors import BadInput, LabError, MissingDependency
from lab_helpers.runtime.files import sha256_of
from lab_helpers.runtime.offline import go_offline


def model_source(name: str, shipped: dict[str, Callable[[], Path]], example: str) -> str:
    """What ``from_pretrained`` takes for ``name``: a folder or a hub name.

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
                f"{name} holds no config.json", "Give a folder saved with save_pretrained()."
            )
        return str(folder)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise BadInput(
            f"unknown model '{name}'",
            f"Use {', '.join(shipped)}, a folder saved with save_pretrained(), or a hub name such as {example}.",
        )
    return name


@lru_cache(maxsize=1)
def hush_known_warnings() -> None:
    """Two warnings of libraries about each other that a learner can do nothing about."""
    warnings.filterwarnings(
        "ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning
    )
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


@contextmanager
def plain_loading_errors(name: str):
    """Turn what can go wrong while loading into one sentence with the way out."""
    from huggingface_hub.errors import GatedRepoError

    try:
        yield
    except GatedRepoError:
        raise BadInput(
            f"'{name}' is gated", "Accept its licence on the hub, then log in with: hf auth login"
        ) from None
    except LabError:
        raise
    except Exception as error:  # every library on the way has its own kinds of errors
        first_line = (
            str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        )
        raise MissingDependency(
            f"cannot load '{name}': {first_line}",
            "Check the name and the network, or give a local folder with --model.",
        ) from None


@contextmanager
def quiet_loading():
    """Hide transformers' weight-loading report: that a new head is untrained is meant here."""
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
        raise MissingDependency(f"{owner} weights are missing ({weights.name})", way_out)
    found = sha256_of(weights)
    if found != expected:
        raise MissingDependency(
            f"{owner} weights were altered: sha256 {found[:12]}…, expected {expected[:12]}…; they are not loaded",
            way_out,
        )
