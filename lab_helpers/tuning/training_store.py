"""Trainings are remembered: the result of each is stored under a key of everything that decides it."""

from dataclasses import dataclass
from pathlib import Path

from lab_helpers.tuning.trainers import Tuned, run_trainer


@dataclass(frozen=True)
class TrainingStore:
    """A folder of finished and unfinished trainings."""

    folder: Path

    def train(
        self, trainer, label: str | None = None, *, diverged: str = "raise", fresh: bool = False
    ) -> Tuned:
        """Train, or load what the same training gave before."""
        return run_trainer(
            trainer, label or type(trainer).__name__.removesuffix("Trainer"), diverged=diverged
        )
