"""Lab 01: its exercises, each in a module of its own, predictions and quiz."""

from lab_helpers.labs.lab01.exercises import freeze_bottom, mean_pool, relative_change, span_f1
from lab_helpers.labs.lab01.questions import PREDICTIONS, QUIZ

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        mean_pool,
        freeze_bottom,
        span_f1,
        relative_change,
    )
)

__all__ = ["EXERCISES", "PREDICTIONS", "QUIZ"]
