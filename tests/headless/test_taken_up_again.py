"""A headless run that was interrupted goes on after its last finished step."""

import json
from types import SimpleNamespace

import pytest

from lab_helpers.course.running import Step, run_steps, start_run
from lab_helpers.runtime.language import Text
from lab_helpers.runtime.profiles import load_profile


class Interrupted(Exception):
    """Stands for Ctrl-C or a lost session."""


def lab_of(*works):
    """A lab whose steps are the given functions of the run."""
    steps = tuple(Step(f"step{n}", Text(f"step {n}", ""), work) for n, work in enumerate(works))
    return SimpleNamespace(number="01", headless=lambda: SimpleNamespace(STEPS=steps))


def stop(run):
    raise Interrupted


def begin(tmp_path, seed: int = 0):
    return start_run("01", load_profile("tiny"), seed, out=tmp_path)


def test_finished_steps_are_not_done_again(tmp_path):
    done = []

    def first(run):
        done.append("first")
        run.measured(one=1.5)
        run.table("rows", [{"n": 1}])
        run.artifact(run.folder / "figure.png")

    run, final = begin(tmp_path)
    with pytest.raises(Interrupted):
        run_steps(lab_of(first, stop), run, final)
    assert not final.exists()
    run, final = begin(tmp_path)
    assert run.metrics == {"one": 1.5}
    record = run_steps(lab_of(first, lambda run: run.measured(two=2)), run, final)
    assert done == ["first"]
    assert record["metrics"] == {"one": 1.5, "two": 2}
    assert record["tables"] == {"rows": [{"n": 1}]}
    assert record["artifacts"] == [str(final / "figure.png")]
    assert json.loads((final / "record.json").read_text()) == record
    assert [p.name for p in tmp_path.iterdir()] == [final.name]


def test_a_run_interrupted_in_its_first_step_starts_again(tmp_path):
    run, final = begin(tmp_path)
    with pytest.raises(Interrupted):
        run_steps(lab_of(stop), run, final)
    run, final = begin(tmp_path)
    record = run_steps(lab_of(lambda run: run.measured(one=1)), run, final)
    assert record["metrics"] == {"one": 1}


def test_an_interrupted_step_leaves_nothing_of_itself_behind(tmp_path):
    def half(run):
        run.measured(half=1)
        raise Interrupted

    run, final = begin(tmp_path)
    with pytest.raises(Interrupted):
        run_steps(lab_of(lambda run: run.measured(one=1), half), run, final)
    run, _ = begin(tmp_path)
    assert run.metrics == {"one": 1}


def test_another_seed_does_not_take_it_up(tmp_path):
    run, final = begin(tmp_path, seed=0)
    with pytest.raises(Interrupted):
        run_steps(lab_of(lambda run: run.measured(one=1), stop), run, final)
    run, _ = begin(tmp_path, seed=1)
    assert run.metrics == {}


def test_a_finished_run_is_replaced_only_by_a_finished_run(tmp_path):
    run, final = begin(tmp_path)
    run_steps(lab_of(lambda run: run.measured(value=1)), run, final)
    run, final = begin(tmp_path)
    assert run.metrics == {}
    with pytest.raises(Interrupted):
        run_steps(lab_of(lambda run: run.measured(value=2), stop), run, final)
    assert json.loads((final / "record.json").read_text())["metrics"] == {"value": 1}
    run, final = begin(tmp_path)
    run_steps(lab_of(stop, lambda run: run.measured(more=3)), run, final)
    record = json.loads((final / "record.json").read_text())
    assert record["metrics"] == {"value": 2, "more": 3}
    assert [p.name for p in tmp_path.iterdir()] == [final.name]
