"""Lab 00: the adapter that is trained live."""

from lab_helpers.course.record import Run
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.sft_configs import make_epochs_config
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainers import Tuned


def make_lora_config():
    """LoRA as the field writes it: rank 8 on the query and value projections."""
    from peft import LoraConfig

    return LoraConfig(
        r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )


def train_adapter(run: Run, language: str) -> tuple[Tuned, object]:
    """A LoRA adapter trained on the gold answers of one language; with its tokenizer."""
    model, tokenizer = load_model(run)
    rows = prompt_completion(gold_rows(language, "train"))
    trainer = sft_trainer(model, tokenizer, rows, make_epochs_config(run), make_lora_config())
    return run.train(trainer), tokenizer
