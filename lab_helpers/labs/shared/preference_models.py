"""Lab 05, what everything starts from: the pairs, the SFT model, the judge, replies and their scores."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import (
    Pair,
    PairSet,
    answers_over_refusals,
    archive,
    own_pairs,
    shipped_pairs,
)
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.reward_judge import RewardJudge
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.evaluation.win_rate import closeness, house_scores, judged_both_ways, wins
from lab_helpers.models.adapters import load_adapter, save_adapter
from lab_helpers.models.generation import Replies, generate
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.intervals import scored
from lab_helpers.runtime.language import metric_suffix
from lab_helpers.tuning.pairs import tokenize_pair
from lab_helpers.tuning.sft import supervised_fine_tune
from lab_helpers.tuning.trainer_config import trainer_config
from lab_helpers.tuning.trainers import Tuned

MAIN_REASONS = ("tone", "honesty")
NEW_TOKENS = 80


def all_pairs(run: Run, language: str = "en") -> PairSet:
    """The shipped pairs of ``language``, or those of the learner's ``--data`` file."""
    return own_pairs(run.data, run.seed) if run.data else shipped_pairs(language, run.seed)


def main_pairs(run: Run, pairs: PairSet) -> list[Pair]:
    """The pairs of the first training: tone and honesty."""
    return pairs.of(*MAIN_REASONS).train[: run.settings["pairs"]]


def balanced_pairs(run: Run, pairs: PairSet) -> list[Pair]:
    """As many pairs, some of which prefer an answer to a refusal; the same ones for pairs of the learner's own."""
    main = main_pairs(run, pairs)
    if pairs.language is None:
        return main
    added = answers_over_refusals(pairs.train, pairs.language)[: run.settings["answer_pairs"]]
    return main[: len(main) - len(added)] + added


def sft_folder(run: Run, language: str | None):
    return run.folder / f"sft_adapter{metric_suffix(language)}"


def lora_config(run: Run):
    """The same adapter for every arm of this lab: rank 8 on all linear layers."""
    from peft import LoraConfig

    return LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")


def max_length(run: Run, model) -> int:
    """The profile's length, for pairs of the learner's own at least 1,024; never beyond the model's context."""
    wanted = max(1024, run.settings["max_length"]) if run.data else run.settings["max_length"]
    return min(wanted, getattr(model.config, "max_position_embeddings", wanted))


def check_fit(run: Run, model, tokenizer, pairs: PairSet) -> None:
    """Refuse a file of which no pair fits into the model's context; nothing could be compared."""
    limit = max_length(run, model)
    lengths = [len(tokenize_pair(tokenizer, pair.row()).prompt) for pair in pairs.train]
    if min(lengths) >= limit:
        raise BadInput(
            f"even the shortest prompt has {min(lengths):,} tokens, and {limit:,} may be read at once",
            "Shorten the prompts, or give a model with a longer context: --model NAME",
        )


# --- the starting point ---------------------------------------------------------------------------


def train_start(run: Run, pairs: PairSet) -> Tuned:
    """SFT on an archive in which good and bad answers stand side by side; its adapter is kept."""
    from trl import SFTConfig

    model, tokenizer = load_model(run)
    check_fit(run, model, tokenizer, pairs)
    rows = archive(pairs.train[: run.settings["sft_rows"]], run.seed)
    config = trainer_config(
        SFTConfig,
        run,
        num_train_epochs=run.settings["sft_epochs"],
        per_device_train_batch_size=run.settings["sft_batch_size"],
        learning_rate=run.settings["sft_learning_rate"],
        lr_scheduler_type="cosine",
        max_length=max_length(run, model),
    )
    tuned = supervised_fine_tune(model, tokenizer, rows, config, lora_config(run))
    save_adapter(tuned.model, sft_folder(run, pairs.language))
    run.artifact(sft_folder(run, pairs.language))
    return tuned


def start_model(run: Run, language: str | None = "en"):
    """The SFT model with its adapter *merged in*, and the tokenizer.

    On it, a new adapter starts at zero: switched off, it is the SFT model, DPO's reference.
    """
    model, tokenizer = load_model(run)
    folder = sft_folder(run, language)
    if not folder.is_dir():
        raise BadInput(f"{folder} is missing", "Run the step that trains the SFT model first.")
    merged = load_adapter(model, folder).merge_and_unload()
    return merged.requires_grad_(True).eval(), tokenizer  # loading an adapter froze the base


def take_off(tuned: Tuned):
    """The SFT model again: the adapter is taken off, the weights below it have not changed."""
    return tuned.model.unload()  # type: ignore[attr-defined]


def dpo_config(run: Run, model, **settings):
    """``DPOConfig`` with this profile's sizes; ``settings`` win."""
    from trl import DPOConfig

    return trainer_config(
        DPOConfig,
        run,
        **{
            "num_train_epochs": 1,
            "per_device_train_batch_size": run.settings["batch_size"],
            "learning_rate": run.settings["learning_rate"],
            "lr_scheduler_type": "cosine",
            "beta": run.settings["beta"],
            "max_length": max_length(run, model),
            "logging_steps": 1,
        }
        | settings,
    )


