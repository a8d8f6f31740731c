"""What the real model of a profile would take in the moments that a lab's run has shown.

A run on the tiny model (``run_labs``) says which copies are alive, in which format, and what is asked for
next: rows, lengths, method. Here the same moments are counted with the real model's shapes: weights by
the bytes that each element of the tiny one took, adapters and their states by the sides of the matrices, a
training and a reply by ``labs fit``'s dry run, and logits by the bytes that lay in tensors as wide as the
tiny vocabulary.

    python tests/tiers/budget.py RUN.json …    prints the table
"""

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

from machines import LABS, MACHINES, encoder_bytes, real_model

from lab_helpers.models.known_configs import model_config, parameter_shapes
from lab_helpers.tuning.dry_run import DryStep, activation_bytes
from lab_helpers.tuning.generation_memory import generation_bytes
from lab_helpers.tuning.memory import GIB, RESERVE, terms
from lab_helpers.tuning.memory_plan import Plan

LONGER = 1.5
"""Texts may have so many times the tokens that Kotori's tokenizer makes of them."""
LIMIT_GIB = {"t4": 14.74 - RESERVE, "gpu": 22.0}
HOST_LIMIT_GB = 11.0
PROCESS_GB = 3.5
"""Assumed for Python, the libraries and CUDA's context in the machine's own memory."""
ROUNDING = 48
"""Bytes for each weight of the one matrix that lab 03 rounds at a time (a test measures it)."""


@dataclass(frozen=True)
class Moment:
    """One moment of a lab on the real model, in bytes."""

    what: str
    where: str
    copies: float
    weights: float
    needs: float
    host: float

    @property
    def gib(self) -> float:
        return (self.weights + self.needs) / GIB


def role_elements(model: str) -> dict[str, int]:
    """How many elements of the real model are matrices of blocks, and how many are words' vectors."""
    words = model_config(model).vocab_size
    found = {"linear": 0, "embedding": 0}
    for shape in parameter_shapes(model).values():
        if len(shape) == 2:
            found["embedding" if shape[0] == words else "linear"] += math.prod(shape)
    return found


def sides(model: str) -> int:
    """Σ (d + k) over the blocks' matrices: what an adapter has for each rank."""
    words = model_config(model).vocab_size
    return sum(sum(s) for s in parameter_shapes(model).values() if len(s) == 2 and s[0] != words)


def largest_matrix(model: str, role: str = "") -> int:
    words = model_config(model).vocab_size
    shapes = [s for s in parameter_shapes(model).values() if role != "linear" or s[0] != words]
    return max(map(math.prod, shapes))


def held_bytes(row: dict, kind: str, tiny: dict[str, int], real: dict[str, int]) -> float:
    """Weights on ``cuda`` or ``cpu``: what lay there for each element of the tiny model, times the real ones."""
    return sum(
        (row["models"].get(f"{kind} {role}", 0) + row["loose"].get(f"{kind} {role}", 0))
        / tiny[role]
        * real[role]
        for role in real
    )


def moments(run: dict, profile: str, lab: str) -> list[Moment]:
    """Every sample of a lab's run as a :class:`Moment` of the profile's real model."""
    model = real_model(profile)
    real, wider = role_elements(model), model_config(model).vocab_size / run["words"]
    beside = encoder_bytes(profile) if lab == "07" else 0
    found = []
    for row, after in zip(run["samples"], [*run["samples"][1:], None], strict=True):
        peaks = (after or {}).get("before", {})
        weights = held_bytes(row, "cuda", run["elements"], real) + beside
        weights += row["rest"] * sides(model) / run["sides"]
        needs = _needed(model, row, wider * peaks.get("cuda words", 0))
        host = held_bytes(row, "cpu", run["elements"], real) + wider * peaks.get("cpu words", 0)
        found.append(Moment(row["what"], row["where"], row["copies"], weights, needs, host))
    return found


def _needed(model: str, row: dict, words: float) -> float:
    asked = row["asked"]
    if row["what"] == "train":
        return _training_bytes(model, asked)
    if row["what"] == "generate":
        return sum(_writing_bytes(model, asked["rows"], _longer(asked["length"]), asked["scored"]))
    if row["what"] == "pass" and asked["gradients"]:
        method = "qlora" if row["four_bit"] else "lora"
        step = DryStep(model, method, 8, "all linear", False, 2, asked["rows"], asked["length"])
        return activation_bytes(step)
    if row["what"] == "pass":
        return LONGER * words + sum(
            _writing_bytes(model, asked["rows"], _longer(asked["length"]) + 1, 1)
        )
    return 0.0


