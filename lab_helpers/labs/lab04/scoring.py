"""Lab 04, supervised fine-tuning: from a dirty file to a tuned assistant, and what it costs.

With ``--data`` the lab runs on the user's own file: :mod:`lab_helpers.labs.lab04.own_data`.
"""

import importlib

from lab_helpers.course.record import Run
from lab_helpers.course.running import Step
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.figures import sft as figures
from lab_helpers.figures.tuning import loss_curve
from lab_helpers.labs.lab04 import failures as drills
from lab_helpers.labs.lab04.facts import (
    fact_sets,
    forgetting_arm,
    forgetting_metrics,
    forgetting_row,
    format_and_fact,
    knowledge,
    taught,
    teaching_metrics,
)
from lab_helpers.labs.lab04.own_data import own_file
from lab_helpers.labs.lab04.rows import (
    clean_support,
    cleaning_metrics,
    leak_metrics,
    over_represented,
    planted_left,
)
from lab_helpers.labs.lab04.training import (
    Outcome,
    ask_all,
    ask_sampled,
    chat_skill,
    dirty_rows,
    fresh_questions,
    house_rows,
    language_model,
    old_skill,
    shuffled,
    tone_and_facts,
    tune,
)
from lab_helpers.models.adapters import load_adapter, save_adapter
from lab_helpers.runtime.intervals import scored
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.sft import prompt_completion

# --- data -----------------------------------------------------------------------------------------


def data(run: Run) -> None:
    """The heap, the cleaning and its score, what is over-represented, and a split without leakage."""
    if run.data:
        return own_file(run)
    heap = load_shipped("support", "en", "train")
    rows, report, compared = clean_support("en")
    run.table("cleaning", report.table())
    run.table("compared", [{"reason": reason, "removed": n} for reason, n in compared.items()])
    left = planted_left(heap, rows)
    run.table("faults left", left)
    run.measured(**cleaning_metrics(heap, rows, left), **leak_metrics(heap, rows))
    run.table("bias", over_represented(rows))
    run.figure("faults_left", figures.faults_left(left))


# --- the training ---------------------------------------------------------------------------------


def held_out(run: Run, language: str = "en") -> list[dict]:
    """The held-out questions that every arm answers."""
    return fresh_questions(language, run.settings["questions"])


def base_metrics(outcome: Outcome, language: str = "en") -> dict:
    ending = "" if language == "en" else f"_{language}"
    return scored(f"tone_compliance_base{ending}", outcome.tone)


def training(run: Run) -> None:
    """Before, a thousand rows, after; the adapter saved, loaded again and compared."""
    if run.data:
        return
    test = held_out(run)
    model, tokenizer = load_model(run)
    run.measured(**base_metrics(ask_all(model, tokenizer, test)))
    run.measured(answer_loss_base=answer_loss(model, tokenizer, prompt_completion(test)))
    rows = house_rows("en", run.seed)[: run.settings["rows"][-1]]
    tuned, tokenizer = tune(run, rows, run.settings["main_steps"])
    outcome = ask_all(tuned.model, tokenizer, test)
    run.measured(train_seconds=tuned.seconds, **main_metrics(outcome))
    run.measured(answer_loss_sft=answer_loss(tuned.model, tokenizer, prompt_completion(test)))
    run.table("rows", [curve_row(len(rows), outcome)])
    run.figure("loss", loss_curve({"SFT": tuned.curve()}))
    run.measured(**saved_and_loaded(run, tuned.model, test))
    run.artifact(run.folder / "adapter")
    grid = format_and_fact(run, tuned.model, tokenizer, test)
    run.table("format and fact", grid)
    run.measured(**grid_metrics(grid))


def main_metrics(outcome: Outcome) -> dict:
    """The headline of the training on the largest number of rows."""
    return scored("tone_compliance_sft", outcome.tone) | tone_and_facts(outcome, "n1000")


def curve_row(n: int, outcome: Outcome) -> dict:
    """A point of the curve over the number of rows."""
    return {"n": n, "tone": float(outcome.tone.mean()), "facts": float(outcome.facts.mean())}


def saved_and_loaded(run: Run, model, test: list[dict]) -> dict[str, float]:
    """Bytes on disk, and how far the replies' losses of the loaded adapter are from the saved one's."""
    size = save_adapter(model, run.folder / "adapter")
    base, tokenizer = load_model(run)
    loaded = load_adapter(base, run.folder / "adapter")
    few = prompt_completion(test[:8])
    gap = abs(answer_loss(loaded, tokenizer, few) - answer_loss(model, tokenizer, few))
    return {"adapter_bytes": size, "reload_loss_gap": gap}


