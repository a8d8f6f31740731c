"""HumanEval tasks, ours and the original ones, in the sandbox."""

import dataclasses
import sys
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.evaluation.benchmarks.formats import read_humaneval
from lab_helpers.evaluation.benchmarks.humaneval import (
    evaluate,
    pass_at_k,
    run_tests,
    truncate_completion,
)
from lab_helpers.runtime.errors import BadInput

ORIGINAL = Path(__file__).parents[2] / "../shared/data/HumanEval.jsonl.gz"
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the full sandbox needs Linux")


@on_linux
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_shipped_solution_passes_and_doing_nothing_does_not(language):
    tasks = read_humaneval(language)
    assert all(verdict.passed for verdict in evaluate(tasks, [t.canonical_solution for t in tasks]))
    assert not any(
        verdict.passed for verdict in evaluate(tasks, ["    return None\n"] * len(tasks))
    )


@on_linux
@pytest.mark.skipif(not ORIGINAL.exists(), reason="../shared/data/HumanEval.jsonl.gz is not here")
def test_the_original_tasks_run_unchanged():
    tasks = read_humaneval(ORIGINAL)
    assert len(tasks) == 164
    right = evaluate(tasks, [task.canonical_solution for task in tasks])
    assert [t.task_id for t, v in zip(tasks, right, strict=True) if not v.passed] == []
    for body in ("    raise NotImplementedError\n", "    return None\n"):
        wrong = evaluate(tasks, [body] * len(tasks))
        assert [t.task_id for t, v in zip(tasks, wrong, strict=True) if v.passed] == []


@on_linux
def test_what_follows_the_function_is_not_run():
    task = read_humaneval("en")[0]
    completion = task.canonical_solution.rstrip() + "\n\nprint(1 / 0)\n"
    assert run_tests(task, completion).passed
    assert run_tests(task, "    return a - b\n").status == "failed"
    assert run_tests(task, "    return (\n").status == "failed"


@on_linux
def test_the_tests_use_the_published_helper_and_not_the_models():
    task = dataclasses.replace(
        read_humaneval("en")[0],
        prompt="def twice(x):\n    return 2 * x\n\ndef f(x):\n",
        canonical_solution="    return twice(x)\n",
        entry_point="f",
        test="def check(candidate):\n    assert candidate(3) == twice(3)\n",
    )
    assert run_tests(task, "    return 6\n").passed
    assert not run_tests(task, "    return 0\ntwice = lambda x: 0\n").passed


def test_a_completion_ends_where_something_new_begins():
    assert truncate_completion("    return 1\n\ndef g():\n    pass") == "    return 1\n"
    assert truncate_completion("    if x:\n        return 1\n") == "    if x:\n        return 1\n"


@given(st.integers(1, 8), st.data())
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    draws = list(combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, 1, 4), (3, 1, 0), (3, -1, 1)])
def test_pass_at_k_refuses_what_cannot_be(n, c, k):
    with pytest.raises(BadInput):
        pass_at_k(n, c, k)
