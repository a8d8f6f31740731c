"""Hostile programs stay inside and are reported; without the layers, the same programs do harm that is seen."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab_helpers.evaluation.sandbox import STATUSES
from lab_helpers.evaluation.sandbox.canaries import _part_of_python
from lab_helpers.evaluation.sandbox.escapes import attempt, escapes
from lab_helpers.evaluation.sandbox.hostile import hostile_programs
from lab_helpers.evaluation.sandbox.inside.layers import NAMESPACES, SMALL_FOLDER
from lab_helpers.evaluation.sandbox.protections import active_layers, missing

linux = sys.platform == "linux"
pytestmark = [
    pytest.mark.skipif(not linux, reason="the full sandbox needs Linux"),
    pytest.mark.skipif(linux and bool(missing()), reason="this kernel lacks a layer"),
]
PROGRAMS = {program.name: program for program in hostile_programs()}
YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
NOWHERE = {
    "outside": "/nowhere", "secret": "/nowhere/s", "port": 9, "socket": "/nowhere/t", "victim": 0,
    "course": "/nowhere/c", "home": "/nowhere", "marker": "m", "many": 1, "much": 1,
}  # fmt: skip


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
    "name", [p.name for p in PROGRAMS.values() if p.statuses != ("timed_out",) and not p.tests]
)
def test_it_stays_inside_without_namespaces_too(name):
    """Some containers and distributions refuse them; the other layers have to hold alone."""
    held = tuple(layer for layer in active_layers() if layer not in (NAMESPACES, SMALL_FOLDER))
    if name == "killing everybody":
        pytest.skip("run only behind every layer there is")
    verdict, traces = attempt(PROGRAMS[name], held)
    assert traces == []
    assert verdict.status in PROGRAMS[name].statuses


@pytest.mark.parametrize(
    ("name", "trace"),
    [
        ("fork bomb", "a crowd of processes"),
        ("memory bomb", "too much memory"),
        ("writing outside", "a file outside"),
        ("deleting outside", "a file changed"),
        ("reading a secret", "a secret read"),
        ("reading the home folder", "a file read"),
        ("reading the course", "a file read"),
        ("reading the list of users", "a file read"),
        ("a link to a secret", "a secret read"),
        ("a hard link to a secret", "a secret read"),
        ("emptying a file", "a file changed"),
        ("changing rights", "a file changed"),
        ("changing times", "a file changed"),
        ("other processes", "a secret read"),
        ("TCP", "a connection"),
        ("UDP", "a connection"),
        ("unix socket", "a connection"),
        ("killing a process", "a process killed"),
        ("a borrowed signal", "a process killed"),
        ("ptrace", "a process killed"),
        ("a process that stays", "a process left"),
        ("another program", "a file outside"),
    ],
)
def test_without_the_layers_the_same_program_leaves_a_trace(name, trace):
    """Otherwise the tests above could not fail. The bombs are mild ones here."""
    if name == "ptrace" and YAMA.exists() and YAMA.read_text().strip() != "0" and os.geteuid():
        pytest.skip("this system lets no process trace another")
    if name == "reading the home folder" and not os.listdir(Path.home()):
        pytest.skip("the home folder is empty")
    if name == "reading the course" and _part_of_python(__file__):
        pytest.skip("the course lies in the Python installation")
    _, traces = attempt(PROGRAMS[name], ())
    assert trace in traces


def by_exit_code(source: str, tests: str) -> bool:
    """The original way: program and tests in one file, and exit code 0 has passed."""
    return subprocess.run([sys.executable, "-c", f"{source}\n{tests}\ncheck(f)"], timeout=20, capture_output=True).returncode == 0  # fmt: skip


def by_output(source: str, tests: str) -> bool:
    """A runner that looks for a word in the output."""
    ending = "check(f)\nprint('passed')"
    run = subprocess.run([sys.executable, "-c", f"{source}\n{tests}\n{ending}"], timeout=20, capture_output=True)  # fmt: skip
    return b"passed" in run.stdout


def behind_tests(source: str, tests: str) -> bool:
    """A runner whose tests are there before the program is."""
    return by_exit_code(tests, source)


def by_channel(source: str, tests: str) -> bool:
    """A runner that takes its verdict from a channel of its own, open to the program too."""
    read, write = os.pipe()
    ending = f"check(f)\nimport os, json\nos.write({write}, json.dumps({{'verdict': 'passed'}}).encode())"
    with os.fdopen(read, "rb") as channel:
        subprocess.run([sys.executable, "-c", f"{source}\n{tests}\n{ending}"], pass_fds=(write,), timeout=20, capture_output=True)  # fmt: skip
        os.close(write)
        said = channel.read()[8:]
    return b"{" in said and "passed" in json.dumps(json.loads(said))


@pytest.mark.parametrize(
    ("name", "runner"),
    [
        ("leaving with success", by_exit_code),
        ("sys.exit", by_exit_code),
        ("saying passed", by_output),
        ("patched built-ins", by_exit_code),
        ("a hook at the end", by_exit_code),
        ("a tracer", by_exit_code),
        ("patched runner", behind_tests),
        ("another check", behind_tests),
        ("always equal", by_exit_code),
        ("walking the frames", by_exit_code),
        ("writing to every channel", by_channel),
    ],
)
def test_a_simpler_runner_is_fooled_by_each_forger(name, runner):
    program = PROGRAMS[name]
    assert runner(program.source.format(**NOWHERE), program.tests)
    assert not runner("def f(x):\n    return 0", program.tests)


def test_every_program_says_what_it_tries_in_both_languages_and_expects_known_statuses():
    assert len(PROGRAMS) == len(hostile_programs()) >= 40
    for program in PROGRAMS.values():
        assert all(program.tries)
        assert set(program.statuses) <= set(STATUSES) - {"passed"}
