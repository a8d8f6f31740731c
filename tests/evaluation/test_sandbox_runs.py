"""What ends a program and what comes back; who is asked where the sandbox is weaker."""

import importlib
import os
import sys

import pytest

from lab_helpers.evaluation.sandbox import Limits, Sentence, protections, run_program
from lab_helpers.evaluation.sandbox.inside import layers
from lab_helpers.evaluation.sandbox.running import run_behind
from lab_helpers.runtime.errors import BadInput, MissingDependency

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the full sandbox needs Linux")
CHECK = "def check(candidate):\n    assert candidate([1, 2]) == [2, 3]\n"
# The package's name ``protections`` is the function.
layers_here = importlib.import_module("lab_helpers.evaluation.sandbox.protections")
PLAIN = (layers.LIMITS,) if os.name == "posix" else ()
SHORT = Limits(wall_seconds=3.0)


def status_of(source: str, tests: str = CHECK, **options) -> str:
    return run_program(source, tests=tests, entry_point="f", **options).status


@on_linux
def test_what_a_program_prints_comes_back():
    verdict = run_program("print('こんにちは')\nimport sys\nprint('bad', file=sys.stderr)")
    assert verdict.status == "finished"
    assert "こんにちは" in verdict.stdout
    assert "bad" in verdict.stdout


@on_linux
def test_what_it_printed_before_it_was_ended_comes_back_too():
    assert "so far" in run_program("print('so far')\nwhile True: pass", limits=SHORT).stdout
    assert "so far" in run_program("print('so far')\nimport os\nos._exit(3)").stdout


@on_linux
def test_right_wrong_and_broken_functions():
    assert status_of("def f(x):\n    return [n + 1 for n in x]") == "passed"
    assert status_of("def f(x):\n    return x") == "failed"
    assert status_of("def g(x):\n    return x") == "failed"
    assert status_of("def f(x:\n") == "failed"
    assert status_of("def f(x):\n    while True: pass", limits=SHORT) == "timed_out"


@on_linux
def test_the_failed_assertion_and_the_programs_line_are_named():
    wrong = run_program("def f(x):\n    return x", tests=CHECK, entry_point="f")
    assert "candidate([1, 2]) == [2, 3]" in wrong.detail
    raised = run_program("def f(x):\n    y = 1\n    return y / 0", tests=CHECK, entry_point="f")
    assert raised.detail == "ZeroDivisionError: division by zero, line 3"


@on_linux
@pytest.mark.parametrize(
    ("source", "tests"),
    [
        ("def f(x):\n    x.sort()", "def check(c):\n    x = [3, 1, 2]\n    assert c(x) is None and x == [1, 2, 3]"),
        ("def f(x):\n    x[0][0] = 9", "def check(c):\n    row = [1, 2]\n    c([row, [3]])\n    assert row == [9, 2]"),
        ("def f(x):\n    x.update(a=2)", "def check(c):\n    x = {'a': 1}\n    c(x)\n    assert x == {'a': 2}"),
        ("def f(x):\n    raise ValueError('no')", "def check(c):\n    try:\n        c(1)\n    except ValueError as e:\n        assert str(e) == 'no'\n    else:\n        assert False"),
        ("def f(*a, **k):\n    return a, k", "def check(c):\n    assert c(1, b=(2, {3})) == ((1,), {'b': (2, {3})})"),
        ("def f(n):\n    return (i for i in range(n))", "def check(c):\n    r = c(3)\n    assert list(r) == [0, 1, 2] and r != [0, 1, 2]"),
        ("def f(n):\n    return 2 ** n", "def check(c):\n    assert c(20000) == 1 << 20000"),
        ("def f(x):\n    return float('nan')", "def check(c):\n    r = c(1)\n    assert r != r"),
        ("def f(x):\n    return f\"{x}\\ud800\"", "def check(c):\n    assert c(1) == '1\\ud800'"),
        ("import collections\ndef f(x):\n    return collections.Counter(x)", "def check(c):\n    assert c('aab') == {'a': 2, 'b': 1}"),
        ("def f(x):\n    return x", "assert f(1) == 1"),
    ],
)  # fmt: skip
def test_a_function_behaves_as_it_would_beside_its_tests(source, tests):
    assert run_program(source, tests=tests, entry_point="f").status == "passed"


