"""Lab 05, preference training: DPO by hand and through TRL, what it mends, and what it breaks.

A support model that learnt from good and bad answers alike is shown which are better. The pairs say
so in pairs of two; DPO turns them into a loss without a reward model.
"""

import copy

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.course.running import Step
from lab_helpers.data.preferences import PairSet, length_matched
from lab_helpers.figures import preferences as figures
from lab_helpers.labs.lab05 import variants as arms
from lab_helpers.labs.lab05.memory import memory_rows, memory_summary, memory_table
from lab_helpers.labs.lab05.parity import first_loss, loss_parity
from lab_helpers.labs.shared.preference_models import (
    MAIN_REASONS,
    all_pairs,
    balanced_pairs,
    dpo_config,
    held_out_questions,
    house_metrics,
    judge_metrics,
    judge_quality,
    judges,
    lora_config,
    main_pairs,
    max_length,
    pair_table,
    replies_to,
    rule_scores,
    sft_folder,
    start_model,
    take_off,
    train_start,
    win_metrics,
)
from lab_helpers.runtime.language import Text, metric_suffix
from lab_helpers.tuning.dpo import prefer
from lab_helpers.tuning.sft import supervised_fine_tune
from lab_helpers.tuning.trainer_config import trainer_config
from lab_helpers.tuning.trainers import Tuned


def languages(run: Run) -> list[str]:
    """The tracks of the headline numbers; a file of the learner's own has one."""
    return ["own"] if run.data else list(run.settings["languages"])


# --- the pairs ------------------------------------------------------------------------------------


def look(run: Run) -> None:
    """The pairs by reason, and the bias of their lengths."""
    pairs = all_pairs(run)
    run.table("pairs", pair_table(pairs))
    run.measured(**pair_summary(pairs))
    run.figure("lengths", figures.length_bias(length_ratios(pairs)))


def pair_summary(pairs: PairSet) -> dict[str, float]:
    """How many pairs there are, how often the chosen answer is the longer one, how many match in length."""
    both = pairs.train + pairs.test
    return {
        "pairs_train": len(pairs.train),
        "pairs_test": len(pairs.test),
        "chosen_is_longer": float(np.mean([pair.length_ratio > 1 for pair in both])),
        "length_matched_pairs": len(length_matched(both)),
    }


def length_ratios(pairs: PairSet) -> dict[str, list[float]]:
    """Length of the chosen answer over the rejected one's, by reason."""
    found: dict[str, list[float]] = {}
    for pair in pairs.train + pairs.test:
        found.setdefault(pair.reason or "-", []).append(pair.length_ratio)
    return found


# --- the start and the loss -----------------------------------------------------------------------


def start(run: Run) -> None:
    """The SFT model of each track: it has read good and bad answers, unlabelled."""
    for language in languages(run):
        start_track(run, language)


def start_track(run: Run, language: str) -> None:
    train_start(run, all_pairs(run, language))


def loss(run: Run) -> None:
    """Every loss by hand against TRL's; the first loss with the right reference, and with a wrong one."""
    pairs = all_pairs(run)
    model, tokenizer = start_model(run, pairs.language)
    batch = [pair.row() for pair in pairs.train[: run.settings["parity_pairs"]]]
    config = dpo_config(run, model)
    rows = loss_parity(model, tokenizer, batch, config, lora_config(run))
    run.table("losses by hand", rows)
    run.measured(**parity_summary(rows))
    run.measured(**first_losses(model, tokenizer, batch, config, lora_config(run)))


def parity_summary(rows: list[dict]) -> dict[str, float]:
    return {"dpo_loss_abs_diff": max(row["difference"] for row in rows)}


def first_losses(model, tokenizer, batch: list[dict], config, adapter) -> dict[str, float]:
    """Before any step: with the adapter as the only difference, and with TRL's own choice for full tuning.

    The SFT model exists in memory only; TRL loads the reference from disk, where the base is.
    """
    right = first_loss(model, tokenizer, batch, config, adapter)
    return {
        "dpo_first_loss": right,
        "dpo_first_loss_wrong_reference": first_loss(
            copy.deepcopy(model), tokenizer, batch, config
        ),
    }


# --- DPO ------------------------------------------------------------------------------------------


