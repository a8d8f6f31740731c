"""Lab 07: its exercises, each in a module of its own."""

from lab_helpers.labs.lab07.exercises import (
    abstain_threshold,
    mean_reciprocal_rank,
    recall_at_k,
    reciprocal_rank_fusion,
)

EXERCISES = tuple(
    module.EXERCISE
    for module in (recall_at_k, mean_reciprocal_rank, reciprocal_rank_fusion, abstain_threshold)
)
