"""Supervised fine-tuning through TRL with the learner's own ``LoraConfig`` and ``SFTConfig``."""

from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.preflight import check_before_training


def prompt_completion(rows: list[dict]) -> list[dict]:
    """Questions and answers in TRL's conversational prompt-completion form: loss on the answer only."""
    return [
        {
            "prompt": [{"role": "user", "content": row["question"]}],
            "completion": [{"role": "assistant", "content": row["answer"]}],
        }
        for row in rows
    ]


def sft_trainer(
    model,
    tokenizer,
    examples: list[dict],
    config,
    adapter=None,
    *,
    evaluation: list[dict] | None = None,
    collator=None,
):
    """A checked :class:`trl.SFTTrainer`; ``adapter`` is a PEFT configuration or ``None`` for full tuning.

    ``examples`` and ``evaluation`` are rows of any form that the trainer takes; ``collator`` replaces
    the trainer's own. Hand it to ``lab.train``, or to :func:`~lab_helpers.tuning.trainers.run_trainer`.
    """
    from datasets import Dataset
    from trl import SFTTrainer

    check_before_training(model, tokenizer, examples, config, adapter)
    seed_everything(config.seed)  # the adapter's first weights are drawn before the trainer seeds
    return SFTTrainer(
        model,
        args=config,
        # Tools' arguments differ from row to row: as JSON, no row gets the names of the others.
        train_dataset=Dataset.from_list(examples, on_mixed_types="use_json"),
        eval_dataset=Dataset.from_list(evaluation, on_mixed_types="use_json")
        if evaluation
        else None,
        processing_class=tokenizer,
        peft_config=adapter,
        data_collator=collator,
    )
