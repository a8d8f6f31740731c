"""Lab 01: every method stopped at the same new skill, and how much of the old skill is left then."""

from collections.abc import Callable

import numpy as np

from lab_helpers.data.labelled import LabelledTexts
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.significance import difference_metrics
from lab_helpers.evaluation.similarity import fooled_by_overlap
from lab_helpers.labs.lab01.old_skill import OldSkill
from lab_helpers.labs.shared.classifiers import measure_hits
from lab_helpers.tuning.classifier import EncoderClassifier, trainable_parameters
from lab_helpers.tuning.transfer import Replay, TextEncoder, fine_tune


def probe_row(new_hits: np.ndarray, old_hits: np.ndarray) -> dict:
    """The frozen probe in the forgetting table: it cannot forget, its encoder never changed."""
    return {
        "method": "probe",
        "steps": 0,
        "trainable": 0,
        "validation": None,
        "new_hits": new_hits,
        "old_hits": old_hits,
    }


def forgetting_metrics(rows: list[dict], before: np.ndarray) -> dict:
    """What each method has forgotten, with the paired interval over the sentences of the old skill.

    ``before`` are the untouched encoder's hits.
    """
    found: dict = {}
    for row in rows:
        found |= difference_metrics(f"forgetting_{row['method']}", before, row["old_hits"])
    return found


def forgetting_rows(rows: list[dict], before: np.ndarray) -> list[dict]:
    """The table: new skill at the stop and on the test, old skill, what was forgotten and its interval."""
    lost = forgetting_metrics(rows, before)
    return [
        {
            "method": row["method"],
            "steps": row["steps"],
            "validation": "-" if row["validation"] is None else row["validation"],
            "new_skill": float(row["new_hits"].mean()),
            "old_skill": float(row["old_hits"].mean()),
            "forgotten": lost[f"forgetting_{row['method']}"],
            "95 %": lost[f"forgetting_{row['method']}_ci"],
        }
        for row in rows
    ]


def measure_fooled(encoder: TextEncoder, language: str) -> float:
    """How often a sentence with the same words and another meaning lies nearer than the paraphrase."""
    pretrained = encoder.load()
    triples = load_shipped("similarity", language, "test")
    columns = [
        encoder.embed([row[k] for row in triples], pretrained)
        for k in ("anchor", "paraphrase", "distractor")
    ]
    return float(fooled_by_overlap(*columns).mean())


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
    by what they forgot; ``training`` goes to ``fine_tune``. Returns ``{"method", "steps", "trainable",
    "validation", "new_hits", "old_hits"}``; ``validation`` is the accuracy at the stop.
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
        "steps": len(history.losses),
        "trainable": trainable_parameters(model),
        "validation": history.scores[-1][1],
        "new_hits": measure_hits(encoder, model, data),
        "old_hits": skill.hits(model.encoder),
    }
