"""Lab 05: the trainings on tone and honesty of one language, each measured on the same prompts."""

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import PairSet
from lab_helpers.labs.lab05.scoring import (
    measure_all_judge_wins,
    measure_drift,
    reply_metrics,
    reply_rows,
)
from lab_helpers.labs.shared.preference_models import (
    load_start_model,
    remove_adapter,
    save_whole_adapter,
    select_balanced_pairs,
    select_main_pairs,
    train_preferences,
)
from lab_helpers.labs.shared.preference_questions import (
    answer_questions,
    house_metrics,
    measure_judge_quality,
    select_questions,
    train_judges,
)
from lab_helpers.runtime.language import metric_suffix


def list_trainings(run: Run, pairs: PairSet) -> list[tuple[str, list]]:
    """``(name, pairs)``; pairs of the learner's own have nothing to balance."""
    main = select_main_pairs(pairs, run.settings["pairs"])
    balanced = [("dpo_balanced", select_balanced_pairs(run, pairs))] if pairs.language else []
    return [("dpo", main), *balanced, ("chosen_only", main)]


def train_track(run: Run, pairs: PairSet) -> None:
    """One language, the same held-out prompts before and after each training, by rule and by judge.

    The rate is the profile's: no search on validation prompts as in the cells.
    """
    model, tokenizer = load_start_model(run, pairs.language)
    questions = select_questions(pairs, run.settings["questions"])
    before = answer_questions(model, tokenizer, questions).texts
    run.measured(**house_metrics(questions, before, "sft"))
    jury = train_judges(run, pairs)
    for name, judge in jury.items():
        run.measured(**measure_judge_quality(judge, pairs, name))
    for name, rows in list_trainings(run, pairs):
        tuned = train_preferences(run, model, tokenizer, name, rows, loss_type=["sigmoid"])
        after = answer_questions(tuned.model, tokenizer, questions).texts
        run.measured(**reply_metrics(questions, after, before, name))
        run.measured(**measure_all_judge_wins(jury, questions, after, before, name))
        if name == "dpo":
            ending = metric_suffix(pairs.language)
            run.table(f"replies{ending}", reply_rows(questions, before, after))
            run.measured(**{f"train_seconds{ending}": tuned.seconds})
            if not ending:
                run.measured(**measure_drift(run, tuned.model, tokenizer, pairs))
                save_whole_adapter(run, tuned.model, pairs)
        model = remove_adapter(tuned)
