"""Lab 08's trainings: a fresh model, the cell's settings, another adapter."""

from collections.abc import Callable

from lab_helpers.course.record import Run
from lab_helpers.labs.shared.models import load_model
from lab_helpers.tuning.sft import sft_trainer
from lab_helpers.tuning.trainers import Tuned


def train_arm(
    run: Run,
    examples: list[dict],
    settings: dict,
    adapter,
    *,
    load: Callable = load_model,
    callbacks: tuple = (),
    **changes,
) -> Tuned:
    """A fresh model trained with the cell's ``settings`` but for ``changes``; ``adapter`` is a PEFT configuration.

    ``load(run)`` gives the model and its tokenizer. One that diverges comes back as it is.
    """
    from trl import SFTConfig

    model, tokenizer = load(run)
    config = SFTConfig(**(run.machine | settings | changes))
    trainer = sft_trainer(model, tokenizer, examples, config, adapter)
    for callback in callbacks:
        trainer.add_callback(callback)
    return run.train(trainer, diverged="return")
