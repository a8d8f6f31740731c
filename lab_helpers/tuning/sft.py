"""Supervised fine-tuning through TRL with the learner's own ``LoraConfig`` and ``SFTConfig``."""

import time
from dataclasses import dataclass

from lab_helpers.runtime.allocator import keep_freed_memory
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.progress import report
from lab_helpers.runtime.seeds import seed_everything


@dataclass
class Tuned:
    """The tuned model (a ``PeftModel`` where an adapter was trained), its losses, and the time taken."""

    model: object
    losses: list[float]
    seconds: float


def prompt_completion(rows: list[dict]) -> list[dict]:
    """Questions and answers in TRL's conversational prompt-completion form: loss on the answer only."""
    return [
        {
            "prompt": [{"role": "user", "content": row["question"]}],
            "completion": [{"role": "assistant", "content": row["answer"]}],
        }
        for row in rows
    ]


def supervised_fine_tune(model, tokenizer, examples: list[dict], config, adapter=None) -> Tuned:
    """Train on ``examples`` with an ``SFTConfig``; ``adapter`` is a PEFT configuration or ``None``.

    ``examples`` are rows of any form that :class:`trl.SFTTrainer` takes.
    """
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTTrainer

    if not examples:
        raise BadInput("there are no examples to train on", "Give at least one.")

    keep_freed_memory()
    seed_everything(config.seed)  # the adapter's first weights are drawn before the trainer seeds
    trainer = SFTTrainer(
        model,
        args=config,
        train_dataset=Dataset.from_list(examples),
        processing_class=tokenizer,
        peft_config=adapter,
        callbacks=[_progress()],
    )
    trainer.remove_callback(PrinterCallback)  # standard output is for the record
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    return Tuned(trainer.model.eval(), losses, seconds)


def _progress():
    """Steps go to the course's progress bar instead of a second one."""
    from transformers import TrainerCallback

    class Reported(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            report("SFT", state.global_step, state.max_steps)

    return Reported()
