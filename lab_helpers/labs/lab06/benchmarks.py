"""Lab 06, benchmarks in the formats of MMLU, GSM8K and HumanEval: the shipped sets and the learner's own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from lab_helpers.evaluation.benchmarks.answers import Answers
from lab_helpers.evaluation.benchmarks.formats import (
    detect,
    read_gsm8k,
    read_humaneval,
    read_multiple_choice,
)
from lab_helpers.evaluation.benchmarks.multiple_choice import Way
from lab_helpers.evaluation.benchmarks.numbers import extract_answer, strict_answer
from lab_helpers.evaluation.benchmarks.runner import BenchmarkResult, run_benchmark
from lab_helpers.evaluation.sandbox.escapes import escapes
from lab_helpers.evaluation.sandbox.protections import protections, require_leave
from lab_helpers.evaluation.significance import difference_metrics
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import Text

READERS: dict[str, Callable[..., list]] = {
    "multiple_choice": read_multiple_choice,
    "gsm8k": read_gsm8k,
    "humaneval": read_humaneval,
}


def check_benchmark(path: Path, answers: Answers | None = None) -> None:
    """Read a benchmark file once; :class:`BadInput` says what is wrong with it."""
    kind = detect(path)
    READERS[kind](path, *([answers] if kind == "multiple_choice" else []))


def find_sandbox_refusal() -> str | None:
    """Why programs are not run on this system; ``None`` where the sandbox is full or its user agreed."""
    try:
        require_leave()
    except BadInput as refusal:
        return str(refusal)
    return None


# --- the sandbox ----------------------------------------------------------------------------------


def measure_protections() -> list[dict]:
    """The sandbox's layers on this system, each tried for real."""
    return [
        {"layer": layer.name, "holds": layer.active, "does": str(Text(*layer.does))}
        for layer in protections()
    ]


def measure_hostile_programs() -> list[dict]:
    """Every hostile program: what it tries, how it ended, whether a trace of an escape was found outside."""
    return [
        row | {"tries": str(Text(*row["tries"])), "traces": ", ".join(row["traces"])}
        for row in escapes()
    ]


def hostile_metrics(rows: list[dict]) -> dict[str, int]:
    return {
        "sandbox_escapes": sum(row["escaped"] for row in rows),
        "sandbox_programs": len(rows),
    }


# --- MMLU -----------------------------------------------------------------------------------------


def two_ways_metrics(shipped: dict[str, dict[str, BenchmarkResult]]) -> dict:
    """Claim 37 is about MMLU as it is defined, so its numbers come from the letters, of the base."""
    letters = shipped["mmlu_letters"]["base"]
    return {
        "mmlu_mini_above_chance": letters.value - letters.chance,
        "mmlu_mini_ci_width": letters.ci[1] - letters.ci[0],
    }


def group_rows(shipped: dict[str, dict[str, BenchmarkResult]], model: str = "base") -> list[dict]:
    """A row a group of subjects and a way to ask one model: accuracy and its interval."""
    ways = {"letters": shipped["mmlu_letters"][model], "cloze": shipped["mmlu"][model]}
    return [
        {"way": way, "group": group, "accuracy": value, "low": ci[0], "high": ci[1]}
        for way, result in ways.items()
        for group, (value, ci) in result.groups.items()
    ]


# --- base, SFT, DPO -------------------------------------------------------------------------------


def measure_shipped(
    settings: dict, models: ComparedModels, language: str
) -> dict[str, dict[str, BenchmarkResult]]:
    """``{benchmark: {model: result}}`` on the shipped sets; programs only where the sandbox may run them.

    ``mmlu`` reads each choice as the answer; ``mmlu_letters`` asks for A, B, C or D as MMLU does, and only
    of base and SFT, for claim 37.
    """
    plan: dict[str, tuple[str, dict]] = {
        "mmlu": ("mmlu", {"way": "cloze"}),
        "mmlu_letters": ("mmlu", {"way": "letters"}),
        "gsm8k": ("gsm8k", {"chat": settings["chat"]}),
    }
    if find_sandbox_refusal() is None:
        plan["humaneval"] = ("humaneval", {})
    found: dict[str, dict[str, BenchmarkResult]] = {name: {} for name in plan}
    for model_name, model in models:
        for name, (shipped, options) in plan.items():
            if name == "mmlu_letters" and model_name == "dpo":
                continue
            found[name][model_name] = run_benchmark(
                model,
                models.tokenizer,
                f"{shipped}.{language}",
                settings[f"{shipped}_items"],
                max_new_tokens=settings["new_tokens"],
                **options,
            )
    return found


