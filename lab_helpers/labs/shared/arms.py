"""Arms of an experiment compared on the same questions, and the rate chosen on validation rows.

An arm's losses are an array of shape (seeds, questions).
"""

import math

import numpy as np

from lab_helpers.evaluation.significance import paired_bootstrap


def choose_rate(rows: list[dict]) -> float:
    """The learning rate with the lowest mean of ``"loss"`` over its seeds; one that diverged never wins.

    ``rows`` are ``{"learning_rate", "seed", "loss"}``; ``"loss"`` is measured on validation rows.
    """
    losses: dict[float, list[float]] = {}
    for row in rows:
        losses.setdefault(row["learning_rate"], []).append(row["loss"])
    means = {rate: sum(found) / len(found) for rate, found in losses.items()}
    return min((rate for rate in means if math.isfinite(means[rate])), key=means.__getitem__)


def compare_arms(one: np.ndarray, other: np.ndarray) -> dict:
    """Mean of ``one`` - ``other`` over questions, its 95 % interval, each seed's, and what they decide.

    Decided is a difference whose paired bootstrap interval excludes zero and that has the same sign under
    every seed.
    """
    found = paired_bootstrap(one.mean(axis=0), other.mean(axis=0))
    by_seed = (one - other).mean(axis=1).tolist()
    agree = all(value < 0 for value in by_seed) or all(value > 0 for value in by_seed)
    decided = agree and found.decided
    return {
        "difference": found.difference,
        "interval": [found.low, found.high],
        "each seed": by_seed,
        "decided": "decided" if decided else "not decided",
    }


def comparison_rows(arms: dict[str, np.ndarray], against: str) -> list[dict]:
    """A row an arm: its mean loss, and :func:`compare_arms` with the arm ``against``, whose own row has none."""
    found = {name: compare_arms(losses, arms[against]) for name, losses in arms.items()}
    found[against] = dict.fromkeys(found[against], "–")
    return [
        {"arm": name, "loss": float(losses.mean()), **found[name]} for name, losses in arms.items()
    ]


def comparison_metrics(name: str, one: np.ndarray, other: np.ndarray) -> dict:
    """``name``: the difference; its interval as ``name_ci``, and each end of it, which claims can quote.

    ``name_decided`` is -1 where it is decidedly lower, 1 higher, 0 not decided.
    """
    found = compare_arms(one, other)
    sign = int(np.sign(found["difference"])) if found["decided"] == "decided" else 0
    low, high = found["interval"]
    ends = {f"{name}_ci": [low, high], f"{name}_low": low, f"{name}_high": high}
    return {name: found["difference"], **ends, f"{name}_decided": sign}


def rate_rows(grid: list[dict]) -> list[dict]:
    """A row a method and rate: the mean validation loss, and each seed's."""
    found: dict[tuple, list[float]] = {}
    for row in grid:
        found.setdefault((row["method"], row["learning_rate"]), []).append(row["loss"])
    return [
        {"method": method, "learning_rate": rate, "loss": sum(losses) / len(losses), "each seed": losses}
        for (method, rate), losses in found.items()
    ]  # fmt: skip


def possible_rates(grid: list[dict], method: str) -> list[float]:
    """Rates of ``method`` that are not decidedly worse than its best on the validation questions.

    ``grid`` rows hold ``"losses"``, one number a question.
    """
    rows = [row for row in grid if row["method"] == method]
    arms = {
        rate: np.stack([row["losses"] for row in rows if row["learning_rate"] == rate])
        for rate in dict.fromkeys(row["learning_rate"] for row in rows)
    }
    best = arms[choose_rate(rows)]
    return [
        rate
        for rate, losses in arms.items()
        if np.isfinite(losses).all()
        and (losses is best or compare_arms(losses, best)["decided"] != "decided")
    ]


def rate_metrics(grid: list[dict]) -> dict:
    """The best rates of LoRA and of full tuning, their ratio, and the ratios that the grid leaves open."""
    rows = {name: [r for r in grid if r["method"] == name] for name in ("LoRA", "full")}
    lora, full = (choose_rate(rows[name]) for name in ("LoRA", "full"))
    open_lora, open_full = (possible_rates(grid, name) for name in ("LoRA", "full"))
    return {
        "lora_rate": lora,
        "full_rate": full,
        "rate_ratio": lora / full,
        "rate_ratio_ci": [min(open_lora) / max(open_full), max(open_lora) / min(open_full)],
    }