def pair_table(pairs: PairSet) -> list[dict]:
    """Pairs, lengths and likeness by reason."""
    rows = []
    counts = Counter(pair.reason for pair in pairs.train + pairs.test)
    for reason in sorted(counts):
        found = [pair for pair in pairs.train + pairs.test if pair.reason == reason]
        rows.append(
            {
                "reason": reason or "-",
                "train": sum(pair.reason == reason for pair in pairs.train),
                "test": sum(pair.reason == reason for pair in pairs.test),
                "chosen / rejected length": float(np.mean([p.length_ratio for p in found])),
                "chosen is longer": float(np.mean([p.length_ratio > 1 for p in found])),
                "alike": float(np.mean([p.likeness for p in found[:40]])),
            }
        )
    return rows


# --- replies and scores ---------------------------------------------------------------------------


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


def held_out_questions(run: Run, pairs: PairSet) -> Questions:
    """One tone or honesty pair for each held-out prompt, as many as the profile asks."""
    test = pairs.of(*MAIN_REASONS).test
    once = list({str(pair.prompt): pair for pair in test}.values())[: run.settings["questions"]]
    spoken = pairs.language or "en"
    known = [not bool(declines([pair.answer()], spoken)[0]) for pair in once]
    return Questions(once, known, pairs.language)


def replies_to(model, tokenizer, questions: Questions, new_tokens: int = NEW_TOKENS) -> Replies:
    """Greedy replies to the held-out prompts."""
    prompts = [pair.prompt for pair in questions.pairs]
    return generate(model, tokenizer, prompts, max_new_tokens=new_tokens)


def rule_scores(questions: Questions, replies: list[str]) -> np.ndarray:
    """By the house's rules; for pairs of the learner's own, how near to the chosen answer."""
    if questions.language:
        return house_scores(replies, questions.known, questions.language)
    return closeness(replies, [(p.answer("chosen"), p.answer("rejected")) for p in questions.pairs])


def win_metrics(questions: Questions, ours: list[str], theirs: list[str], name: str) -> dict:
    """Win rate by rule with its interval, ties as one half, and the share of ties."""
    won = wins(rule_scores(questions, ours), rule_scores(questions, theirs))
    ending = metric_suffix(questions.language)
    return scored(f"win_rate_{name}{ending}", won) | {
        f"tie_rate_{name}{ending}": float((won == 0.5).mean())
    }


def house_metrics(questions: Questions, replies: list[str], name: str) -> dict:
    """Tone, refusals where nothing is known, refusals where the answer is known; nothing for own pairs."""
    if not questions.language:
        return {}
    ending, known = metric_suffix(questions.language), np.array(questions.known)
    said_no = declines(replies, questions.language)
    found = scored(f"tone_compliance_{name}{ending}", tone_compliance(replies, questions.language))
    if (~known).any():
        found |= scored(f"refusal_rate_{name}{ending}", said_no[~known])
    if known.any():
        found |= {f"false_refusal_rate_{name}{ending}": float(said_no[known].mean())}
    return found


def judges(run: Run, pairs: PairSet) -> dict[str, RewardJudge]:
    """Linear rewards on the untouched base's states, learned from tone and honesty pairs.

    They learn from the last training pairs, where the policy takes the first. ``judge`` has also seen
    pairs in which an answer beats a refusal; ``naive_judge`` has never seen a refusal lose. Pairs of
    the learner's own have no such reasons, and one judge.
    """
    model, tokenizer = load_model(run)
    own = [p.row() for p in pairs.of(*MAIN_REASONS).train[-run.settings["judge_pairs"] :]]
    judge = RewardJudge(model, tokenizer, max_length(run, model))
    if pairs.language is None:
        return {"judge": judge.learn(own)}
    unseen = answers_over_refusals(pairs.train, pairs.language)[run.settings["answer_pairs"] :]
    judge.learn(own + [p.row() for p in unseen])
    return {"judge": judge, "naive_judge": judge.retrained(own)}


def judge_quality(judge: RewardJudge, pairs: PairSet, name: str) -> dict:
    """How often the judge agrees with the gold preference on held-out pairs, and on answers against refusals."""
    ending = metric_suffix(pairs.language)
    agrees = judge.agreement([pair.row() for pair in pairs.of(*MAIN_REASONS).test])
    found = scored(f"{name}_agreement{ending}", agrees)
    if pairs.language:
        answers = answers_over_refusals(pairs.test, pairs.language)
        blind = judge.agreement([pair.row() for pair in answers])
        found |= {f"{name}_agreement_answers{ending}": float(blind.mean())}
    return found


def judge_metrics(
    judge: RewardJudge, questions: Questions, ours: list[str], theirs: list[str], name: str
) -> dict:
    """The judge's win rate as ``name``, every pair of replies read in both orders, and its steadiness."""
    judge.read(questions.texts, ours, theirs)
    won, steady = judged_both_ways(judge, questions.texts, ours, theirs)
    ending = metric_suffix(questions.language)
    return scored(f"{name}{ending}", won) | {f"{name}_steady{ending}": steady}
