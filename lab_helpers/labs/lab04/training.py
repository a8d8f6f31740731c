"""Lab 04's trainings: one fresh model, one set of rows, one configuration."""

from lab_helpers.course.record import Run
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.sft_configs import make_steps_config
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainers import Tuned


def make_lora_config(rank: int):
    """The adapter of this lab: every linear layer."""
    from peft import LoraConfig

    return LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def train_on_rows(
    run: Run, rows: list[dict], steps: int, adapter="lora", **settings
) -> tuple[Tuned, object]:
    """A fresh model trained on questions and answers; with its tokenizer.

    ``adapter`` is a PEFT configuration, ``"lora"`` for this lab's, or ``None`` for full fine-tuning.
    """
    return train_on_examples(run, prompt_completion(rows), steps, adapter, **settings)


def train_on_examples(
    run: Run, examples: list[dict], steps: int, adapter="lora", collator=None, **settings
) -> tuple[Tuned, object]:
    """The same on rows in TRL's own form; ``collator(tokenizer)`` replaces TRL's own collator."""
    model, tokenizer = load_model(run)
    adapter = make_lora_config(run.settings["rank"]) if adapter == "lora" else adapter
    config = make_steps_config(run, steps, **settings)
    trainer = sft_trainer(
        model,
        tokenizer,
        examples,
        config,
        adapter,
        collator=collator(tokenizer) if collator else None,
    )
    return run.train(trainer, diverged="return"), tokenizer