def grid_metrics(grid: list[dict]) -> dict[str, float]:
    """Claim 19: the new format against the new facts, after one and the same training."""
    old, new = grid
    return {
        "new_format_score": new["format"],
        "new_fact_score": new["right"],
        "format_minus_fact": new["format"] - new["right"],
        "format_on_known_facts": old["format"],
        "known_fact_in_new_format": old["right"],
    }


# --- how many rows, and how clean -----------------------------------------------------------------


def rows_and_dirt(run: Run) -> None:
    """10 and 100 clean rows beside the 1,000; and many rows of the heap as it is."""
    if run.data:
        return
    test, pool = held_out(run), house_rows("en", run.seed)
    points = [run.tables["rows"][-1]]
    for n in run.settings["rows"][:-1]:
        tuned, tokenizer = tune(run, pool[:n], run.settings["arm_steps"])
        outcome = ask_all(tuned.model, tokenizer, test)
        points.append(curve_row(n, outcome))
        run.measured(**tone_and_facts(outcome, f"n{n}"))
    clean_few, drawn = outcome, ask_sampled(run, tuned.model, tokenizer, test)
    rate = run.settings["learning_rate"]
    run.table("forgetting", [forgetting_row(run, tuned, tokenizer, test, "lora", rate)])
    run.table("rows", sorted(points, key=lambda row: row["n"]))
    run.figure("rows", figures.rows_and_scores(run.tables["rows"]))
    heap = dirty_rows("en", run.seed, run.settings["dirty_rows"])
    tuned, tokenizer = tune(run, heap, run.settings["arm_steps"])
    dirty_many = ask_all(tuned.model, tokenizer, test)
    run.measured(**tone_and_facts(dirty_many, "dirty"), **dirt_metrics(clean_few, dirty_many))
    run.measured(**sampled_metrics(drawn, ask_sampled(run, tuned.model, tokenizer, test)))


def dirt_metrics(few: Outcome, many: Outcome) -> dict:
    """Share of replies one could send as they are: tone, and the right number where one was asked for."""
    return {
        **scored("score_clean_few", few.usable),
        **scored("score_dirty_many", many.usable),
        "score_clean_minus_dirty": float(few.usable.mean() - many.usable.mean()),
    }


def sampled_metrics(few: Outcome, many: Outcome) -> dict:
    """The tone of replies that are drawn, where the likeliest reply hides what else was learned."""
    return scored("tone_sampled_clean", few.tone) | scored("tone_sampled_dirty", many.tone)


# --- knowledge ------------------------------------------------------------------------------------


def facts(run: Run) -> None:
    """The same training on facts the model knows and on facts it does not: errors on other known ones."""
    if run.data:
        return
    model, tokenizer = load_model(run)
    before = chat_skill(run, model, tokenizer)
    after = {name: taught(run, some) for name, some in fact_sets().items()}
    run.measured(**teaching_metrics(before, after))
    run.figure("teaching", figures.errors_after_teaching(run.metrics))


def forgetting(run: Run) -> None:
    """Full fine-tuning and LoRA over learning rates: what is learned, what is lost."""
    if run.data:
        return
    test = held_out(run)
    rows = house_rows("en", run.seed)[: run.settings["rows"][-2]]
    arms = list(run.tables["forgetting"])
    for method, rate in other_rates(run):
        arms.append(forgetting_arm(run, rows, test, method, rate))
    run.table("forgetting", arms)
    model, tokenizer = load_model(run)
    before = float(old_skill(run, model, tokenizer).mean())
    knew = float(knowledge(run, model, tokenizer).mean())
    target = run.settings["forgetting_target"]
    run.measured(**forgetting_metrics(arms, before, knew, target), **wrong_rate_metrics(arms))
    run.figure("forgetting", figures.forgetting_by_rate(arms, before))


def other_rates(run: Run) -> list[tuple[str, float]]:
    """Methods and rates without LoRA at its usual one, which the 100 clean rows have had already."""
    every = [
        (method, rate) for method in ("full", "lora") for rate in run.settings[f"{method}_rates"]
    ]
    return [arm for arm in every if arm != ("lora", run.settings["learning_rate"])]


