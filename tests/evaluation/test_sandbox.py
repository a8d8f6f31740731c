"""The sandbox: what ends a program, what comes back, and that hostile programs stay inside."""

import subprocess
import sys

import pytest

from lab_helpers.evaluation.sandbox import STATUSES, Limits, protections, run_program
from lab_helpers.evaluation.sandbox.escapes import attempt, escapes
from lab_helpers.evaluation.sandbox.hostile import hostile_programs

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the full sandbox needs Linux")
PROGRAMS = {program.name: program for program in hostile_programs()}
CHECK = "def check(candidate):\n    assert candidate([1, 2]) == [2, 3]\n"


@pytest.fixture(scope="module")
def rows():
    return {row["program"]: row for row in escapes()}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_hostile_program_stays_inside_and_is_reported(name, rows):
    row = rows[name]
    assert not row["escaped"], row["traces"]
    assert row["status"] in PROGRAMS[name].statuses
    assert row["status"] != "passed"


@pytest.mark.parametrize(
    ("name", "trace"),
    [
        ("writing outside", "a file outside"),
        ("deleting outside", "a file deleted"),
        ("reading a secret", "a secret read"),
        ("a link to a secret", "a secret read"),
        ("reading the home folder", "a secret read"),
        ("TCP", "a connection"),
        ("UDP", "a connection"),
        ("a process that stays", "a process left"),
        ("another program", "a file outside"),
    ],
)
def test_without_the_layers_the_same_program_leaves_a_trace(name, trace):
    """Otherwise the test above could not fail."""
    _, traces = attempt(PROGRAMS[name], ())
    assert trace in traces


@pytest.mark.parametrize("name", ["leaving with success", "sys.exit", "always equal"])
def test_a_runner_that_believes_the_exit_code_is_fooled(name):
    program = PROGRAMS[name]
    naive = program.source.format(outside="", secret="", port=0, marker="") + program.tests + "check(f)"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", naive], timeout=20).returncode == 0


def test_every_program_says_what_it_tries_in_both_languages_and_expects_known_statuses():
    assert len(PROGRAMS) == len(hostile_programs()) >= 25
    for program in PROGRAMS.values():
        assert all(program.tries)
        assert set(program.statuses) <= set(STATUSES) - {"passed"}


def test_what_a_program_prints_comes_back():
    verdict = run_program("print('こんにちは')\nimport sys\nprint('bad', file=sys.stderr)")
    assert verdict.status == "finished"
    assert "こんにちは" in verdict.stdout
    assert "bad" in verdict.stdout


def test_right_wrong_and_broken_functions():
    def of(source):
        return run_program(source, tests=CHECK, entry_point="f").status

    assert of("def f(x):\n    return [n + 1 for n in x]") == "passed"
    assert of("def f(x):\n    return x") == "failed"
    assert of("def g(x):\n    return x") == "failed"
    assert of("def f(x:\n") == "failed"
    assert of("def f(x):\n    while True: pass") == "timed_out"


def test_the_environment_is_empty_and_the_folder_its_own():
    verdict = run_program(
        "import os\nprint(sorted(os.environ), os.listdir('.'))\nopen('mine', 'w').write('x')\n"
        "print(open('mine').read())"
    )
    assert verdict.stdout.split() == ["[]", "[]", "x"]


def test_memory_is_limited_where_the_limit_says():
    source = "x = bytearray(300 << 20)\nprint(len(x))"
    assert run_program(source).status == "finished"
    assert run_program(source, limits=Limits(memory_bytes=200 << 20)).status == "out_of_memory"


def test_every_layer_that_is_needed_is_active_here():
    found = protections()
    assert {p.name for p in found} >= {"limits", "files", "calls"}
    assert all(p.active for p in found if p.needed)
    assert all(p.does.en and p.does.ja for p in found)
