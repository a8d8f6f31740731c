"""Lab 01: the old skill after fine-tuning, for every method a row, and where that skill ends."""

from collections.abc import Callable

from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.similarity import fooled_by_overlap
from lab_helpers.labs.lab01.old_skill import OldSkill, load_paraphrases
from lab_helpers.labs.shared.classifiers import TrainedClassifier, measure_hits
from lab_helpers.tuning.classifier import EncoderClassifier, trainable_parameters
from lab_helpers.tuning.transfer import Replay, TextEncoder, fine_tune


def measure_forgetting(skill: OldSkill, outcome: TrainedClassifier) -> dict:
    """New and old skill of a finished full fine-tuning, as a row of the forgetting table."""
    return {
        "method": "full",
        "new_skill": outcome.accuracy,
        "old_skill": skill.accuracy(outcome.model.encoder),
        "steps": len(outcome.history.losses),
        "trainable": trainable_parameters(outcome.model),
    }


def probe_row(new_skill: float, base: float) -> dict:
    """The frozen probe in the forgetting table: it cannot forget, its encoder never changed."""
    return {
        "method": "probe",
        "new_skill": new_skill,
        "old_skill": base,
        "steps": 0,
        "trainable": 0,
    }


def forgotten_rows(rows: list[dict], base: float) -> list[dict]:
    """The rows with the column ``forgotten``: how far the old skill lies below ``base``, the untouched one."""
    return [{**row, "forgotten": base - row["old_skill"]} for row in rows]


def forgetting_metrics(rows: list[dict]) -> dict[str, float]:
    """What each method has forgotten."""
    return {f"forgetting_{row['method']}": row["forgotten"] for row in rows}


def measure_skill_limits(encoder: TextEncoder) -> dict[str, float]:
    """Where the old skill ends: Japanese, and a distractor that shares the anchor's words."""
    pretrained = encoder.load()
    japanese = OldSkill(encoder, load_paraphrases("ja", "test")).accuracy(pretrained)
    triples = load_shipped("similarity", "en", "test")
    columns = [
        encoder.embed([row[k] for row in triples], pretrained)
        for k in ("anchor", "paraphrase", "distractor")
    ]
    return {
        "old_skill_base_ja": japanese,
        "fooled_by_overlap": float(fooled_by_overlap(*columns).mean()),
    }


def train_until_target(
    encoder: TextEncoder,
    data: LabelledTexts,
    skill: OldSkill,
    prepare: Callable[[EncoderClassifier], None],
    *,
    method: str,
    target: float,
    seed: int,
    n: int,
    score_every: int = 4,
    replay: Replay | None = None,
    **training,
) -> dict:
    """Train until the *validation* accuracy reaches ``target``, then measure new and old skill.

    ``prepare(model)`` decides what trains. Methods that stop at the same new skill can be compared
    by what they forgot; ``training`` goes to ``fine_tune``. Returns ``{"method", "new_skill", "old_skill", "steps", "trainable"}``.
    """
    model = encoder.classifier(len(data.labels), seed)
    prepare(model)
    texts, labels = data.sample(n, seed)
    history = fine_tune(
        model,
        encoder,
        texts,
        labels,
        seed=seed,
        replay=replay,
        label=method,
        score=lambda: float(measure_hits(encoder, model, data, "validation").mean()),
        score_every=score_every,
        stop_at=target,
        **training,
    )
    return {
        "method": method,
        "new_skill": float(measure_hits(encoder, model, data).mean()),
        "old_skill": skill.accuracy(model.encoder),
        "steps": len(history.losses),
        "trainable": trainable_parameters(model),
    }