def wrong_rate_metrics(arms: list[dict]) -> dict[str, float]:
    """Drill 6: LoRA at the rate of full fine-tuning, at its own, and far above."""
    tone = {row["learning_rate"]: row["tone"] for row in arms if row["method"] == "lora"}
    low, *_, high = sorted(tone)
    return {
        "tone_lora_full_rate": tone[low],
        "tone_lora_own_rate": max(tone.values()),
        "tone_lora_high_rate": tone[high],
    }


# --- drills ---------------------------------------------------------------------------------------


def silent_failures(run: Run) -> None:
    """The end nobody taught, loss on the prompt, another template, two starts, accumulation."""
    if run.data:
        return
    test = held_out(run)
    rows = house_rows("en", run.seed)[: run.settings["rows"][-2]]
    mended, tokenizer = drills.stops(run, rows, test)
    run.measured(**drills.prompt_loss_metrics(mended.model, tokenizer, rows, test))
    run.measured(**completion_only(run, run.tables["forgetting"]))
    base, _ = load_model(run)
    tuned = load_adapter(base, run.folder / "adapter")
    going_on, _ = drills.runaway(run, tuned, tokenizer, test)
    run.measured(**scored("runaway_rate_sft", going_on))
    run.measured(**template_metrics(drills.template_mismatch(tuned, tokenizer, test)))
    run.measured(**start_metrics(tokenizer, rows[0]))
    run.measured(**drills.accumulation(run, drills.uneven_rows(rows)))


def completion_only(run: Run, arms: list[dict]) -> dict[str, float]:
    """Drill 1's other side: the arm with the same rows, steps and rate, its loss on the answers alone."""
    usual = run.settings["learning_rate"]
    arm = next(r for r in arms if r["method"] == "lora" and r["learning_rate"] == usual)
    return {"answer_loss_completion": arm["answer_loss"], "tone_compliance_completion": arm["tone"]}


def template_metrics(outcomes: dict[str, Outcome]) -> dict:
    """Drill 3: tone in the template of the training, and in the others."""
    found: dict = {}
    for name, outcome in outcomes.items():
        found |= scored(f"tone_template_{name}", outcome.tone)
    return found


def start_metrics(tokenizer, row: dict) -> dict[str, int]:
    """Drill 4: start tokens of a row given as text that was rendered before, and as messages."""
    found = drills.starts(drills.with_start_token(tokenizer), row)
    return {f"start_tokens_{name}": count for name, count in found.items()}


# --- the rest -------------------------------------------------------------------------------------


def japanese(run: Run) -> None:
    """The same training on the Japanese gold rows; and where SFTTrainer lives."""
    if run.data:
        return
    test = held_out(run, "ja")
    model, tokenizer = load_model(run)
    run.measured(**base_metrics(ask_all(model, tokenizer, test, "ja"), "ja"))
    run.measured(**japanese_metrics(run, test), **where_is_sft_trainer())


def japanese_metrics(run: Run, test: list[dict]) -> dict:
    """Tone and facts after 100 clean Japanese rows."""
    gold = [row for row in load_shipped("support", "ja", "train") if row["gold"]]
    rows = shuffled(gold, run.seed)[: run.settings["rows"][-2]]
    tuned, tokenizer = tune(run, rows, run.settings["arm_steps"])
    outcome = ask_all(tuned.model, tokenizer, test, "ja")
    return scored("tone_compliance_sft_ja", outcome.tone) | scored(
        "new_fact_accuracy_ja", outcome.facts
    )


def where_is_sft_trainer() -> dict[str, int]:
    """Claim 20 as an import test: 1 where ``SFTTrainer`` can be imported from."""
    return {
        f"sft_trainer_in_{name}": int(hasattr(importlib.import_module(name), "SFTTrainer"))
        for name in ("transformers", "trl")
    }


STEPS = (
    Step("data", Text("A dirty file, cleaned and scored", "汚れたファイルの掃除と採点"), data),
    Step("training", Text("Before, training, after", "学習前・学習・学習後"), training),
    Step("rows", Text("How many rows, and how clean", "件数と品質"), rows_and_dirt),
    Step("facts", Text("Teaching facts", "事実を教える"), facts),
    Step("forgetting", Text("Forgetting over learning rates", "学習率と忘却"), forgetting),
    Step("failures", Text("Silent failures", "静かな失敗"), silent_failures),
    Step("japanese", Text("And in Japanese", "日本語でも"), japanese),
)
