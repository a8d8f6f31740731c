"""Lab 05: its exercises, each in a module of its own, predictions and quiz."""

from lab_helpers.labs.lab05.exercises import (
    dpo_loss,
    ipo_loss,
    length_matched,
    reward_accuracy,
    sequence_logps,
    win_rate,
)
from lab_helpers.labs.lab05.questions import PREDICTIONS, QUIZ

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        sequence_logps,
        dpo_loss,
        reward_accuracy,
        win_rate,
        ipo_loss,
        length_matched,
    )
)

__all__ = ["EXERCISES", "PREDICTIONS", "QUIZ"]
