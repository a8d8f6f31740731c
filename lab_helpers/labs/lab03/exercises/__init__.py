"""Lab 03: its exercises, each in a module of its own, predictions and quiz."""

from lab_helpers.labs.lab03.exercises import (
    bits_per_parameter,
    dequantize,
    merge,
    nf4_code,
    quantize,
    training_bytes,
)
from lab_helpers.labs.lab03.questions import PREDICTIONS, QUIZ

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        nf4_code,
        quantize,
        dequantize,
        bits_per_parameter,
        training_bytes,
        merge,
    )
)

__all__ = ["EXERCISES", "PREDICTIONS", "QUIZ"]