@on_linux
def test_tests_that_test_nothing_do_not_pass():
    assert status_of("def f(x):\n    return x", "def check(candidate):\n    pass\n") == "failed"


@on_linux
def test_tests_that_swallow_everything_do_not_hide_a_program_that_left():
    tests = "def check(c):\n    try:\n        c(1)\n    except:\n        pass\n"
    assert status_of("import os\ndef f(x):\n    os._exit(0)", tests) == "exited"


@on_linux
def test_a_function_as_argument_is_no_fault_of_the_programs():
    tests = "def check(c):\n    try:\n        c(lambda x: x)\n    except Exception:\n        pass\n"
    verdict = run_program("def f(g):\n    return g(1)", tests=tests, entry_point="f")
    assert verdict.status == "untestable"
    assert "function" in verdict.detail


@on_linux
def test_the_program_never_holds_the_tests():
    source = (
        "import gc\ndef f(x):\n    found = [o for o in gc.get_objects() if isinstance(o, dict)]\n"
        "    return [v for d in found for v in list(d.values()) if isinstance(v, str) and 'HIDDEN' + '-WORD' in v]"
    )
    tests = "WORD = 'HIDDEN-WORD'\ndef check(c):\n    assert c(1) == []\n"
    assert status_of(source, tests) == "passed"
    assert status_of(source + "\nKEPT = 'HIDDEN-' 'WORD'", tests) == "failed"  # it can find one


@on_linux
def test_what_a_program_tried_is_told():
    source = "import socket\ndef f(x):\n    try:\n        socket.socket()\n    except OSError:\n        return [2, 3]\n"
    verdict = run_program(source, tests=CHECK, entry_point="f")
    assert verdict.passed
    assert any("socket" in what for what in verdict.attempts)


@on_linux
def test_the_environment_is_empty_and_the_folder_its_own(monkeypatch):
    monkeypatch.setenv("A_KEY", "secret")
    verdict = run_program(
        "import os\nprint(sorted(os.environ), os.listdir('.'))\nopen('mine', 'w').write('x')\n"
        "print(open('mine').read())\nopen(os.devnull, 'w').write('x')"
    )
    assert verdict.status == "finished"
    assert verdict.stdout.split() == ["[]", "[]", "x"]


@on_linux
def test_ordinary_programs_find_what_they_need():
    verdict = run_program(
        "import collections, datetime, decimal, functools, hashlib, itertools, json, math, random\n"
        "import re, sqlite3, string, tempfile, threading, zoneinfo\n"
        "t = threading.Thread(target=print, args=('thread',))\nt.start()\nt.join()\n"
        "with tempfile.TemporaryDirectory(dir='.') as d:\n    open(d + '/a', 'w').write('b')\n"
        "print(hashlib.sha256(b'x').hexdigest()[:4], random.random() < 1)\n"
    )
    assert (verdict.status, verdict.detail) == ("finished", "")
    assert verdict.stdout.split() == ["thread", "2d71", "True"]


@on_linux
def test_memory_is_limited_where_the_limit_says():
    source = "x = bytearray(300 << 20)\nprint(len(x))"
    assert run_program(source).status == "finished"
    assert run_program(source, limits=Limits(memory_bytes=200 << 20)).status == "out_of_memory"


