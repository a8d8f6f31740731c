"""Lab 05: its exercises, each in a module of its own."""

from lab_helpers.labs.lab05.exercises import (
    choose_rate,
    dpo_loss,
    ipo_loss,
    length_matched,
    reward_accuracy,
    sequence_logps,
    win_rate,
)

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        sequence_logps,
        dpo_loss,
        reward_accuracy,
        choose_rate,
        win_rate,
        ipo_loss,
        length_matched,
    )
)
