"""Lab 04's trainings: one fresh model, one set of rows, the settings of the cell but for one thing."""

from lab_helpers.course.record import Run
from lab_helpers.labs.shared.models import load_model
from lab_helpers.tuning.sft import sft_trainer
from lab_helpers.tuning.trainers import Tuned


def make_lora_config(rank: int):
    """The adapter of this lab: every linear layer."""
    from peft import LoraConfig

    return LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def train_arm(
    run: Run, examples: list[dict], settings: dict, adapter, *, collator=None, **changes
) -> Tuned:
    """A fresh model trained with the cell's ``settings`` and ``adapter``, but for ``changes``.

    ``examples`` are rows in any form that TRL takes; ``adapter`` is a PEFT configuration, or ``None``
    for full fine-tuning; ``collator`` replaces TRL's own. One that diverges comes back as it is.
    """
    from trl import SFTConfig

    model, tokenizer = load_model(run)
    config = SFTConfig(**(run.machine | settings | changes))
    trainer = sft_trainer(model, tokenizer, examples, config, adapter, collator=collator)
    return run.train(trainer, diverged="return")