@pytest.mark.skipif(os.name != "posix", reason="needs setrlimit")
def test_a_folder_on_disk_is_watched_where_it_is_no_file_system_of_its_own():
    small = Limits(folder_bytes=3 << 20, wall_seconds=8)
    source = "import time\nfor n in range(6):\n    open(f'f{n}', 'wb').write(bytes(1 << 20))\ntime.sleep(7)"
    assert run_behind(PLAIN, source, None, "", "", small).status == "over_limit"
    many = "for n in range(5000):\n    open(str(n), 'w').close()\nimport time\ntime.sleep(7)"
    assert run_behind(PLAIN, many, None, "", "", small).status == "over_limit"


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("def f(x):\n    return [n + 1 for n in x]", "passed"),
        ("def f(x):\n    print('{\"verdict\": 1}')\n    return x", "failed"),
        ("import os\ndef f(x):\n    os._exit(0)", "exited"),
        ("def f(x):\n    while True: pass", "timed_out"),
        ("def f(x):\n    while True: print('x' * 1000)", "too_much_output"),
    ],
)
def test_the_same_verdicts_where_a_system_cannot_fork(source, status):
    verdict = run_behind(PLAIN, source, CHECK, "f", "", SHORT, fork=False)
    assert verdict.status == status


@on_linux
def test_nothing_runs_behind_a_layer_that_cannot_be_put_up():
    """A small folder cannot be mounted outside namespaces and without rights."""
    held = (layers.NO_CAPABILITIES, "no such layer")
    assert run_behind(held, "print(1)", None, "", "", SHORT).status == "finished"
    with pytest.raises(MissingDependency, match="could not be set up"):
        run_behind((layers.SMALL_FOLDER, layers.FILES), "print(1)", None, "", "", Limits(folder_bytes=-1))  # fmt: skip


@on_linux
def test_every_layer_that_is_needed_is_active_here():
    found = protections()
    assert {p.name for p in found} >= {"limits", "files", "calls"}
    if layers_here.missing():
        pytest.skip("this kernel lacks a layer")
    assert all(p.active for p in found if p.needed)


def test_every_layer_is_explained_in_both_languages():
    for name in (*layers.ON_LINUX, *layers.ON_MAC):
        assert all(layers_here.DOES[name])
        assert all(layers_here.WEAKER[name])


class TestLeave:
    @pytest.fixture(autouse=True)
    def weak(self, monkeypatch):
        monkeypatch.setattr(layers_here, "missing", lambda: [Sentence("It is weak.", "弱いです。")])
        monkeypatch.setattr(layers_here, "_agreed", [])
        monkeypatch.delenv(layers_here.ALLOW_WEAK, raising=False)
        monkeypatch.setattr("sys.stdin", None)

    def test_refused_where_nobody_can_be_asked(self):
        with pytest.raises(BadInput, match="It is weak") as refusal:
            run_program("print(1)")
        assert layers_here.ALLOW_WEAK in refusal.value.fix

    def test_the_user_is_asked_once_and_told_what_is_weaker(self):
        asked = []
        with pytest.raises(BadInput):
            layers_here.require_leave(lambda question: bool(asked.append(question)))
        layers_here.require_leave(lambda question: not asked.append(question))
        layers_here.require_leave(lambda question: pytest.fail("asked again"))
        assert len(asked) == 2
        assert "It is weak" in asked[0]

    def test_the_variable_is_a_yes(self, monkeypatch):
        monkeypatch.setenv(layers_here.ALLOW_WEAK, "1")
        layers_here.require_leave(lambda question: pytest.fail("asked"))

    @pytest.mark.parametrize(("reply", "yes"), [("yes", True), ("y", False), ("", False)])
    def test_only_yes_is_a_yes(self, monkeypatch, reply, yes):
        monkeypatch.setattr("builtins.input", lambda question: reply)
        assert layers_here.ask_in_terminal("Run?") is yes

    def test_a_full_sandbox_asks_nobody(self, monkeypatch):
        monkeypatch.setattr(layers_here, "missing", list)
        layers_here.require_leave(lambda question: pytest.fail("asked"))
