"""Lab 00: the adapter that is trained live."""

from lab_helpers.course.record import Run
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainer_config import trainer_config
from lab_helpers.tuning.trainers import Tuned


def make_lora_config():
    """LoRA as the field writes it: rank 8 on the query and value projections."""
    from peft import LoraConfig

    return LoraConfig(
        r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )


def make_sft_config(run: Run):
    """TRL's settings for a minute of training on this profile's hardware."""
    from trl import SFTConfig

    return trainer_config(
        SFTConfig,
        run.machine,
        num_train_epochs=run.settings["epochs"],
        per_device_train_batch_size=run.settings["batch_size"],
        learning_rate=run.settings["learning_rate"],
        lr_scheduler_type="cosine",
    )


def train_adapter(run: Run, language: str) -> tuple[Tuned, object]:
    """A LoRA adapter trained on the gold answers of one language; with its tokenizer."""
    model, tokenizer = load_model(run)
    rows = prompt_completion(gold_rows(language, "train"))
    trainer = sft_trainer(model, tokenizer, rows, make_sft_config(run), make_lora_config())
    return run.train(trainer), tokenizer
