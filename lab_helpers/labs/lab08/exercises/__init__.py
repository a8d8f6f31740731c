"""Lab 08: its exercises, each in a module of its own."""

from lab_helpers.labs.lab08.exercises import (
    adalora_config,
    dora_weight,
    ia3_forward,
    is_behind,
    merge_deltas,
    prepend_prompt,
)

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        ia3_forward,
        dora_weight,
        prepend_prompt,
        adalora_config,
        merge_deltas,
        is_behind,
    )
)