def _longer(length: int) -> int:
    return math.ceil(LONGER * length)


def _training_bytes(model: str, asked: dict) -> float:
    """Adapter, gradients, states and activations of one training, as ``labs fit`` counts them."""
    ends = {name.rpartition(".")[2] for name in asked["targets"] or []}
    plan = Plan(
        method=asked["method"],
        r=asked["r"] or 8,
        targets="q, v" if ends == {"q_proj", "v_proj"} else "all linear",
        sequence=min(_longer(asked["longest"]), asked["limit"] or 10**6),
        batch=asked["batch"],
        checkpointing=asked["checkpointing"],
        training=asked["training"],
        reference=asked["training"] == "dpo" and not asked["reference"],
    )
    found = terms(model, plan)
    return sum(found[t] for t in ("copies", "adapter", "gradients", "optimizer", "activations"))


def _writing_bytes(model: str, rows: int, length: int, scored: int) -> tuple[int, int]:
    step = DryStep(model, "lora", 8, "all linear", False, 2, rows, length, "none", scored)
    return generation_bytes(step)


def worst(run: dict, profile: str, lab: str) -> dict:
    """One cell of the table: the fullest moment on the card, the most copies, and the machine's memory in GB.

    Of samples that differ in nothing but a smaller demand the largest is counted.
    """
    found = moments({**run, "samples": _largest(run["samples"])}, profile, lab)
    fullest = max(found, key=lambda moment: moment.gib)
    model = real_model(profile)
    rounding = ROUNDING * largest_matrix(model, "linear") if lab == "03" else 0
    loading = 2 * 4 * largest_matrix(model)
    host = max(moment.host for moment in found) + max(rounding, loading)
    return {
        "copies": max(row["copies"] for row in run["samples"]),
        "gib": fullest.gib,
        "weights": fullest.weights / GIB,
        "what": fullest.what,
        "where": fullest.where,
        "host": PROCESS_GB + host / 1e9,
    }


def _largest(samples: list[dict]) -> list[dict]:
    """For each state of the memory and kind of demand the sample that asks for most."""
    best: dict[str, dict] = {}
    for row, after in zip(samples, [*samples[1:], None], strict=True):
        words = (after or {"before": {}})["before"].get("cuda words", 0)
        asked = row["asked"]
        kind = {k: v for k, v in asked.items() if k not in ("longest", "rows", "length", "scored", "kept")}  # fmt: skip
        key = json.dumps([row["what"], row["models"], row["loose"], kind], sort_keys=True)
        size = (asked.get("rows", 1) * asked.get("length", asked.get("longest", 0)), words)
        if key not in best or size > best[key]["size"]:
            best[key] = row | {"size": size, "words": words}
    rows = []
    for row in best.values():
        rows += [row, {**row, "what": "", "asked": {}, "before": {"cuda words": row["words"]}}]
    return rows


# --- the table ------------------------------------------------------------------------------------

BEGIN, END = "<!-- residency: begin -->", "<!-- residency: end -->"


def table(runs: dict[str, dict]) -> str:
    """Markdown: a row a lab, for each machine in ``runs`` copies, GiB on the card, and GB of the machine."""
    machines = [name for name in ("t4", "gpu") if name in runs]
    heads = [f"{name}: copies | {name}: GiB on the card (limit {LIMIT_GIB[name]:.1f}) | {name}: in the cell | {name}: GB of the machine (limit {HOST_LIMIT_GB:g})" for name in machines]  # fmt: skip
    lines = [f"| lab | {' | '.join(heads)} |", "|---|" + "---:|---:|---|---:|" * len(machines)]
    for lab in LABS:
        cells = []
        for name in machines:
            found = worst(runs[name][lab], MACHINES[name].profile, lab)
            place = f"{found['where'].rpartition(' ')[2]}, {found['what']}"
            cells.append(f"{found['copies']:.1f} | {found['gib']:.1f} | {place} | {found['host']:.1f}")  # fmt: skip
        lines.append(f"| {lab} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(*paths: str) -> None:
    runs = {Path(path).stem: json.loads(Path(path).read_text()) for path in paths}
    print(table(runs))


if __name__ == "__main__":
    main(*sys.argv[1:])
