"""Lab 01: the old skill after fine-tuning, for every method a row, and where that skill ends."""

from lab_helpers.course.record import Run
from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.similarity import fooled_by_overlap
from lab_helpers.labs.lab01.old_skill import OldSkill, paraphrase_pairs
from lab_helpers.labs.shared.classifiers import Outcome, until_target
from lab_helpers.tuning.classifier import trainable_parameters
from lab_helpers.tuning.transfer import Replay, TextEncoder


def forgetting_row(encoder: TextEncoder, outcome: Outcome) -> dict:
    """New and old skill of a finished full fine-tuning, as a row of the forgetting table."""
    skill = OldSkill(encoder, paraphrase_pairs("en", "test"))
    return {
        "method": "full",
        "new_skill": outcome.accuracy,
        "old_skill": skill.accuracy(outcome.model.encoder),
        "steps": len(outcome.history.losses),
        "trainable": trainable_parameters(outcome.model),
    }


def forgetting_arm(
    run: Run, encoder: TextEncoder, data: LabelledTexts, skill: OldSkill, method: str
) -> dict:
    """One method of the forgetting comparison: ``lora`` or ``replay``."""
    from peft import LoraConfig, get_peft_model

    def prepare(model) -> None:
        if method == "lora":
            config = LoraConfig(r=8, lora_alpha=16, target_modules=["query", "value"])
            model.encoder = get_peft_model(model.encoder, config)

    sizes = run.settings
    return until_target(
        encoder,
        data,
        skill,
        prepare,
        method=method,
        target=sizes["forgetting_target"],
        seed=run.seed,
        n=256,
        epochs=sizes["forgetting_epochs"],
        learning_rate=sizes[
            "lora_learning_rate" if method == "lora" else "sentiment_learning_rate"
        ],
        head_learning_rate=sizes["head_learning_rate"],
        batch_size=sizes["batch_size"],
        replay=Replay(paraphrase_pairs("en", "train")) if method == "replay" else None,
    )


def probe_row(metrics: dict, base: float) -> dict:
    """The frozen probe in the forgetting table: it cannot forget, its encoder never changed."""
    new_skill = metrics["sentiment_accuracy_probe_256_en"]
    return {
        "method": "probe",
        "new_skill": new_skill,
        "old_skill": base,
        "steps": 0,
        "trainable": 0,
    }


def forgotten(rows: list[dict], base: float) -> dict[str, float]:
    """Add the column ``forgotten`` to the rows, and return it as metrics by method."""
    for row in rows:
        row["forgotten"] = base - row["old_skill"]
    return {f"forgetting_{row['method']}": row["forgotten"] for row in rows}


def limits_of_old_skill(encoder: TextEncoder) -> dict[str, float]:
    """Where the old skill ends: Japanese, and a distractor that shares the anchor's words."""
    pretrained = encoder.load()
    japanese = OldSkill(encoder, paraphrase_pairs("ja", "test")).accuracy(pretrained)
    triples = load_shipped("similarity", "en", "test")
    columns = [
        encoder.embed([row[k] for row in triples], pretrained)
        for k in ("anchor", "paraphrase", "distractor")
    ]
    return {
        "old_skill_base_ja": japanese,
        "fooled_by_overlap": float(fooled_by_overlap(*columns).mean()),
    }
