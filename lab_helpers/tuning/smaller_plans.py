"""A card is too small: which settings to change, and as little as possible."""

from collections.abc import Callable
from dataclasses import replace

from lab_helpers.tuning.memory import fit, needed_gib
from lab_helpers.tuning.memory_plan import METHODS, Plan

SHORTEST, LOWEST_RANK = 64, 4


def smallest_change(model: str, plan: Plan, gib: float) -> dict | None:
    """The settings of ``plan`` to change so that it fits into ``gib``, as ``{setting: value}``.

    ``{}`` where it fits as it is, ``None`` where nothing helps. Settings are changed one after the
    other, in the order of what they cost: first time (checkpointing, batch with accumulation), then
    precision (of the states, of the weights), then what changes the learning (rank, completions,
    length). What turns out not to be needed is taken back, the costliest first.
    """
    if _fits(model, plan, {}, gib):
        return {}
    ladders = {name: values for name, values in _ladders(plan).items() if values}
    if not _fits(model, plan, {name: values[-1] for name, values in ladders.items()}, gib):
        return None
    found: dict = {}
    for name, values in ladders.items():
        for value in values:
            found[name] = value
            if _fits(model, plan, found, gib):
                return _taken_back(model, plan, found, gib, ladders)
    return None


def _fits(model: str, plan: Plan, change: dict, gib: float) -> bool:
    found = fit(model, replace(plan, **change))
    return needed_gib(found["terms"], found["pageable"]) <= gib


def _taken_back(model: str, plan: Plan, change: dict, gib: float, ladders: dict) -> dict:
    kept = dict(change)
    for name in reversed(change):
        without = {key: value for key, value in kept.items() if key != name}
        milder = [without, *({**kept, name: value} for value in ladders[name])]
        kept = next(one for one in milder if _fits(model, plan, one, gib))
    return kept


def _ladders(plan: Plan) -> dict[str, list]:
    """For each setting the values that need less and less, in the order of what they cost."""
    plain = plan.optimizer == "adamw"
    lora = plan.method != "full" and not plan.adapter
    return {
        "checkpointing": [] if plan.checkpointing else [True],
        "batch": _halves(plan.batch, 1),
        "optimizer": ["paged_adamw_8bit"] if plain else [],
        "method": list(METHODS[METHODS.index(plan.method) + 1 :]),
        "r": _halves(plan.r, LOWEST_RANK) if lora else [],
        "generations": _halves(plan.generations, 2) if plan.training == "grpo" else [],
        "completion": _halves(plan.completion, SHORTEST) if plan.generates else [],
        "sequence": _halves(plan.sequence, SHORTEST),
    }


def _halves(value: int, least: int) -> list[int]:
    found = []
    while value // 2 >= least:
        value //= 2
        found.append(value)
    return found


OPTIONS: dict[str, Callable[[object], str]] = {
    "checkpointing": lambda value: "--checkpointing",
    "batch": lambda value: f"--batch {value}",
    "optimizer": lambda value: f"--optimizer {value}",
    "method": lambda value: f"--method {value}",
    "r": lambda value: f"--rank {value}",
    "completion": lambda value: f"--completion {value}",
    "generations": lambda value: f"--generations {value}",
    "sequence": lambda value: f"--sequence {value}",
}


def change_options(change: dict) -> str:
    """``{"batch": 1}`` as what one types: ``--batch 1``."""
    return " ".join(OPTIONS[name](value) for name, value in change.items())
