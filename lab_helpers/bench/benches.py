"""``labs bench``: how fast the course is, as medians and as ratios of arms that ran in turn.

Seconds differ from machine to machine, and with what else it does; a ratio of two arms that took
turns does so much less. No test asserts on a number that is measured here.
"""

from collections.abc import Callable, Iterable

from lab_helpers.bench.figure import Figure
from lab_helpers.bench.generation import measure_generation
from lab_helpers.bench.rag import measure_rag
from lab_helpers.bench.sft import measure_sft
from lab_helpers.bench.start import measure_start
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

BENCHES: dict[str, Callable[[int], list[Figure]]] = {
    "start": measure_start,
    "generation": measure_generation,
    "rag": measure_rag,
    "sft": measure_sft,
}


def run_benches(names: Iterable[str], repeats: int) -> list[dict]:
    """The figures of the named benches, all by default, as rows."""
    wanted = list(names) or list(BENCHES)
    for name in wanted:
        if name not in BENCHES:
            raise BadInput(
                say(f"unknown bench '{name}'", f"「{name}」というベンチマークはありません"),
                say(
                    f"Use some of: {', '.join(BENCHES)}.",
                    f"{'、'.join(BENCHES)} から選んでください。",
                ),
            )
    return [figure.row() for name in wanted for figure in BENCHES[name](repeats)]
