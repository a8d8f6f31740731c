"""Arms of an experiment: a fresh model each, the cell's settings but for one thing."""

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
    collator=None,
    **changes,
) -> Tuned:
    """A fresh model trained with the cell's ``settings`` and ``adapter``, but for ``changes``.

    ``examples`` are rows in any form that TRL takes; ``adapter`` is a PEFT configuration, or ``None`` for
    full fine-tuning; ``load(run)`` gives the model and its tokenizer; ``collator`` replaces TRL's own. One
    that diverges comes back as it is.
    """
    from trl import SFTConfig

    model, tokenizer = load(run)
    config = SFTConfig(**(run.machine | settings | changes))
    trainer = sft_trainer(model, tokenizer, examples, config, adapter, collator=collator)
    for callback in callbacks:
        trainer.add_callback(callback)
    return run.train(trainer, diverged="return")