def align(run: Run) -> None:
    """DPO on tone and honesty; with pairs in which an answer beats a refusal; SFT on the chosen answers alone."""
    for language in languages(run):
        align_track(run, language)
    run.measured(**refusal_change(run.metrics))


def align_track(run: Run, language: str) -> None:
    """One language, the same held-out prompts before and after each training, by rule and by judge."""
    pairs = all_pairs(run, language)
    model, tokenizer = start_model(run, pairs.language)
    questions = held_out_questions(run, pairs)
    before = replies_to(model, tokenizer, questions).texts
    run.measured(**house_metrics(questions, before, "sft"))
    jury = judges(run, pairs)
    for name, judge in jury.items():
        run.measured(**judge_quality(judge, pairs, name))
    for name, rows in trainings(run, pairs):
        tuned = train_rows(run, model, tokenizer, name, rows)
        after = replies_to(tuned.model, tokenizer, questions).texts
        run.measured(**reply_metrics(questions, after, before, name))
        run.measured(**judged(jury, questions, after, before, name))
        if name == "dpo":
            run.table(
                f"replies{metric_suffix(pairs.language)}", reply_rows(questions, before, after)
            )
            run.measured(**{f"train_seconds{metric_suffix(pairs.language)}": tuned.seconds})
            if language != "ja":
                run.measured(**drift(run, tuned.model, tokenizer, pairs))
                run.figure("curves", figures.ratios(arms.ratio_curves(tuned, run.settings["beta"])))
                save_whole_adapter(run, tuned.model, pairs)
        model = take_off(tuned)


def trainings(run: Run, pairs: PairSet) -> list[tuple[str, list]]:
    """``(name, pairs)``; pairs of the learner's own have nothing to balance."""
    main = main_pairs(run, pairs)
    balanced = [("dpo_balanced", balanced_pairs(run, pairs))] if pairs.language else []
    return [("dpo", main), *balanced, ("chosen_only", main)]


def train_rows(run: Run, model, tokenizer, name: str, pairs: list) -> Tuned:
    """DPO with an SFT term on the chosen answers; for ``chosen_only`` SFT on them and nothing else."""
    if name == "chosen_only":
        return chosen_only(run, model, tokenizer, pairs)
    config = dpo_config(run, model, loss_type=["sigmoid", "sft"])
    return prefer(model, tokenizer, [pair.row() for pair in pairs], config, lora_config(run))


def chosen_only(run: Run, model, tokenizer, pairs: list) -> Tuned:
    """The rival: the same pairs, steps and rate, but it never sees a rejected answer."""
    from trl import SFTConfig

    config = trainer_config(
        SFTConfig,
        run,
        num_train_epochs=1,
        per_device_train_batch_size=run.settings["batch_size"],
        learning_rate=run.settings["learning_rate"],
        lr_scheduler_type="cosine",
        max_length=max_length(run, model),
    )
    rows = [{"prompt": pair.prompt, "completion": pair.chosen} for pair in pairs]
    return supervised_fine_tune(model, tokenizer, rows, config, lora_config(run))


def reply_metrics(questions, after: list[str], before: list[str], name: str) -> dict:
    """Tone, refusals and the win rate by rule of one training."""
    return house_metrics(questions, after, name) | win_metrics(
        questions, after, before, f"{name}_vs_sft"
    )


def judged(jury: dict, questions, after: list[str], before: list[str], name: str) -> dict:
    """Each judge's win rate of one training over the SFT model."""
    found: dict = {}
    for judge, reads in jury.items():
        key = f"{judge}_win_rate_{name}_vs_sft"
        found |= judge_metrics(reads, questions, after, before, key)
    return found


def drift(run: Run, model, tokenizer, pairs: PairSet) -> dict[str, float]:
    """On held-out pairs: implicit-reward accuracy, margin, and how far both log-probabilities moved."""
    test = pairs.of(*MAIN_REASONS).test[: run.settings["arm_test"]]
    held = arms.held_out(run, model, tokenizer, test)
    return {f"dpo_{name}": value for name, value in held.items()}


def refusal_change(metrics: dict) -> dict[str, float]:
    """Right refusals after minus before; nothing for pairs of the learner's own."""
    found = {}
    for ending in ("", "_ja"):
        names = f"refusal_rate_dpo{ending}", f"refusal_rate_sft{ending}"
        if all(name in metrics for name in names):
            found[f"refusal_rate_change{ending}"] = metrics[names[0]] - metrics[names[1]]
    return found


