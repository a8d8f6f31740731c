"""Lab 06: its exercises, each in a module of its own."""

from lab_helpers.labs.lab06.exercises import (
    bootstrap_interval,
    clipped_precision,
    extract_answer,
    pass_at_k,
    position_swapped,
    rouge_l,
)

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
