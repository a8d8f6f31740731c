"""Run the hostile programs, and look for proof of an escape outside, not in what they say."""

from concurrent.futures import ThreadPoolExecutor

from lab_helpers.evaluation.sandbox.canaries import Canaries
from lab_helpers.evaluation.sandbox.hostile import Hostile, hostile_programs
from lab_helpers.evaluation.sandbox.limits import MEGABYTE, Limits, Verdict
from lab_helpers.evaluation.sandbox.processes import GRACE_SECONDS
from lab_helpers.evaluation.sandbox.protections import (
    Confirm,
    active_layers,
    missing,
    require_leave,
)
from lab_helpers.evaluation.sandbox.running import run_behind
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import track

QUICK = Limits(wall_seconds=2.0, cpu_seconds=1.0, memory_bytes=256 * MEGABYTE)
ENDLESS_PROCESSES, ENDLESS_BYTES = 10**9, 10**15
MILD_PROCESSES, MILD_BYTES = 150, 512 * MEGABYTE
"""Where the sandbox is weak, the bombs stay small: enough to be seen, not enough to do harm."""
SLACK_BYTES = 64 * MEGABYTE


def escapes(confirm: Confirm | None = None, limits: Limits = QUICK, at_once: int = 4) -> list[dict]:
    """Every hostile program in the sandbox: name, what it tries, status, detail, ``escaped``.

    ``at_once`` of them side by side: most only wait for their time to be up.
    """
    require_leave(confirm)
    programs, held, full = hostile_programs(), active_layers(), not missing()

    def row(program: Hostile) -> dict:
        verdict, traces = attempt(program, held, limits, endless=full)
        return {
            "program": program.name, "tries": program.tries, "status": verdict.status,
            "detail": verdict.detail, "escaped": bool(traces), "traces": traces,
        }  # fmt: skip

    with ThreadPoolExecutor(at_once) as pool:
        return list(track(pool.map(row, programs), say("sandbox", "サンドボックス"), len(programs)))


def attempt(
    program: Hostile, layers: tuple[str, ...], limits: Limits = QUICK, endless: bool = False
) -> tuple[Verdict, list[str]]:
    """One program behind ``layers``: its verdict, and the traces of an escape that were found.

    ``endless`` lets the bombs grow without end; leave it where a layer they aim at may be missing.
    """
    sizes = (ENDLESS_PROCESSES, ENDLESS_BYTES) if endless else (MILD_PROCESSES, MILD_BYTES)
    with Canaries() as canaries:
        source = program.source.format(**canaries.targets(*sizes))
        verdict = run_behind(layers, source, program.tests or None, "f", "", limits)
        traces = canaries.traces(verdict.stdout)
    found = {
        "a forged result": bool(program.tests) and verdict.passed,
        "too much memory": verdict.memory_bytes > limits.memory_bytes + SLACK_BYTES,
        "too much output": len(verdict.stdout.encode()) > limits.output_bytes,
        # Twice the grace: a busy machine is slow to bury its dead.
        "too much time": verdict.seconds > limits.wall_seconds + 2 * GRACE_SECONDS + 5,
    }
    return verdict, traces + [trace for trace, seen in found.items() if seen]
