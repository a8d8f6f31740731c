"""Lab 06: its exercises, each in a module of its own."""

from lab_helpers.labs.lab06.exercises import (
    clipped_precision,
    extract_answer,
    paired_interval,
    pass_at_k,
    position_swapped,
    remove_leaks,
    rouge_l,
)

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        clipped_precision,
        rouge_l,
        paired_interval,
        position_swapped,
        extract_answer,
        pass_at_k,
        remove_leaks,
    )
)
