"""Encoders by name: ``minilm`` (shipped), a local folder, or a hub name."""

import logging
import warnings
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from lab_helpers.models.minilm import minilm_folder
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.profiles import go_offline

# Dropout costs a tenth of the time on a CPU, and in runs of a few dozen steps its noise exceeds its use.
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def encoder_source(name: str) -> str:
    """What ``from_pretrained`` takes for ``name``; a missing local folder is a :class:`BadInput`."""
    hush_known_warnings()
    if name == "minilm":
        go_offline()
        return str(minilm_folder())
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
            "Use minilm, a folder saved with save_pretrained(), or a hub name such as intfloat/multilingual-e5-small.",
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
def _told_plainly(name: str):
    """Turn what can go wrong while loading into one sentence with the way out."""
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError
    from safetensors import SafetensorError

    try:
        yield
    except GatedRepoError:
        raise BadInput(
            f"'{name}' is gated", "Accept its licence on the hub, then log in with: hf auth login"
        ) from None
    except (OSError, ValueError, HfHubHTTPError, LocalEntryNotFoundError, SafetensorError) as error:
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


def load_tokenizer(name: str):
    """The encoder's tokenizer."""
    from transformers import AutoTokenizer

    source = encoder_source(name)
    with _told_plainly(name):
        return AutoTokenizer.from_pretrained(source)


def load_encoder(name: str, pretrained: bool = True):
    """The bare encoder (``AutoModel``, float32) with its trained or with random weights."""
    from transformers import AutoConfig, AutoModel

    return _load(AutoModel, AutoConfig, name, pretrained)


def load_tagger(name: str, labels: list[str], pretrained: bool = True):
    """``AutoModelForTokenClassification`` with one output per tag of ``labels``."""
    from transformers import AutoConfig, AutoModelForTokenClassification

    return _load(
        AutoModelForTokenClassification,
        AutoConfig,
        name,
        pretrained,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )


def _load(model_class, config_class, name: str, pretrained: bool, **options):
    import torch

    source = encoder_source(name)
    with _told_plainly(name), quiet_loading():
        config = config_class.from_pretrained(source, **options, **NO_DROPOUT)
        if pretrained:
            return model_class.from_pretrained(
                source, config=config, dtype=torch.float32, use_safetensors=True
            )
        return model_class.from_config(config, dtype=torch.float32)
