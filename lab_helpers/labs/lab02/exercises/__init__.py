"""Lab 02: its exercises, each in a module of its own, predictions and quiz."""

from lab_helpers.labs.lab02.exercises import (
    adapter_parameters,
    energy,
    init_lora,
    lora_forward,
    merge,
)
from lab_helpers.labs.lab02.questions import PREDICTIONS, QUIZ

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        energy,
        lora_forward,
        init_lora,
        merge,
        adapter_parameters,
    )
)

__all__ = ["EXERCISES", "PREDICTIONS", "QUIZ"]
