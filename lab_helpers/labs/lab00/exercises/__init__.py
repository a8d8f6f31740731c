"""Lab 00: its exercises, each in a module of its own."""

from lab_helpers.labs.lab00.exercises import (
    break_even_calls,
    few_shot_messages,
    keeps_tone,
    tokens_per_month,
    training_step,
)

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        training_step,
        keeps_tone,
        few_shot_messages,
        tokens_per_month,
        break_even_calls,
    )
)
