"""What the real model of a profile would take in the moments that a lab's run has shown.

A run on the tiny model (``run_labs``) says which copies are alive, in which format, and what is asked for
next: rows, lengths, method. Here the same moments are counted with the real model's shapes: weights by
the bytes that each element of the tiny one took, adapters and their states by the sides of the matrices, a
training and a reply by ``labs fit``'s dry run, and logits by the bytes that lay in tensors as wide as the
tiny vocabulary.

    python tests/tiers/budget.py               runs every lab, about six minutes, and prints the table
    python tests/tiers/budget.py --write       and puts it into BENCHMARKS.md
    python tests/tiers/budget.py t4.json gpu.json    from runs that run_labs.py has written
"""

import json
import math
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from operator import itemgetter
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
SIZES = ("longest", "rows", "length", "scored", "kept")
BENCHMARKS = Path(__file__).parents[2] / "BENCHMARKS.md"
ROUNDING = 25
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
    """What a lab's run has shown, as moments of the profile's real model."""
    model = real_model(profile)
    real, wider = role_elements(model), model_config(model).vocab_size / run["words"]
    beside = encoder_bytes(profile) if lab == "07" else 0
    found = []
    for row in _states(run["samples"]):
        weights = held_bytes(row, "cuda", run["elements"], real) + beside
        weights += row["rest"] * sides(model) / run["sides"]
        needs = _needed(model, row, wider * row["cuda words"])
        host = held_bytes(row, "cpu", run["elements"], real) + wider * row["cpu words"]
        found.append(Moment(row["what"], row["where"], row["copies"], weights, needs, host))
    return found


def _states(samples: list[dict]) -> list[dict]:
    """Of samples that hold the same and ask for the same kind of thing those that ask for most.

    That is most text, most logits, and most beside the weights. What lay in logits after a sample stands in
    the next one.
    """
    groups: dict[str, list[dict]] = {}
    for row, after in zip(samples, [*samples[1:], {"before": {}}], strict=True):
        words = {name: after["before"].get(name, 0) for name in ("cuda words", "cpu words")}
        kind = {name: value for name, value in row["asked"].items() if name not in SIZES}
        key = json.dumps([row["what"], row["models"], row["loose"], kind], sort_keys=True)
        groups.setdefault(key, []).append(row | words)
    largest = (_size, itemgetter("cuda words"), itemgetter("cpu words"), itemgetter("rest"))
    return [max(rows, key=by) for rows in groups.values() for by in largest]


def _size(row: dict) -> int:
    asked = row["asked"]
    return asked.get("rows", 1) * asked.get("length", asked.get("longest", 0))


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
        logits="fused_torch",  # without Triton, which needs less
    )
    found = terms(model, plan)
    return sum(found[t] for t in ("copies", "adapter", "gradients", "optimizer", "activations"))


def _writing_bytes(model: str, rows: int, length: int, scored: int) -> tuple[int, int]:
    step = DryStep(model, "lora", 8, "all linear", False, 2, rows, length, "none", scored)
    return generation_bytes(step)


def worst(run: dict, profile: str, lab: str) -> dict:
    """One cell of the table: the fullest moment on the card, the most copies, and the machine's memory in GB."""
    found, model = moments(run, profile, lab), real_model(profile)
    fullest = max(found, key=lambda moment: moment.gib)
    rounding = ROUNDING * largest_matrix(model, "linear") if lab == "03" else 0
    loading = 2 * 4 * largest_matrix(model)  # a tensor from the file, and in another format
    host = max(moment.host for moment in found) + max(rounding, loading)
    return {
        "copies": max(row["copies"] for row in run["samples"]),
        "gib": fullest.gib,
        "place": f"{fullest.where.rpartition(' ')[2]}, {fullest.what}",
        "host": PROCESS_GB + host / 1e9,
    }


# --- the table ------------------------------------------------------------------------------------

BEGIN, END = "<!-- residency: begin -->", "<!-- residency: end -->"


def table(runs: dict[str, dict]) -> str:
    """Markdown: a row a lab, and for each profile copies, GiB on the card, in which cell, and GB of the machine."""
    heads = [
        f"{name}: copies | {name}: GiB of {LIMIT_GIB[name]:.1f} | {name}: in cell | {name}: GB of {HOST_LIMIT_GB:g}"
        for name in LIMIT_GIB
    ]
    lines = [f"| lab | {' | '.join(heads)} |", "|---|" + "---:|---:|---|---:|" * len(LIMIT_GIB)]
    for lab in LABS:
        cells = []
        for name in LIMIT_GIB:
            found = worst(runs[name][lab], MACHINES[name].profile, lab)
            cells.append("{copies:.1f} | {gib:.1f} | {place} | {host:.1f}".format(**found))
        lines.append(f"| {lab} | {' | '.join(cells)} |")
    return "\n".join(lines)


def run_all(folder: Path) -> dict[str, dict]:
    """Every lab on the machines of the table, each machine in a process of its own."""
    script, runs = Path(__file__).with_name("run_labs.py"), {}
    for name in LIMIT_GIB:
        out = folder / f"{name}.json"
        command = [sys.executable, str(script), name, str(out)]
        subprocess.run(command, check=True, capture_output=True)
        runs[name] = json.loads(out.read_text(encoding="utf-8"))
        failed = {lab: run["error"] for lab, run in runs[name].items() if run["error"]}
        if failed:
            raise SystemExit("\n".join(f"{name}, lab {lab}: {e}" for lab, e in failed.items()))
    return runs


def main(*arguments: str) -> None:
    files = [Path(argument) for argument in arguments if argument != "--write"]
    with tempfile.TemporaryDirectory() as folder:
        runs = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}
        made = table(runs or run_all(Path(folder)))
    if "--write" in arguments:
        text = BENCHMARKS.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        BENCHMARKS.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
    print(made)


if __name__ == "__main__":
    main(*sys.argv[1:])
