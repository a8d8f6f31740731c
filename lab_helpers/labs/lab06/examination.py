"""``labs eval``: the base and any adapters through one examination, and the dashboard of it."""

from dataclasses import dataclass, field
from pathlib import Path

from lab_helpers.data.preferences import shipped_pairs
from lab_helpers.evaluation.benchmarks.answers import Answers
from lab_helpers.evaluation.benchmarks.runner import run_benchmark
from lab_helpers.evaluation.dashboard import Dashboard, Metric, dashboard
from lab_helpers.labs.lab06 import benchmarks, customers
from lab_helpers.labs.lab06.dashboard import (
    SHOWN,
    latency_metrics,
    measure_latencies,
    split_by_model,
)
from lab_helpers.labs.shared.preference_questions import select_questions
from lab_helpers.models.compared_models import ComparedModels, adapter_names


@dataclass(frozen=True)
class Exam:
    """What is asked: ``files`` are benchmarks, of each the first ``limit`` items; ``house``: the company's own
    questions, facts and mini MMLU in ``language``; ``chat``: word problems in the model's chat template;
    ``answers``: how multiple-choice files write theirs, None to find it out."""

    files: list[Path] = field(default_factory=list)
    limit: int | None = None
    language: str = "en"
    house: bool = True
    chat: bool = False
    max_new_tokens: int = 256
    answers: Answers | None = None


def measure_models(
    model: str, adapters: list[Path], exam: Exam, settings: dict
) -> tuple[Dashboard, list[dict]]:
    """The dashboard, and a row a benchmark and model. Files and folders are checked before anything runs.

    ``settings`` are lab 06's: how many questions, facts and items the company's own part has.
    """
    for path in exam.files:
        benchmarks.check_benchmark(path, exam.answers)
    models = ComparedModels.load(model, adapter_names(adapters))
    metrics: dict = {}
    shown: list[Metric] = []
    if exam.house:
        metrics |= measure_house(models, exam.language, settings)
        shown += SHOWN
    rows: list[dict] = []
    for number, path in enumerate(exam.files):
        found = benchmarks.measure_file(
            models, path, exam.limit, exam.chat, exam.max_new_tokens, exam.answers
        )
        keyed = {f"file{number}{way}": results for way, results in found.items()}
        metrics |= benchmarks.result_metrics(keyed)
        rows += benchmarks.result_rows(keyed)
        for way in found:
            label = path.name + (f" ({way})" if way else "")
            shown.append(Metric(f"file{number}{way}", label, label))
    return dashboard(shown, split_by_model(metrics, models.names)), rows


def measure_house(models: ComparedModels, spoken: str, settings: dict) -> dict:
    """Tone, overlap, declining, invented facts, mini MMLU and speed, as in lab 06."""
    asked = select_questions(shipped_pairs(spoken, 0), settings["questions"])
    replies = customers.measure_replies(models, asked)
    mmlu = {
        name: run_benchmark(
            model, models.tokenizer, f"mmlu.{spoken}", settings["mmlu_items"], way="cloze"
        )
        for name, model in models
    }
    few = asked.texts[: settings["latency_replies"]]
    return {
        **customers.reply_metrics(asked, replies),
        **customers.decision_metrics(*customers.read_decisions(asked, replies)),
        **customers.fact_metrics(customers.measure_facts(models, spoken, settings["facts"])),
        **benchmarks.result_metrics({"mmlu": mmlu}),
        **latency_metrics(measure_latencies(models, few, settings["latency_tokens"])),
    }
