"""The model a run is about: the profile's, or what ``--model`` named."""

from lab_helpers.course.record import Run
from lab_helpers.models.encoders import encoder_source
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import LabError
from lab_helpers.runtime.hardware import detect
from lab_helpers.runtime.language import say
from lab_helpers.runtime.precision import FLOAT32, pick_precision
from lab_helpers.runtime.progress import note
from lab_helpers.tuning.transfer import TextEncoder

ENGLISH_ONLY = "minilm"
MULTILINGUAL = "e5"
"""The encoder that is shown beside an English one."""


def load_model(run: Run):
    """A fresh copy of the run's language model, and its tokenizer."""
    return load_language_model(run.model_name)


def load_text_encoder(run: Run) -> TextEncoder:
    """The run's encoder with the device and precision that fit.

    The tiny profile stays on the CPU even beside a GPU, so that its numbers compare.
    """
    return _text_encoder(run, run.model_name)


def load_encoder_for(run: Run, language: str) -> TextEncoder:
    """The encoder for texts of ``language``: the run's own, or :data:`MULTILINGUAL` where that reads English only.

    Where that one cannot be used, one sentence says so, and the run's own reads what it can. What trains are
    the blocks: trained word vectors stay frozen.
    """
    needs_another = run.model_name == ENGLISH_ONLY and language != "en" and has_multilingual()
    name = MULTILINGUAL if needs_another else run.model_name
    return _text_encoder(run, name, frozen_words=True)


def has_multilingual() -> bool:
    """Whether :data:`MULTILINGUAL` can be used; if not, one sentence says why and what helps."""
    try:
        encoder_source(MULTILINGUAL)
    except LabError as error:
        note(
            say(
                f"The encoder that reads Japanese is left out here: {error}",
                f"日本語を読めるエンコーダーの実験は省略します。{error}",
            )
        )
        return False
    return True


def _text_encoder(run: Run, name: str, frozen_words: bool = False) -> TextEncoder:
    profile, machine = run.profile, detect()
    on_gpu = profile.name != "tiny" and machine.accelerator == "cuda"
    precision = pick_precision(machine, profile.precision) if on_gpu else FLOAT32
    device = "cuda" if on_gpu else "cpu"
    return TextEncoder(name, profile.max_length, device, precision, frozen_words)