def measure_file(
    models: ComparedModels,
    path: Path,
    limit: int | None,
    chat: bool,
    max_new_tokens: int,
    answers: Answers | None = None,
) -> dict[str, dict[str, BenchmarkResult]]:
    """``{way: {model: result}}`` on any benchmark file; multiple choice is asked in both ways, the rest in one."""
    kind = detect(path)
    ways: tuple[Way, ...] = ("letters", "cloze") if kind == "multiple_choice" else ("letters",)
    found: dict[str, dict[str, BenchmarkResult]] = {}
    for name, model in models:
        for way in ways:
            label = way if len(ways) > 1 else ""
            found.setdefault(label, {})[name] = run_benchmark(
                model,
                models.tokenizer,
                path,
                limit,
                chat=chat and kind == "gsm8k",
                max_new_tokens=max_new_tokens,
                way=way,
                answers=answers,
            )
    return found


def result_metrics(found: dict[str, dict[str, BenchmarkResult]], extract=extract_answer) -> dict:
    """``mmlu_base``, ``mmlu_base_ci``, …; of word problems also by the lenient rule, ``gsm8k_lenient_base``.

    ``extract`` reads the number of a reply: the library's rule, or a learner's.
    """
    metrics: dict = {}
    for benchmark, results in found.items():
        for model, result in results.items():
            metrics[f"{benchmark}_{model}"] = result.value
            metrics[f"{benchmark}_{model}_ci"] = result.ci
            if result.format == "gsm8k":
                right = lenient_scores(result, extract)
                metrics |= interval_metrics(f"{benchmark}_lenient_{model}", right)
    return metrics


def lenient_scores(result: BenchmarkResult, extract=extract_answer) -> np.ndarray:
    """1.0 for each word problem whose number, read by ``extract``, is the right one."""
    return np.array([float(extract(item.answer) == item.gold) for item in result.items])


def answer_rows(result: BenchmarkResult, extract=extract_answer, count: int = 3) -> list[dict]:
    """Word problems for reading: the right number, the strict rule's, ``extract``'s, and the reply."""
    return [
        {"question": item.question, "right answer": item.gold, "strict": strict_answer(item.answer),
         "lenient": extract(item.answer), "reply": item.answer[:120]}
        for item in result.items[:count]
    ]  # fmt: skip


def result_rows(found: dict[str, dict[str, BenchmarkResult]], extract=extract_answer) -> list[dict]:
    """A row a benchmark, model and metric, with the metric's name, and what guessing gives."""
    return [
        {
            "benchmark": result.name + (f" ({result.settings.way})" if result.chance else ""),
            "model": model,
            "metric": metric,
            "score": value,
            "low": ci[0],
            "high": ci[1],
            "chance": result.chance,
            "items": result.n,
            "cut off": result.unfinished,
        }
        for results in found.values()
        for model, result in results.items()
        for metric, (value, ci) in _shown_metrics(result, extract).items()
    ]


def _shown_metrics(result: BenchmarkResult, extract) -> dict:
    """The benchmark's own metric; of word problems both rules, as one alone says little."""
    if result.format == "gsm8k":
        lenient = lenient_scores(result, extract)
        return {"strict": (result.value, result.ci), "lenient": _rate(lenient)}
    return {result.metric: (result.value, result.ci)}


def _rate(right: np.ndarray) -> tuple[float, list[float]]:
    return tuple(interval_metrics("rate", right).values())  # type: ignore[return-value]


def drop_metrics(found: dict[str, dict[str, BenchmarkResult]]) -> dict[str, float]:
    """What SFT cost by each way of asking MMLU: base minus SFT, its interval, and the known facts alone."""
    metrics: dict = {}
    for name in ("mmlu", "mmlu_letters"):
        base, sft = found[name]["base"], found[name]["sft"]
        metrics |= difference_metrics(f"{name}_drop_sft", base.per_item(), sft.per_item())
    known = [found["mmlu"][model].groups["known"][0] for model in ("base", "sft")]
    return metrics | {"mmlu_known_drop_sft": known[0] - known[1]}
