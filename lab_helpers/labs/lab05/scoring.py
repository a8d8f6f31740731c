"""Lab 05: what came of a training: tone, refusals, wins by rule and by judge, drift of the log-probabilities."""

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import PairSet
from lab_helpers.labs.lab05.arms import measure_drift_on
from lab_helpers.labs.shared.preference_models import MAIN_REASONS
from lab_helpers.labs.shared.preference_questions import (
    house_metrics,
    measure_judge_wins,
    score_by_rule,
    win_metrics,
)


def reply_metrics(questions, after: list[str], before: list[str], name: str) -> dict:
    """Tone, refusals and the win rate by rule of one training."""
    return house_metrics(questions, after, name) | win_metrics(
        questions, after, before, f"{name}_vs_sft"
    )


def measure_all_judge_wins(
    jury: dict, questions, after: list[str], before: list[str], name: str
) -> dict:
    """Each judge's win rate of one training over the SFT model."""
    found: dict = {}
    for judge, reads in jury.items():
        key = f"{judge}_win_rate_{name}_vs_sft"
        found |= measure_judge_wins(reads, questions, after, before, key)
    return found


def measure_drift(run: Run, model, tokenizer, pairs: PairSet) -> dict[str, float]:
    """On held-out pairs: implicit-reward accuracy, margin, and how far both log-probabilities moved."""
    test = pairs.of(*MAIN_REASONS).test[: run.settings["arm_test"]]
    found = measure_drift_on(run, model, tokenizer, test)
    return {f"dpo_{name}": value for name, value in found.items()}


def refusal_change_metrics(metrics: dict) -> dict[str, float]:
    """Right refusals after minus before; nothing for pairs of the learner's own."""
    found = {}
    for ending in ("", "_ja", "_en"):
        names = f"refusal_rate_dpo{ending}", f"refusal_rate_sft{ending}"
        if all(name in metrics for name in names):
            found[f"refusal_rate_change{ending}"] = metrics[names[0]] - metrics[names[1]]
    return found


def win_rows(metrics: dict, ending: str = "") -> list[dict]:
    """A row a training: tone, both refusal rates, wins, ties and losses by rule, and the judges' win rates."""
    columns = {
        "tone": "tone_compliance_{}",
        "declines, unknown": "refusal_rate_{}",
        "declines, known": "false_refusal_rate_{}",
        "win rate": "win_rate_{}_vs_sft",
        "interval": "win_rate_{}_vs_sft_ci",
        "ties": "tie_rate_{}_vs_sft",
        "judge": "judge_win_rate_{}_vs_sft",
        "naive judge": "naive_judge_win_rate_{}_vs_sft",
    }
    rows = []
    for name in ("sft", "dpo", "dpo_balanced", "chosen_only"):
        found = {c: metrics.get(_ended(key.format(name), ending), "") for c, key in columns.items()}
        if any(value != "" for value in found.values()):
            rows.append({"training": name} | found)
    return rows


def _ended(key: str, ending: str) -> str:
    """The name with a language's ending, which stands before an interval's."""
    return f"{key.removesuffix('_ci')}{ending}_ci" if key.endswith("_ci") else key + ending


def reply_rows(questions, before: list[str], after: list[str]) -> list[dict]:
    """Prompt, both replies and both scores, for the table."""
    scores = score_by_rule(questions, before), score_by_rule(questions, after)
    return [
        {"prompt": text, "SFT": old, "DPO": new, "score SFT": a, "score DPO": b}
        for text, old, new, a, b in zip(questions.texts, before, after, *scores, strict=True)
    ]
