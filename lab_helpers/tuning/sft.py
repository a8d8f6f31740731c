"""Supervised fine-tuning through TRL with the learner's own ``LoraConfig`` and ``SFTConfig``."""

from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.preflight import check_before_training
from lab_helpers.tuning.trainers import Tuned, run_trainer


def prompt_completion(rows: list[dict]) -> list[dict]:
    """Questions and answers in TRL's conversational prompt-completion form: loss on the answer only."""
    return [
        {
            "prompt": [{"role": "user", "content": row["question"]}],
            "completion": [{"role": "assistant", "content": row["answer"]}],
        }
        for row in rows
    ]


def supervised_fine_tune(
    model,
    tokenizer,
    examples: list[dict],
    config,
    adapter=None,
    *,
    evaluation: list[dict] | None = None,
    resume: bool = False,
    diverged: str = "raise",
) -> Tuned:
    """Train on ``examples`` with an ``SFTConfig``; ``adapter`` is a PEFT configuration or ``None``.

    ``examples`` and ``evaluation`` are rows of any form that :class:`trl.SFTTrainer` takes;
    ``resume`` and ``diverged`` as in :func:`~lab_helpers.tuning.trainers.run_trainer`.
    """
    from datasets import Dataset
    from trl import SFTTrainer

    check_before_training(model, tokenizer, examples, config, adapter)
    seed_everything(config.seed)  # the adapter's first weights are drawn before the trainer seeds
    trainer = SFTTrainer(
        model,
        args=config,
        train_dataset=Dataset.from_list(examples),
        eval_dataset=Dataset.from_list(evaluation) if evaluation else None,
        processing_class=tokenizer,
        peft_config=adapter,
    )
    return run_trainer(trainer, "SFT", resume=resume, diverged=diverged)
