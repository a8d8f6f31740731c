"""Lab 07: its exercises, each in a module of its own."""

from lab_helpers.labs.lab07.exercises import (
    choose_threshold,
    raft_row,
    recall_at_k,
    reciprocal_rank,
    reciprocal_rank_fusion,
    unsupported_numbers,
)

EXERCISES = tuple(
    module.EXERCISE
    for module in (
        recall_at_k,
        reciprocal_rank,
        reciprocal_rank_fusion,
        choose_threshold,
        raft_row,
        unsupported_numbers,
    )
)
