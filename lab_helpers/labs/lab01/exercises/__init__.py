"""Lab 01: its exercises, each in a module of its own."""

from lab_helpers.labs.lab01.exercises import freeze_bottom, mean_pool, relative_change, span_f1

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        mean_pool,
        freeze_bottom,
        span_f1,
        relative_change,
    )
)
