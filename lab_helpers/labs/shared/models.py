"""The model a run is about: the profile's, or what ``--model`` named."""

from lab_helpers.course.record import Run
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.hardware import detect
from lab_helpers.runtime.precision import FLOAT32, pick_precision
from lab_helpers.tuning.transfer import TextEncoder


def load_model(run: Run):
    """A fresh copy of the run's language model, and its tokenizer."""
    return load_language_model(run.model_name)


def load_text_encoder(run: Run) -> TextEncoder:
    """The run's encoder with the device and precision that fit.

    The tiny profile stays on the CPU even beside a GPU, so that its numbers compare.
    """
    profile, machine = run.profile, detect()
    on_gpu = profile.name != "tiny" and machine.accelerator == "cuda"
    precision = pick_precision(machine, profile.precision) if on_gpu else FLOAT32
    device = "cuda" if on_gpu else "cpu"
    return TextEncoder(run.model_name, profile.max_length, device, precision)
