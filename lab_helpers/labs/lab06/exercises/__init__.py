"""Lab 06: its exercises, each in a module of its own, predictions and quiz."""

from lab_helpers.labs.lab06.exercises import (
    bootstrap_interval,
    clipped_precision,
    extract_answer,
    pass_at_k,
    position_swapped,
    rouge_l,
)
from lab_helpers.labs.lab06.questions import PREDICTIONS, QUIZ

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        clipped_precision,
        rouge_l,
        bootstrap_interval,
        extract_answer,
        pass_at_k,
        position_swapped,
    )
)

__all__ = ["EXERCISES", "PREDICTIONS", "QUIZ"]
