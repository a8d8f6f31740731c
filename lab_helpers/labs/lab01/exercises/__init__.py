"""Lab 01: its exercises, each in a module of its own."""

from lab_helpers.labs.lab01.exercises import (
    freeze_bottom,
    mean_pool,
    relative_change,
    span_f1,
    train_step,
)

EXERCISES = tuple(
    module.EXERCISE for module in (mean_pool, train_step, freeze_bottom, relative_change, span_f1)
)
