"""``labs eval``: the base and any adapters through one examination, and the dashboard of it."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.evaluation.benchmarks.runner import run_benchmark
from lab_helpers.evaluation.dashboard import Dashboard, Metric, dashboard
from lab_helpers.labs.lab06 import benchmarks
from lab_helpers.labs.lab06 import customers as house
from lab_helpers.labs.lab06 import dashboard as boards
from lab_helpers.models.compared import Candidates, named
from lab_helpers.runtime.profiles import Profile


@dataclass(frozen=True)
class Exam:
    """What is asked: ``files`` are benchmarks, of each the first ``limit`` items; ``house``: the company's own
    questions, facts and mini MMLU in ``language``; ``chat``: word problems in the model's chat template."""

    files: list[Path] = field(default_factory=list)
    limit: int | None = None
    language: str = "en"
    house: bool = True
    chat: bool = False
    max_new_tokens: int = 256


def examine(
    profile: Profile, model: str | None, adapters: list[Path], exam: Exam
) -> tuple[Dashboard, list[dict]]:
    """The dashboard, and a row a benchmark and model. Files and folders are checked before anything runs."""
    for path in exam.files:
        benchmarks.check_benchmark(path)
    candidates = Candidates.load(model or profile.language_model, named(adapters))
    metrics: dict = {}
    shown: list[Metric] = []
    if exam.house:
        metrics |= _house(_run(profile, model, exam), candidates)
        shown += boards.SHOWN
    rows: list[dict] = []
    for number, path in enumerate(exam.files):
        found = benchmarks.file_results(
            candidates, path, exam.limit, exam.chat, exam.max_new_tokens
        )
        keyed = {f"file{number}{way}": results for way, results in found.items()}
        metrics |= benchmarks.result_metrics(keyed)
        rows += benchmarks.result_rows(keyed)
        for way in found:
            label = path.name + (f" ({way})" if way else "")
            shown.append(Metric(f"file{number}{way}", label, label))
    return dashboard(shown, boards.scores_of(metrics, candidates.names)), rows


def _run(profile: Profile, model: str | None, exam: Exam) -> Run:
    """Lab 06's sizes in the exam's language; nothing is written."""
    sizes = profile.lab("06") | {"language": exam.language}
    tables = profile.tables | {"lab06": sizes}
    return Run("06", dataclasses.replace(profile, tables=tables), 0, Path(), model)


def _house(run: Run, models: Candidates) -> dict:
    """Tone, overlap, declining, invented facts, mini MMLU and speed, as in lab 06."""
    asked = house.questions(run)
    replies = house.all_replies(models, asked)
    mmlu = {
        name: run_benchmark(
            model,
            models.tokenizer,
            f"mmlu.{asked.language}",
            run.settings["mmlu_items"],
            way="cloze",
        )
        for name, model in models
    }
    return {
        **house.reply_metrics(asked, replies),
        **house.decision_metrics(*house.decisions(asked, replies)),
        **house.fact_metrics(house.all_facts(run, models)),
        **benchmarks.result_metrics({"mmlu": mmlu}),
        **boards.latency_metrics(boards.latencies(run, models, asked)),
    }
