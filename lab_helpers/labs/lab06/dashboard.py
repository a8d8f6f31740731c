"""Which numbers stand on the dashboard, from a lab's metrics or from `labs eval`."""

from lab_helpers.evaluation.benchmarks.runner import BenchmarkResult
from lab_helpers.evaluation.dashboard import Dashboard, Metric, dashboard
from lab_helpers.evaluation.flips import Flips, answered_items, find_flips
from lab_helpers.evaluation.latency import Latency, measure_latency
from lab_helpers.labs.lab06.models import MODELS
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.models.generation import make_conversation

SHOWN = (
    Metric("tone_compliance", "House tone kept", "会社の口調"),
    Metric("hallucination_rate", "Invented facts", "作り話", higher_is_better=False),
    Metric("decline_f1", "Declines rightly (F1)", "適切な差し控え（F1）"),
    Metric("rouge_l", "ROUGE-L to the answer", "正解との ROUGE-L"),
    Metric("mmlu", "Mini MMLU (cloze)", "ミニ MMLU（穴埋め）"),
    Metric("gsm8k", "Mini GSM8K (strict)", "ミニ GSM8K（strict）"),
    Metric("gsm8k_lenient", "Mini GSM8K (lenient)", "ミニ GSM8K（lenient）"),
    Metric("humaneval", "Mini HumanEval", "ミニ HumanEval"),
    Metric("latency_p50", "Reply, half within", "応答時間の中央値", higher_is_better=False, high=None, unit="ms"),
    Metric("latency_p95", "Reply, 95 % within", "応答時間の 95 %", higher_is_better=False, high=None, unit="ms"),
    Metric("tokens_per_second", "Speed", "速度", high=None, unit="tokens/s"),
)  # fmt: skip
"""The lab's metrics; those that were not measured are left out."""


NOTES = {
    "en": "One base model, its SFT adapter and its SFT + DPO adapter, asked the same questions.",
    "ja": "1 つのベースモデル、その SFT アダプター、SFT + DPO アダプターに、同じ質問をしました。",
}


def measure_latencies(models: ComparedModels, texts: list[str], tokens: int) -> dict[str, Latency]:
    """Each model alone, one question at a time."""
    return {
        name: measure_latency(
            model, models.tokenizer, [make_conversation(text) for text in texts], tokens
        )
        for name, model in models
    }


def latency_metrics(found: dict[str, Latency]) -> dict[str, float]:
    """Milliseconds and tokens a second of every model."""
    metrics: dict[str, float] = {}
    for name, latency in found.items():
        metrics[f"latency_p50_{name}"] = 1000 * latency.p50
        metrics[f"latency_p95_{name}"] = 1000 * latency.p95
        metrics[f"first_token_p50_{name}"] = 1000 * latency.first_token_p50
        metrics[f"tokens_per_second_{name}"] = latency.tokens_per_second
    return metrics


def split_by_model(metrics: dict, models=MODELS) -> dict[str, dict]:
    """``mmlu_sft`` and ``mmlu_sft_ci`` become ``mmlu`` and ``mmlu_ci`` of ``sft``."""
    found: dict[str, dict] = {name: {} for name in models}
    for model in models:
        for key, value in metrics.items():
            plain = key.removesuffix("_ci")
            if plain.endswith(f"_{model}"):
                name = plain.removesuffix(f"_{model}")
                found[model][name + ("_ci" if key.endswith("_ci") else "")] = value
    return found


def build_dashboard(metrics: dict, items: dict | None = None) -> Dashboard:
    """Base, SFT and DPO on everything that the lab has measured of all three.

    ``items`` are the metrics' scores item by item: where they are known, ★ is decided by them.
    """
    return dashboard(SHOWN, split_by_model(metrics), items)


def collect_items(scored: dict, shipped: dict[str, dict[str, BenchmarkResult]]) -> dict:
    """``{metric: {model: scores (n,)}}`` under the dashboard's names, for paired comparisons."""
    names = {"hallucination": "hallucination_rate", "tone": "tone_compliance", "ROUGE-L": "rouge_l"}
    found = {names[name]: scores for name, scores in scored.items() if name in names}
    for name, results in shipped.items():
        found[name] = {model: result.per_item() for model, result in results.items()}
    return found


def find_benchmark_flips(
    shipped: dict[str, dict[str, BenchmarkResult]], before: str, after: str
) -> list[Flips]:
    """Of each benchmark that both models took: which items changed sides."""
    return [
        find_flips(name, (before, after), answered_items(results[before]), answered_items(results[after]))
        for name, results in shipped.items()
        if before in results and after in results
    ]  # fmt: skip