def win_rows(metrics: dict, ending: str = "") -> list[dict]:
    """A row a training: tone, both refusal rates, wins, ties and losses by rule, and the judges' win rates."""
    columns = {
        "tone": "tone_compliance_{}",
        "refusal": "refusal_rate_{}",
        "false refusal": "false_refusal_rate_{}",
        "win rate": "win_rate_{}_vs_sft",
        "ties": "tie_rate_{}_vs_sft",
        "judge": "judge_win_rate_{}_vs_sft",
        "naive judge": "naive_judge_win_rate_{}_vs_sft",
    }
    rows = []
    for name in ("sft", "dpo", "dpo_balanced", "chosen_only"):
        found = {c: metrics.get(key.format(name) + ending, "") for c, key in columns.items()}
        if any(value != "" for value in found.values()):
            rows.append({"training": name} | found)
    return rows


def reply_rows(questions, before: list[str], after: list[str]) -> list[dict]:
    """Prompt, both replies and both scores, for the table."""
    scores = rule_scores(questions, before), rule_scores(questions, after)
    return [
        {"prompt": text, "SFT": old, "DPO": new, "score SFT": a, "score DPO": b}
        for text, old, new, a, b in zip(questions.texts, before, after, *scores, strict=True)
    ]


def save_whole_adapter(run: Run, model, pairs: PairSet) -> None:
    """SFT and DPO in one adapter of the untouched base, so that ``labs chat --adapter`` can load it."""
    from lab_helpers.models.language_models import load_language_model
    from lab_helpers.tuning.stacking import stack_adapters

    folder = run.folder / "dpo_only"
    model.save_pretrained(folder)
    base, _ = load_model(run)
    stack_adapters(base, [sft_folder(run, pairs.language), folder], run.folder / "adapter")
    run.artifact(run.folder / "adapter")


# --- what goes wrong ------------------------------------------------------------------------------


def variants(run: Run) -> None:
    """β, IPO, and robust DPO under wrong labels: one short training each."""
    pairs = all_pairs(run).of(*MAIN_REASONS)
    rows = arms.variant_rows(run, pairs, arms.variant_arms(run, pairs))
    run.table("variants", rows)
    run.measured(**arms.variant_summary(rows))


def displace(run: Run) -> None:
    """Near-duplicate pairs push the chosen answer down as well; an SFT term holds it up."""
    pairs = all_pairs(run)
    rows, curves = arms.displacement(run, pairs, arms.displacement_arms(run, pairs))
    run.table("displacement", rows)
    run.measured(**arms.displacement_summary(rows))
    run.figure("displacement", figures.displacement(curves))


def lengths(run: Run) -> None:
    """Pairs in which the longer answer wins make longer replies; three remedies."""
    pairs = all_pairs(run)
    rows = arms.length_rows(run, pairs, arms.length_arms(run, pairs))
    run.table("reply lengths", rows)
    run.measured(**arms.length_summary(rows))
    run.figure("reply_lengths", figures.reply_lengths(rows))


def memory(run: Run) -> None:
    """Models and bytes in memory, by arrangement of the reference."""
    rows = memory_rows(run, all_pairs(run))
    run.table("memory", memory_table(rows))
    run.measured(**memory_summary(rows))
    run.figure("memory", figures.memory(memory_table(rows)))


STEPS = (
    Step("pairs", Text("The pairs and their lengths", "選好ペアとその長さ"), look),
    Step("start", Text("The SFT model to start from", "出発点となる SFT モデル"), start),
    Step("loss", Text("The loss by hand against TRL's", "手書きの損失と TRL の損失"), loss),
    Step(
        "align",
        Text("DPO: tone and honesty, before and after", "DPO: 口調と正直さの前後比較"),
        align,
    ),
    Step("variants", Text("Beta, IPO, robust DPO", "β、IPO、ロバスト DPO"), variants),
    Step("displacement", Text("Likelihood displacement", "尤度の変位"), displace),
    Step("length", Text("Longer and longer replies", "長くなっていく回答"), lengths),
    Step("memory", Text("Models in memory", "メモリ上のモデル"), memory),
)
