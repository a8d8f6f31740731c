"""Lab 05, replies before and after a training: greedy ones and drawn ones, compared prompt by prompt."""

from dataclasses import dataclass

import numpy as np
import torch

from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.significance import paired_bootstrap
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.evaluation.win_rate import wins
from lab_helpers.labs.shared.preference_questions import (
    NEW_TOKENS,
    Questions,
    answer_questions,
    score_by_rule,
)
from lab_helpers.models.generation import generate
from lab_helpers.runtime.intervals import interval_metrics

DRAWS = 3


@dataclass(frozen=True)
class ModelReplies:
    """One greedy reply a prompt, and :data:`DRAWS` drawn at temperature 1; ``ended`` is a share of all."""

    greedy: list[str]
    drawn: list[list[str]]
    ended: float


def measure_replies(model, tokenizer, questions: Questions, seed: int) -> ModelReplies:
    """Answer every prompt greedily, and three times at temperature 1 with nothing cut off (seeded)."""
    greedy = answer_questions(model, tokenizer, questions)
    prompts = [pair.prompt for pair in questions.pairs]
    torch.manual_seed(seed)
    drawn = generate(
        model, tokenizer, prompts * DRAWS, NEW_TOKENS, batch_size=96,
        do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
    )  # fmt: skip
    count = len(prompts)
    return ModelReplies(
        greedy.texts,
        [drawn.texts[i : i + count] for i in range(0, len(drawn.texts), count)],
        float(np.mean(greedy.ended + drawn.ended)),
    )


def score_right(questions: Questions, replies: ModelReplies) -> dict[str, np.ndarray]:
    """How right each prompt's replies are, 0 to 1, by measure: tone kept, declined, answered.

    Declining counts on prompts without a known answer, answering (not declining) on the others;
    drawn replies count with their mean.
    """
    language = questions.language or "en"
    known = np.array(questions.known)
    tone = [tone_compliance(texts, language) for texts in (replies.greedy, *replies.drawn)]
    no = [declines(texts, language) for texts in (replies.greedy, *replies.drawn)]
    drawn_no = np.mean(no[1:], axis=0)
    return {
        "tone, greedy": tone[0],
        "tone, drawn": np.mean(tone[1:], axis=0),
        "unknown: declines, greedy": no[0][~known],
        "unknown: declines, drawn": drawn_no[~known],
        "known: answers, greedy": 1 - no[0][known],
        "known: answers, drawn": 1 - drawn_no[known],
    }


def rate_rows(questions: Questions, replies: ModelReplies) -> list[dict]:
    """A row a measure: prompts, rate, and its interval over the prompts."""
    rows = []
    for name, values in score_right(questions, replies).items():
        if not len(values):
            continue
        found = interval_metrics("right", values)
        rows.append({"measure": name, "prompts": len(values), "right": found["right"], "interval": found["right_ci"]})  # fmt: skip
    return rows


def change_rows(questions: Questions, before: ModelReplies, after: ModelReplies) -> list[dict]:
    """The same prompts before and after: the paired difference, its interval, and who changed sides.

    Only greedy replies are right or wrong as a whole, so only they change sides.
    """
    old, new = score_right(questions, before), score_right(questions, after)
    rows = []
    for name in (name for name in old if len(old[name])):
        paired = paired_bootstrap(new[name], old[name])
        step = new[name] - old[name]
        whole = "greedy" in name
        rows.append(
            {
                "measure": name,
                "before": float(old[name].mean()),
                "after": float(new[name].mean()),
                "difference": paired.difference,
                "interval": [paired.low, paired.high],
                "wrong → right": int((step > 0).sum()) if whole else "",
                "right → wrong": int((step < 0).sum()) if whole else "",
            }
        )
    return rows


def change_metrics(rows: list[dict], name: str) -> dict:
    """Drawn tone before and after with the interval of its paired difference, from :func:`change_rows`."""
    drawn = next(row for row in rows if row["measure"] == "tone, drawn")
    return {
        "tone_drawn_sft": drawn["before"],
        f"tone_drawn_{name}": drawn["after"],
        f"tone_drawn_change_{name}": drawn["difference"],
        f"tone_drawn_change_{name}_low": drawn["interval"][0],
    }


def drawn_win_metrics(
    questions: Questions, ours: ModelReplies, theirs: ModelReplies, name: str
) -> dict:
    """Win rate by rule of the drawn replies, draw against draw, each prompt's mean once."""
    won = [
        wins(score_by_rule(questions, mine), score_by_rule(questions, other))
        for mine, other in zip(ours.drawn, theirs.drawn, strict=True)
    ]
    return interval_metrics(f"win_rate_drawn_{name}", np.mean(won, axis=0))


def score_validation(questions: Questions, replies: ModelReplies) -> float:
    """One number to choose settings by: points of the house's rules a reply, 0 to 2, greedy and drawn alike."""
    scores = [score_by_rule(questions, texts) for texts in (replies.greedy, *replies.drawn)]
    return float(np.mean(scores))


def choose_rate(rows):
    """The learning rate with the highest score on validation rows among those whose replies end.

    ``rows`` are dicts with ``rate``, ``split``, ``loss``, ``score`` and ``ended`` (a share); a rate
    whose replies end in fewer than nine of ten cases is out. Test rows are not looked at.
    """
    fit = [row for row in rows if row["split"] == "validation" and row["ended"] >= 0.9]
    return max(fit, key=lambda row: row["score"])["rate"]


def judgement(questions: Questions, texts: list[str], other: list[str] | None = None) -> dict:
    """How much more often a model declines where nothing is known than where the answer is known.

    1 is perfect, 0 a dial that turns both alike (Youden 1950). With ``other`` replies to the same
    prompts it is the difference from theirs. The interval is a bootstrap within both groups.
    """
    known = np.array(questions.known)
    no = declines(texts, questions.language or "en")
    if other is not None:
        no = no - declines(other, questions.language or "en")
    if known.all() or not known.any():
        return {"judgement": float("nan"), "interval": []}
    rng = np.random.default_rng(0)
    groups = [group[rng.integers(0, len(group), (2000, len(group)))].mean(1) for group in (no[~known], no[known])]  # fmt: skip
    low, high = np.percentile(groups[0] - groups[1], [2.5, 97.5])
    return {
        "judgement": float(no[~known].mean() - no[known].mean()),
        "interval": [float(low), float(high)],
    }
