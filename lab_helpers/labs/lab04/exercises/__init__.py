"""Lab 04: its exercises, each in a module of its own."""

from lab_helpers.labs.lab04.exercises import (
    accumulated_loss,
    choose_rates,
    label_mask,
    leaked_questions,
    masked_loss,
    pad_batch,
    render_chat,
)

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        leaked_questions,
        render_chat,
        label_mask,
        pad_batch,
        masked_loss,
        choose_rates,
        accumulated_loss,
    )
)
