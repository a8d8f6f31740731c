"""Lab 00: when an own GPU is cheaper than an API."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.figures import charts
from lab_helpers.figures.style import words


@dataclass(frozen=True)
class Prices:
    """What the learner fills in for the break-even sheet; every number is theirs, none is ours.

    ``per_million_tokens`` and ``gpu_per_hour`` in one currency; ``tokens_per_call`` counts prompt
    and answer; ``gpu_calls_per_hour`` is the throughput of the own machine.
    """

    per_million_tokens: float = 1.0
    tokens_per_call: float = 800.0
    gpu_per_hour: float = 0.5
    gpu_calls_per_hour: float = 3600.0
    gpu_always_on: bool = True


def compute_break_even(prices: Prices) -> float:
    """Calls a month from which the own GPU is cheaper than the API; ``inf`` where it never is.

    It is so as long as one GPU is enough; a second one may turn it round again. An always-on GPU costs 730 hours a month whatever the volume; otherwise only the hours it works.
    """
    api_call = prices.per_million_tokens * prices.tokens_per_call / 1e6
    if not api_call or not prices.gpu_calls_per_hour:
        return float("inf")
    if prices.gpu_always_on:
        needed = 730 * prices.gpu_per_hour / api_call
        return needed if needed <= 730 * prices.gpu_calls_per_hour else float("inf")
    return 0.0 if prices.gpu_per_hour / prices.gpu_calls_per_hour < api_call else float("inf")


def break_even_metrics(prices: Prices) -> dict[str, float]:
    """Calls a month from which the GPU is cheaper, and how much of one GPU's month they are.

    Where no volume makes it cheaper, both are infinite, kept as 1e12 and 1e6: JSON knows no infinity.
    """
    calls = compute_break_even(prices)
    most = 730 * prices.gpu_calls_per_hour
    return {
        "break_even_calls_per_month": min(calls, 1e12),
        "break_even_share": min(calls / most if most else np.inf, 1e6),
    }


def compute_cost_curves(
    prices: Prices, volumes: list[float]
) -> dict[str, list[tuple[float, float]]]:
    """Monthly cost by calls a month: API, and own GPU (more machines when one is full)."""
    full = 730 * prices.gpu_calls_per_hour
    api = [(v, v * prices.per_million_tokens * prices.tokens_per_call / 1e6) for v in volumes]
    machine = 730 * prices.gpu_per_hour
    own = [
        (
            v,
            machine * max(1, -(-v // full))
            if prices.gpu_always_on
            else v / prices.gpu_calls_per_hour * prices.gpu_per_hour,
        )
        for v in volumes
    ]
    return {"API": api, "GPU": own}


def cost_figure(prices: Prices):
    volumes = [float(v) for v in np.logspace(3, 7, 30)]
    labels = (
        words("calls a month", "月間呼び出し回数"),
        words("cost a month", "月額費用"),
    )
    return charts.lines(compute_cost_curves(prices, volumes), *labels, logx=True, logy=True)


def break_even_calls(price_per_million, tokens_per_call, gpu_per_hour):
    """Calls a month from which a GPU that is always on (730 hours) costs less than the API."""
    api_per_call = price_per_million * tokens_per_call / 1_000_000
    return 730 * gpu_per_hour / api_per_call


def tokens_per_month(question_tokens, example_tokens, calls):
    """Prompt tokens of a month: examples have no memory, so they are paid for with every call."""
    return (question_tokens + example_tokens) * calls
