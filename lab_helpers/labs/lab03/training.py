"""Lab 03's training and merging: QLoRA beside LoRA on the same rows, then the adapter into the base."""

import warnings

import torch

from lab_helpers.course.record import Run
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.figures import tuning as tuning_figures
from lab_helpers.labs.lab00.prompting import gold
from lab_helpers.models.four_bit import copy_unpacked, four_bit_layers, load_four_bit, unpack_weight
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.language import LANGUAGES, metric_suffix
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.sft import prompt_completion
from lab_helpers.tuning.trainer_config import trainer_config
from lab_helpers.tuning.trainers import Tuned, run_trainer


def model_name(run: Run) -> str:
    return run.model_name


def training_rows(run: Run, language: str) -> list[dict]:
    return prompt_completion(gold(language, "train")[: run.settings["rows"]])


def held_out(language: str) -> list[dict]:
    return prompt_completion(gold(language, "validation"))


def qlora_config():
    """The QLoRA paper's choice: every linear layer gets an adapter (§4)."""
    from peft import LoraConfig

    return LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")


def sft_settings(run: Run):
    """TRL's settings, the same for LoRA and QLoRA."""
    from trl import SFTConfig

    return trainer_config(
        SFTConfig,
        run,
        num_train_epochs=run.settings["epochs"],
        per_device_train_batch_size=run.settings["batch_size"],
        learning_rate=run.settings["learning_rate"],
        lr_scheduler_type="cosine",
    )


def train(model, tokenizer, rows: list[dict], settings, adapter, label: str) -> Tuned:
    """SFT with an adapter whose weights train in float32, over a plain or a 4-bit base.

    TRL casts adapters over 4-bit weights to bf16; on fp16 hardware that fails, and here it would compare
    two number formats instead of two bases.
    """
    from datasets import Dataset
    from trl import SFTTrainer

    seed_everything(settings.seed)
    trainer = SFTTrainer(
        model,
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=adapter,
    )
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return run_trainer(trainer, label)


def train_arm(run: Run, language: str, four_bit: bool) -> tuple[dict[str, float], Tuned]:
    """One arm: loss on held-out answers before and after, and the tuned model."""
    model, tokenizer = (
        load_four_bit(run.model_name) if four_bit else load_language_model(run.model_name)
    )
    arm, ending = "qlora" if four_bit else "lora", metric_suffix(language)
    before = answer_loss(model, tokenizer, held_out(language))
    rows, settings = training_rows(run, language), sft_settings(run)
    tuned = train(model, tokenizer, rows, settings, qlora_config(), arm)
    after = answer_loss(tuned.model, tokenizer, held_out(language))
    found = {f"eval_loss_{arm}{ending}": after, f"train_seconds_{arm}{ending}": tuned.seconds}
    return {f"eval_loss_before_{arm}{ending}": before, **found}, tuned


def loss_increase(metrics: dict, ending: str = "") -> dict[str, float]:
    """By which share QLoRA's held-out loss lies above LoRA's."""
    lora, qlora = metrics[f"eval_loss_lora{ending}"], metrics[f"eval_loss_qlora{ending}"]
    return {f"qlora_relative_loss_increase{ending}": qlora / lora - 1}


def training(run: Run) -> None:
    """LoRA and QLoRA, both languages, the same rows, seed and settings; the English QLoRA adapter is kept."""
    for language in LANGUAGES:
        curves = {}
        for four_bit in (False, True):
            found, tuned = train_arm(run, language, four_bit)
            run.measured(**found)
            curves["QLoRA" if four_bit else "LoRA"] = tuned.curve()
        run.measured(**loss_increase(run.metrics, metric_suffix(language)))
        if language == "en":
            keep_adapter(run, tuned.model)
            run.figure("training", tuning_figures.loss_curve(curves))


def keep_adapter(run: Run, model) -> None:
    model.save_pretrained(run.folder / "qlora_adapter")
    run.artifact(run.folder / "qlora_adapter")


# --- merging --------------------------------------------------------------------------------------


def with_adapter(base, run: Run):
    """``base`` with the adapter that the training step saved."""
    from peft import PeftModel

    return PeftModel.from_pretrained(base, run.folder / "qlora_adapter").eval()


def true_weights(model) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Of every adapted 4-bit layer: the weight that training really used, dequantized W + ΔW, and ΔW."""
    from peft.tuners.lora.layer import LoraLayer

    found = {}
    for name, module in model.get_base_model().named_modules():
        if isinstance(module, LoraLayer):
            delta = module.get_delta_weight("default").detach().float()
            found[name] = unpack_weight(module.base_layer).float() + delta, delta
    return found


def merge(model):
    """PEFT's merge; its warning about rounding is what this lab measures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.merge_and_unload()


def plain_weights(model, names) -> dict[str, torch.Tensor]:
    """The weights of the named layers as floats, whether they are held in 4 bits or not."""
    layers = four_bit_layers(model)
    return {n: (unpack_weight(layers[n]) if n in layers else model.get_submodule(n).weight.detach()).float() for n in names}  # fmt: skip


def merge_error(true: dict, merged: dict[str, torch.Tensor]) -> float:
    """‖merged - (W + ΔW)‖ / ‖ΔW‖ over all adapted layers together: 1 means that as much is lost as was learned."""
    error = sum(float((merged[name] - wanted).norm()) ** 2 for name, (wanted, _) in true.items())
    size = sum(float(delta.norm()) ** 2 for _, delta in true.values())
    return (error / size) ** 0.5


def delta_size(true: dict) -> float:
    """‖ΔW‖ / ‖W‖ over all adapted layers together."""
    sizes = sum(float(delta.norm()) ** 2 for _, delta in true.values())
    bases = sum(float((wanted - delta).norm()) ** 2 for wanted, delta in true.values())
    return (sizes / bases) ** 0.5


def merge_rows(run: Run) -> list[dict]:
    """The adapter kept apart, and merged into three bases: error of the weights, loss on held-out answers."""
    name, rows = run.model_name, held_out("en")
    base, tokenizer = load_four_bit(name)
    apart = with_adapter(base, run)
    true = true_weights(apart)
    run.measured(delta_relative_size=delta_size(true))
    found = [
        {"merged into": "kept apart", "error": 0.0, "loss": answer_loss(apart, tokenizer, rows)}
    ]
    for label, target in (
        ("4-bit", lambda: load_four_bit(name)[0]),
        (
            "dequantized",
            lambda: copy_unpacked(load_four_bit(name)[0], load_language_model(name)[0]),
        ),
        ("original", lambda: load_language_model(name)[0]),
    ):
        merged = merge(with_adapter(target(), run))
        error = merge_error(true, plain_weights(merged, true))
        found.append(
            {"merged into": label, "error": error, "loss": answer_loss(merged, tokenizer, rows)}
        )
    return found


def merge_summary(rows: list[dict]) -> dict[str, float]:
    named = {row["merged into"]: row for row in rows}
    summary = {"eval_loss_apart": named["kept apart"]["loss"]}
    for label, short in (
        ("4-bit", "4bit"),
        ("dequantized", "dequantized"),
        ("original", "original"),
    ):
        summary[f"merge_error_{short}"] = named[label]["error"]
        summary[f"eval_loss_merged_{short}"] = named[label]["loss"]
    return summary


def merging(run: Run) -> None:
    """Drill 9: the trained adapter into 4-bit, into dequantized and into the original weights."""
    rows = merge_rows(run)
    run.table("merging", rows)
    run.measured(**merge_summary(rows))
