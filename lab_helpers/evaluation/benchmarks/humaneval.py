"""HumanEval: does a written function pass its tests? (Chen et al. 2021, arXiv:2107.03374)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import comb

from lab_helpers.evaluation.benchmarks.formats import Program
from lab_helpers.evaluation.benchmarks.prompts import PROGRAM_STOP
from lab_helpers.evaluation.sandbox import Limits, Verdict, run_program
from lab_helpers.evaluation.sandbox.protections import Confirm, require_leave
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


def truncate_completion(completion: str) -> str:
    """The completion up to the first line that begins something new: a function, a class, a comment.

    The paper's stop sequences (§3.2). A base model goes on with whatever follows in its files.
    """
    ends = [at for stop in PROGRAM_STOP if (at := completion.find(stop)) >= 0]
    return completion[: min(ends)] if ends else completion


def run_tests(
    program: Program,
    completion: str,
    limits: Limits = Limits(),
    confirm: Confirm | None = None,
) -> Verdict:
    """Run ``prompt + completion`` with the task's own tests, both in the sandbox, in two processes.

    The tests may call other functions of the prompt; they get the prompt with the published solution,
    never the model's. ``confirm`` asks where the sandbox is weaker.
    """
    return run_program(
        program.prompt + truncate_completion(completion),
        tests=program.test,
        entry_point=program.entry_point,
        helpers=program.prompt + program.canonical_solution,
        limits=limits,
        confirm=confirm,
    )


def evaluate(
    programs: Sequence[Program],
    completions: Sequence[str],
    at_once: int = 2,
    limits: Limits = Limits(),
    confirm: Confirm | None = None,
) -> list[Verdict]:
    """:func:`run_tests` for each pair, ``at_once`` side by side; verdicts in the order given."""
    require_leave(confirm)  # asked here, once, and not by threads
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda pair: run_tests(pair[0], pair[1], limits), zip(programs, completions, strict=True)))  # fmt: skip


def pass_at_k(n: int, c: int, k: int) -> float:
    """Chance that at least one of ``k`` completions passes, from ``c`` that passed of ``n`` drawn.

    1 - C(n-c, k) / C(n, k), eq. (1) of Chen et al. 2021: without bias, where 1 - (1 - c/n)^k is too low.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise BadInput(
            say(
                f"pass@{k} of {c} right among {n}",
                f"pass@{k} を計算できません（{n} 個中 {c} 個が正解）",
            ),
            say(
                "It takes 0 <= c <= n and 1 <= k <= n.",
                "0 <= c <= n かつ 1 <= k <= n にしてください。",
            ),
        )
    return 1 - comb(n - c, k) / comb(n, k)
