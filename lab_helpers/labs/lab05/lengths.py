"""Lab 05, length: raters who also like it long, three remedies, and what each does to length and to the wish."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import Pair, PairSet, flip, longest_chosen
from lab_helpers.evaluation.significance import paired_bootstrap
from lab_helpers.labs.lab05.arms import Arm, measure_drift_on, train_arm
from lab_helpers.labs.shared.preference_models import load_start_model, remove_adapter
from lab_helpers.labs.shared.preference_questions import answer_questions, select_questions
from lab_helpers.models.generation import Replies

LONG_REPLY = 160  # tokens: room to grow, and an end for replies that have none


@dataclass(frozen=True)
class LengthPairs:
    """Pairs that carry the wish (empty for pairs of the learner's own) and pairs whose longer answer won."""

    wish: list[Pair]
    longer: list[Pair]

    @property
    def biased(self) -> list[Pair]:
        return self.wish + self.longer

    def balanced(self, seed: int) -> list[Pair]:
        """The wish as it is; of the others every second one the other way round, so that length says nothing."""
        return self.wish + flip(self.longer, 0.5, seed)


def select_length_pairs(pairs: list[Pair], language: str | None, count: int) -> LengthPairs:
    """Half tone pairs, half ``length`` pairs; of pairs without reasons those with the longest chosen answers."""
    if language is None:
        return LengthPairs([], longest_chosen(pairs, count))
    tone, longer = ([p for p in pairs if p.reason == reason] for reason in ("tone", "length"))
    return LengthPairs(tone[: count // 2], longer[: count - count // 2])


def list_length_arms(run: Run, pairs: PairSet) -> list[Arm]:
    """Biased pairs as they are, with two losses that discount length, and balanced."""
    slower = {"learning_rate": run.settings["length_learning_rate"]}
    found = select_length_pairs(pairs.train, pairs.language, run.settings["length_pairs"])
    normed = {"loss_type": ["sigmoid_norm"], "beta": run.settings["norm_beta"]}
    return [
        Arm("biased", found.biased, slower),
        Arm("ld_alpha", found.biased, slower | {"ld_alpha": run.settings["ld_alpha"]}),
        Arm("sigmoid_norm", found.biased, slower | normed),
        Arm("balanced", found.balanced(run.seed), slower),
    ]


def train_length_arms(run: Run, pairs: PairSet, arms: list[Arm]) -> list[dict]:
    """A row an arm, the SFT model's first: what became of the replies' length, of the bias and of the wish."""
    model, tokenizer = load_start_model(run, pairs.language)
    questions = select_questions(pairs, run.settings["length_questions"])
    replies = {"SFT": answer_questions(model, tokenizer, questions, LONG_REPLY)}
    held = select_length_pairs(pairs.test, pairs.language, 2 * run.settings["arm_test"])
    drifts: dict[str, dict] = {"SFT": dict.fromkeys(("wish: margin", "longer: margin", "longer preferred"), "")}  # fmt: skip
    for arm in arms:
        tuned = train_arm(run, model, tokenizer, arm)
        replies[arm.name] = answer_questions(tuned.model, tokenizer, questions, LONG_REPLY)
        wish = measure_drift_on(run, tuned.model, tokenizer, held.wish) if held.wish else {}
        longer = measure_drift_on(run, tuned.model, tokenizer, held.longer)
        drifts[arm.name] = {
            "wish: margin": wish.get("margin", float("nan")),
            "longer: margin": longer["margin"],
            "longer preferred": longer["accuracy"],
        }
        model = remove_adapter(tuned)
    return [
        length_row(name, replies["SFT"], found) | drifts[name] for name, found in replies.items()
    ]


def length_row(name: str, before: Replies, after: Replies) -> dict:
    """Characters of the replies that ended, against the SFT model's to the same prompts; the capped are counted.

    A reply that was cut off has no length of its own: only prompts where both ended are compared.
    """
    both = np.array(before.ended) & np.array(after.ended)
    ours, theirs = (
        np.array([len(text) for text in found.texts])[both] for found in (after, before)
    )
    paired = paired_bootstrap(ours, theirs) if both.any() else None
    return {
        "arm": name,
        "cut off": sum(not ended for ended in after.ended),
        "compared": int(both.sum()),
        "characters": float(ours.mean()) if both.any() else float("nan"),
        "ratio": float(ours.mean() / theirs.mean()) if both.any() else float("nan"),
        "difference": paired.difference if paired else float("nan"),
        "interval": [paired.low, paired.high] if paired else [],
    }


def length_metrics(rows: list[dict]) -> dict[str, float]:
    """Length ratio of the replies that ended, how strongly the longer answer is preferred, and the wish."""
    by_name = {row["arm"]: row for row in rows}
    found: dict = {"length_ratio": by_name["biased"]["ratio"]}
    for name in ("ld_alpha", "sigmoid_norm", "balanced"):
        found[f"length_ratio_{name}"] = by_name[name]["ratio"]
    for name in ("biased", "ld_alpha", "sigmoid_norm", "balanced"):
        found[f"longer_margin_{name}"] = by_name[name]["longer: margin"]
        found[f"wish_margin_{name}"] = by_name[name]["wish: margin"]
        found[f"cut_off_{name}"] = by_name[name]["cut off"]
    return found
