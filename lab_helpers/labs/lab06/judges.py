"""Lab 06, who judges the judge: three offline judges against gold, by place and by length."""

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.evaluation.judge import LikelihoodJudge
from lab_helpers.evaluation.judge_quality import (
    GoldPair,
    Verdicts,
    by_length,
    length_controlled,
    quality,
    read_both_orders,
)
from lab_helpers.evaluation.known_facts import spread
from lab_helpers.evaluation.reward_judge import RewardJudge
from lab_helpers.evaluation.win_rate import Judge, judged_both_ways, position_swapped
from lab_helpers.labs.lab06.models import house_pairs
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.preference_models import MAIN_REASONS
from lab_helpers.labs.shared.preference_questions import Questions
from lab_helpers.runtime.intervals import interval_metrics

NAMES = {
    "judge": "asks A or B",
    "likelihood_judge": "likelihood of the reply",
    "learned_judge": "learned from pairs",
}
"""The metrics' prefix of each judge, and what it does. ``judge`` is LLM-as-judge as everyone means it."""


def select_gold_pairs(run: Run) -> list[GoldPair]:
    """Held-out pairs of all four reasons, with the house's preference as gold."""
    pairs = sorted(house_pairs(run).test, key=lambda pair: pair.reason)
    return [
        GoldPair(p.question, p.answer(), p.answer("rejected"), p.reason)
        for p in spread(pairs, run.settings["gold_pairs"])
    ]


def train_jury(run: Run) -> dict[str, Judge]:
    """Kotori asked for a letter, Kotori's likelihood of the replies, and a reward learned from training pairs."""
    model, tokenizer = load_model(run)
    rows = [
        p.row() for p in house_pairs(run).of(*MAIN_REASONS).train[-run.settings["judge_pairs"] :]
    ]
    return {
        "judge": LikelihoodJudge(model, tokenizer, by="letters", language=run.language),
        "likelihood_judge": LikelihoodJudge(
            model, tokenizer, by="replies", per_token=False, language=run.language
        ),
        "learned_judge": RewardJudge(model, tokenizer).learn(rows),
    }


def measure_verdicts(judges: dict[str, Judge], pairs: list[GoldPair]) -> dict[str, Verdicts]:
    """Every pair by every judge, in both orders."""
    texts = [p.prompt for p in pairs], [p.better for p in pairs], [p.worse for p in pairs]
    for judge in judges.values():
        judge.read(*texts)  # type: ignore[attr-defined]  # many at once: quicker
    return {name: read_both_orders(judge, pairs) for name, judge in judges.items()}


def judge_metrics(verdicts: dict[str, Verdicts]) -> dict:
    """Agreement, place and length of every judge."""
    found: dict = {}
    for name, read in verdicts.items():
        found |= quality(read, name)
    return found


def judge_rows(metrics: dict) -> list[dict]:
    """A row a judge."""
    columns = {
        "agreement": "agreement",
        "in one order": "agreement_one_order",
        "position bias": "position_bias",
        "consistency": "consistency",
        "at equal lengths": "length_controlled_agreement",
    }
    return [
        {"judge": text} | {column: metrics[f"{name}_{key}"] for column, key in columns.items()}
        for name, text in NAMES.items()
        if f"{name}_agreement" in metrics
    ]


def length_rows(verdicts: dict[str, Verdicts]) -> list[dict]:
    """Agreement of each judge where the better reply is longer, shorter, as long."""
    return [
        {"judge": NAMES[name]} | row for name, read in verdicts.items() for row in by_length(read)
    ]


def choose_best_judge(metrics: dict) -> str:
    """The judge that agrees with gold most often."""
    return max(NAMES, key=lambda name: metrics.get(f"{name}_agreement", 0.0))


def measure_wins(
    judge: Judge, asked: Questions, ours: list[str], theirs: list[str], verdict=position_swapped
) -> dict:
    """DPO against SFT by one judge, both orders; and what the rate would be at equal lengths.

    ``verdict`` makes one decision of the two orders: the library's rule, or a learner's.
    """
    judge.read(asked.texts, ours, theirs)  # type: ignore[attr-defined]
    won, steady = judged_both_ways(judge, asked.texts, ours, theirs, verdict)
    controlled = length_controlled(won, [len(t) for t in ours], [len(t) for t in theirs])
    return {
        **interval_metrics("judge_win_rate_dpo_vs_sft", won),
        "judge_win_rate_dpo_vs_sft_at_equal_lengths": controlled.win_rate,
        "judge_win_rate_steady": steady,
        "length_ratio_dpo_sft": float(np.mean([len(a) for a in ours]) / np.mean([len(b) for b in theirs])),
    }  # fmt: skip
