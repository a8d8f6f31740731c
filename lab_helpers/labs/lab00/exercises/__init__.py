"""Lab 00: its exercises, each in a module of its own, predictions and quiz."""

from lab_helpers.labs.lab00.exercises import (
    break_even_calls,
    few_shot_messages,
    keeps_tone,
    tokens_per_month,
)
from lab_helpers.labs.lab00.questions import PREDICTIONS, QUIZ

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        keeps_tone,
        few_shot_messages,
        tokens_per_month,
        break_even_calls,
    )
)

__all__ = ["EXERCISES", "PREDICTIONS", "QUIZ"]
