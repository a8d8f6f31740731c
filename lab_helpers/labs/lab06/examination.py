"""``labs eval``: the base and any adapters through one examination, and the dashboard of it."""

from dataclasses import dataclass, field
from pathlib import Path

from lab_helpers.data.preferences import shipped_pairs
from lab_helpers.evaluation.benchmarks.answers import Answers
from lab_helpers.evaluation.benchmarks.runner import run_benchmark
from lab_helpers.evaluation.dashboard import Dashboard, Metric, dashboard
from lab_helpers.evaluation.flips import Flips
from lab_helpers.labs.lab06 import benchmarks, customers
from lab_helpers.labs.lab06.dashboard import (
    SHOWN,
    collect_items,
    find_benchmark_flips,
    latency_metrics,
    measure_latencies,
    split_by_model,
)
from lab_helpers.labs.shared.preference_questions import select_questions
from lab_helpers.models.compared_models import BASE, ComparedModels, adapter_names


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


@dataclass(frozen=True)
class Examined:
    """The dashboard, a row a benchmark, model and metric, and which answers each adapter changed."""

    board: Dashboard
    rows: list[dict]
    flips: list[Flips]


def measure_models(model: str, adapters: list[Path], exam: Exam, settings: dict) -> Examined:
    """The base and each adapter through ``exam``. Files and folders are checked before anything runs.

    ``settings`` are lab 06's: how many questions, facts and items the company's own part has.
    """
    for path in exam.files:
        benchmarks.check_benchmark(path, exam.answers)
    models = ComparedModels.load(model, adapter_names(adapters))
    metrics: dict = {}
    shown: list[Metric] = []
    items: dict = {}
    flips: list[Flips] = []
    if exam.house:
        metrics, items, flips = measure_house(models, exam.language, settings)
        shown += SHOWN
    rows: list[dict] = []
    for number, path in enumerate(exam.files):
        found = benchmarks.measure_file(
            models, path, exam.limit, exam.chat, exam.max_new_tokens, exam.answers
        )
        keyed = {f"file{number}{way}": results for way, results in found.items()}
        metrics |= benchmarks.result_metrics(keyed)
        items |= collect_items({}, keyed)
        for way, results in found.items():
            label = shortest_name(path, exam.files) + (f" ({way})" if way else "")
            shown.append(Metric(f"file{number}{way}", label, label))
            lenient = f"{label} (lenient)"
            shown.append(Metric(f"file{number}{way}_lenient", lenient, lenient))
            rows += [row | {"benchmark": label} for row in benchmarks.result_rows({way: results})]
            flips += _file_flips({label: results}, models.names)
    return Examined(dashboard(shown, split_by_model(metrics, models.names), items), rows, flips)


def _file_flips(results: dict, names: list[str]) -> list[Flips]:
    """What each adapter changed against the base, which comes first."""
    return [flip for name in names[1:] for flip in find_benchmark_flips(results, names[0], name)]


def measure_house(
    models: ComparedModels, spoken: str, settings: dict
) -> tuple[dict, dict, list[Flips]]:
    """Tone, overlap, declining, invented facts, mini MMLU and speed, as in lab 06; scores by item; flips."""
    asked = select_questions(shipped_pairs(spoken, 0), settings["questions"])
    replies = customers.measure_replies(models, asked)
    facts = customers.measure_facts(models, spoken, settings["facts"])
    mmlu = {
        name: run_benchmark(
            model, models.tokenizer, f"mmlu.{spoken}", settings["mmlu_items"], way="cloze"
        )
        for name, model in models
    }
    few = asked.texts[: settings["latency_replies"]]
    metrics = {
        **customers.reply_metrics(asked, replies),
        **customers.decision_metrics(*customers.read_decisions(asked, replies)),
        **customers.fact_metrics(facts),
        **benchmarks.result_metrics({"mmlu": mmlu}),
        **latency_metrics(measure_latencies(models, few, settings["latency_tokens"])),
    }
    items = collect_items(customers.score_items(asked, replies, facts), {"mmlu": mmlu})
    flips = [
        customers.find_decision_flips(asked, replies, BASE, name) for name in models.names[1:]
    ] + _file_flips({"mmlu": mmlu}, models.names)
    return metrics, items, flips


def shortest_name(path: Path, paths: list[Path]) -> str:
    """The end of ``path`` that no other of ``paths`` has: its name, or its name behind some folders."""
    others = [one for one in map(Path.absolute, paths) if one != path.absolute()]
    parts = path.absolute().parts
    for count in range(1, len(parts)):
        if all(other.parts[-count:] != parts[-count:] for other in others):
            return "/".join(parts[-count:])
    return str(path)
