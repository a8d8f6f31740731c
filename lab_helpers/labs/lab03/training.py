"""Lab 03, training: QLoRA beside LoRA on the same rows."""

from lab_helpers.course.record import Run
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.labs.shared.sft_configs import make_epochs_config
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.models.four_bit import load_four_bit
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.language import metric_suffix
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainers import Tuned


def training_rows(language: str, count: int) -> list[dict]:
    """The first gold rows that both arms learn from."""
    return prompt_completion(gold_rows(language, "train")[:count])


def held_out_rows(language: str) -> list[dict]:
    """The gold rows whose loss is measured."""
    return prompt_completion(gold_rows(language, "validation"))


def make_lora_config():
    """The QLoRA paper's choice: every linear layer gets an adapter (§4)."""
    from peft import LoraConfig

    return LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")


def float32_adapter_trainer(model, tokenizer, rows: list[dict], config, adapter):
    """An SFT trainer whose adapter trains in float32, over a plain or a 4-bit base.

    TRL casts adapters over 4-bit weights to bf16; on fp16 hardware that fails, and here it would compare
    two number formats instead of two bases.
    """
    trainer = sft_trainer(model, tokenizer, rows, config, adapter)
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return trainer


def train_arm(run: Run, language: str, four_bit: bool) -> tuple[dict[str, float], Tuned]:
    """One arm: loss on held-out answers before and after, and the tuned model."""
    load = load_four_bit if four_bit else load_language_model
    model, tokenizer = load(run.model_name)
    arm, ending = "qlora" if four_bit else "lora", metric_suffix(language)
    before = answer_loss(model, tokenizer, held_out_rows(language))
    rows = training_rows(language, run.settings["rows"])
    config, adapter = make_epochs_config(run), make_lora_config()
    tuned = run.train(float32_adapter_trainer(model, tokenizer, rows, config, adapter), arm)
    after = answer_loss(tuned.model, tokenizer, held_out_rows(language))
    found = {f"eval_loss_{arm}{ending}": after, f"train_seconds_{arm}{ending}": tuned.seconds}
    return {f"eval_loss_before_{arm}{ending}": before, **found}, tuned


def loss_increase_metrics(metrics: dict, ending: str = "") -> dict[str, float]:
    """By which share QLoRA's held-out loss lies above LoRA's."""
    lora, qlora = metrics[f"eval_loss_lora{ending}"], metrics[f"eval_loss_qlora{ending}"]
    return {f"qlora_relative_loss_increase{ending}": qlora / lora - 1}
