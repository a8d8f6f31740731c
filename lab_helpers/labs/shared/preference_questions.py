"""Held-out prompts of the preference labs: replies, scores by rule, judges, win rates."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import Pair, PairSet
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.reward_judge import RewardJudge
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.evaluation.win_rate import closeness, house_scores, judged_both_ways, wins
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.preference_models import MAIN_REASONS, choose_max_length
from lab_helpers.labs.shared.refusal_pairs import answers_over_refusals
from lab_helpers.models.generation import Replies, generate
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import metric_suffix

NEW_TOKENS = 80


@dataclass(frozen=True)
class Questions:
    """Held-out prompts, one pair each, and for the house's pairs whether the company knows the answer."""

    pairs: list[Pair]
    known: list[bool]
    language: str | None

    @property
    def texts(self) -> list[str]:
        return [pair.question for pair in self.pairs]

    def first(self, count: int) -> "Questions":
        return Questions(self.pairs[:count], self.known[:count], self.language)


def select_questions(pairs: PairSet, count: int) -> Questions:
    """One tone or honesty pair for each of the first ``count`` held-out prompts."""
    test = pairs.of(*MAIN_REASONS).test
    once = list({str(pair.prompt): pair for pair in test}.values())[:count]
    spoken = pairs.language or "en"
    known = [not bool(declines([pair.answer()], spoken)[0]) for pair in once]
    return Questions(once, known, pairs.language)


def answer_questions(
    model, tokenizer, questions: Questions, new_tokens: int = NEW_TOKENS
) -> Replies:
    """Greedy replies to the held-out prompts."""
    prompts = [pair.prompt for pair in questions.pairs]
    return generate(model, tokenizer, prompts, max_new_tokens=new_tokens)


def score_by_rule(questions: Questions, replies: list[str]) -> np.ndarray:
    """By the house's rules; for pairs of the learner's own, how near to the chosen answer."""
    if questions.language:
        return house_scores(replies, questions.known, questions.language)
    return closeness(replies, [(p.answer("chosen"), p.answer("rejected")) for p in questions.pairs])


def win_metrics(questions: Questions, ours: list[str], theirs: list[str], name: str) -> dict:
    """Win rate by rule with its interval, ties as one half, and the share of ties."""
    won = wins(score_by_rule(questions, ours), score_by_rule(questions, theirs))
    ending = metric_suffix(questions.language)
    return interval_metrics(f"win_rate_{name}{ending}", won) | {
        f"tie_rate_{name}{ending}": float((won == 0.5).mean())
    }


def house_metrics(questions: Questions, replies: list[str], name: str) -> dict:
    """Tone, refusals where nothing is known, refusals where the answer is known; nothing for own pairs."""
    if not questions.language:
        return {}
    ending, known = metric_suffix(questions.language), np.array(questions.known)
    said_no = declines(replies, questions.language)
    found = interval_metrics(
        f"tone_compliance_{name}{ending}", tone_compliance(replies, questions.language)
    )
    if (~known).any():
        found |= interval_metrics(f"refusal_rate_{name}{ending}", said_no[~known])
    if known.any():
        found |= {f"false_refusal_rate_{name}{ending}": float(said_no[known].mean())}
    return found


def train_judges(run: Run, pairs: PairSet) -> dict[str, RewardJudge]:
    """Linear rewards on the untouched base's states, learned from tone and honesty pairs.

    They learn from the last training pairs, where the policy takes the first. ``judge`` has also seen
    pairs in which an answer beats a refusal; ``naive_judge`` has never seen a refusal lose. Pairs of
    the learner's own have no such reasons, and one judge.
    """
    model, tokenizer = load_model(run)
    own = [p.row() for p in pairs.of(*MAIN_REASONS).train[-run.settings["judge_pairs"] :]]
    judge = RewardJudge(model, tokenizer, choose_max_length(run, model))
    if pairs.language is None:
        return {"judge": judge.learn(own)}
    unseen = answers_over_refusals(pairs.train, pairs.language)[run.settings["answer_pairs"] :]
    judge.learn(own + [p.row() for p in unseen])
    return {"judge": judge, "naive_judge": judge.train_another(own)}


def measure_judge_quality(judge: RewardJudge, pairs: PairSet, name: str) -> dict:
    """How often the judge agrees with the gold preference on held-out pairs, and on answers against refusals."""
    ending = metric_suffix(pairs.language)
    agrees = judge.agreement([pair.row() for pair in pairs.of(*MAIN_REASONS).test])
    found = interval_metrics(f"{name}_agreement{ending}", agrees)
    if pairs.language:
        answers = answers_over_refusals(pairs.test, pairs.language)
        blind = judge.agreement([pair.row() for pair in answers])
        found |= {f"{name}_agreement_answers{ending}": float(blind.mean())}
    return found


def measure_judge_wins(
    judge: RewardJudge, questions: Questions, ours: list[str], theirs: list[str], name: str
) -> dict:
    """The judge's win rate as ``name``, every pair of replies read in both orders, and its steadiness."""
    judge.read(questions.texts, ours, theirs)
    won, steady = judged_both_ways(judge, questions.texts, ours, theirs)
    ending = metric_suffix(questions.language)
    return interval_metrics(f"{name}{ending}", won) | {f"{name}_steady{ending}": steady}
