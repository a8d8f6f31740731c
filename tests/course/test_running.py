"""``labs run`` on a lab's cells: one namespace, sections in the record, failures named by their heading."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest

from lab_helpers.course import progress
from lab_helpers.course.registry import get_lab
from lab_helpers.course.running import run_measurement, run_program
from lab_helpers.course.runs import latest_records, load_records, start_run
from lab_helpers.course.session import Request
from lab_helpers.runtime.errors import BadInput, LabError, MissingDependency
from lab_helpers.runtime.paths import home
from lab_helpers.runtime.profiles import load_profile
from lab_helpers.runtime.progress import report_with

OPEN = 'from lab_helpers import open_lab\nlab = open_lab("02")'


@pytest.fixture
def run(tmp_path):
    """``run("# Heading", "code", …)``: the record of a copy with these cells."""

    def start(*cells, opening: str = OPEN, **options) -> dict:
        new = nbformat.v4
        made = [new.new_code_cell(opening)]
        made += [
            (new.new_markdown_cell if text.startswith("#") else new.new_code_cell)(text)
            for text in cells
        ]
        path = tmp_path / "mine.ipynb"
        nbformat.write(new.new_notebook(cells=made), path)
        return run_program(path, Request(load_profile("tiny"), copy=path, **options))

    return start


def test_cells_share_one_namespace_and_the_lab(run):
    record = run("# One", "import time; time.sleep(0.11); x = 20", "# Two", "def double(): return 2 * x", "lab.measured(energy_top_8=double())")  # fmt: skip
    assert record["metrics"] == {"energy_top_8": 40}
    assert record["lab"] == "02"
    assert record["source"] == "headless"
    assert record["seconds"] >= 0.1
    assert record["peak_rss_mb"] > 0


def test_the_record_has_a_row_for_each_section(run):
    sections = run("# One", "import time; time.sleep(0.11)", "## Two", "y = 1")["sections"]
    assert [section["title"] for section in sections] == ["mine", "One", "Two"]
    assert sections[1]["seconds"] >= 0.1
    assert all(section["peak_rss_mb"] > 0 for section in sections)


def test_a_copy_has_a_folder_of_its_own_and_is_not_the_shipped_lab(run):
    record = run("lab.measured(energy_top_8=0.5)", "lab.verdict()")
    folder = home() / "runs" / "02-tiny-seed0-mine"
    assert json.loads((folder / "record.json").read_text()) == record
    assert record["copy"].endswith("mine.ipynb")
    assert record["outside"] == [], "bands are of the shipped lab"
    assert [r["lab"] for r in load_records()] == ["02"]
    assert latest_records() == {}, "the ledger is of the shipped labs"


def test_the_record_comes_even_without_a_verdict_cell_and_holds_what_follows_one(run):
    assert run("lab.measured(a=1)")["metrics"] == {"a": 1}
    record = run("lab.measured(a=1)", "lab.verdict()", "# After", "lab.measured(b=2)")
    assert record["metrics"] == {"a": 1, "b": 2}
    assert [section["title"] for section in record["sections"]] == ["mine", "After"]


def test_what_cells_print_is_kept_beside_the_record_and_not_printed(run, capsys):
    record = run("# One", "print('hello')\nlab.table([{'a': 1}])", "!ls")
    [path] = [a for a in record["artifacts"] if a.endswith("output.txt")]
    kept = Path(path).read_text(encoding="utf-8")
    assert "## One" in kept
    assert "hello" in kept
    assert "| a |" in kept
    assert "Left out, for Jupyter only: cell 4: !ls" in kept
    assert capsys.readouterr().out == ""


FAILING = {
    "error": ("x = 1\nx / 0", BadInput, "ZeroDivisionError: division by zero, line 2"),
    "in a function": ("def f():\n    return missing\nf()", BadInput, "'missing' is not defined, line 2"),
    "syntax": ("x = (", BadInput, "SyntaxError"),
    "mistake": ("from lab_helpers.runtime.errors import MissingDependency\nraise MissingDependency('no GPU', 'Buy one.')", MissingDependency, "no GPU. Buy one."),
    "exit": ("exit(3)", BadInput, "SystemExit"),
}  # fmt: skip


@pytest.mark.parametrize(("cell", "kind", "message"), FAILING.values(), ids=FAILING.keys())
def test_a_failing_cell_is_named_by_its_heading(run, cell, kind, message):
    with pytest.raises(LabError) as failed:
        run("# One", "y = 1", "## Build: **it**", cell)
    assert type(failed.value) is kind
    assert 'mine.ipynb, "Build: it" (cell 5): ' in str(failed.value)
    assert message in str(failed.value)
    assert "\n" not in str(failed.value)


def test_what_was_printed_before_a_failure_is_kept_with_its_traceback(run):
    with suppress(BadInput):
        run("print('so far')", "1 / 0")
    [kept] = (home() / "runs").glob("02-tiny-seed0-mine.partial-*/output.txt")
    assert "so far" in kept.read_text()
    assert "Traceback" in kept.read_text()


def test_an_interrupt_is_an_interrupt(run):
    with pytest.raises(KeyboardInterrupt):
        run("raise KeyboardInterrupt")


def test_an_unknown_lab_number_is_refused_by_the_cell_that_names_it(run):
    with pytest.raises(BadInput, match=r"cell 1.*unknown lab '77'") as refused:
        run(opening='from lab_helpers import open_lab\nlab = open_lab("77")')
    assert "Use one of: 00" in refused.value.fix


def test_a_lab_that_is_never_reached_is_said(run):
    with pytest.raises(BadInput, match="has opened no lab"):
        run(opening='if False:\n    from lab_helpers import open_lab\n    open_lab("02")')


def test_the_command_line_wins_over_the_cell(run):
    opening = (
        'from lab_helpers import open_lab\nlab = open_lab("02", profile="gpu", seed=9, lang="ja")'
    )
    record = run("lab.measured(a=lab.seed)", opening=opening, seed=4)
    assert (record["profile"], record["seed"], record["metrics"]) == ("tiny", 4, {"a": 4})


def test_fresh_reaches_the_run(run):
    assert run("lab.measured(fresh=int(lab.run.fresh))", fresh=True)["metrics"]["fresh"] == 1


def test_progress_titles_are_the_headings(run):
    class Seen:
        titles: list = []  # noqa: RUF012

        def __call__(self, label, done, total): ...

        def section(self, title, done, total):
            self.titles.append((title, done, total))

    with report_with(Seen()):
        run("# One", "x = 1", "# Two", "x = 2")
    assert Seen.titles == [("mine", 0, 3), ("One", 1, 3), ("Two", 2, 3)]


def test_dataclasses_and_pickles_find_the_cells_as_main(run):
    run(
        "from __future__ import annotations\nfrom dataclasses import dataclass, field\n"
        "@dataclass\nclass P:\n    x: int = 0\n    y: list = field(default_factory=list)",
        "import pickle\nassert pickle.loads(pickle.dumps(P(3))).x == 3",
    )
    assert sys.modules["__main__"].__name__ == "__main__"


def test_quiz_and_exercises_work_without_a_front_end(run):
    run("def merge(W, A, B, alpha, r): ...", "merge = lab.check('merge', merge)", "lab.quiz()")
    assert progress.load()["02"]["exercises"]["merge"] == "unanswered"


# --- two at once, and folders that cannot be written -------------------------------------------------


def test_two_runs_of_one_lab_at_once_do_not_meet(monkeypatch):
    profile = load_profile("tiny")
    first, final = start_run("02", profile)
    monkeypatch.setattr(os, "getpid", lambda: os.getppid())
    second, same_final = start_run("02", profile)
    assert final == same_final
    assert first.folder != second.folder
    assert first.folder.is_dir()
    assert second.folder.is_dir()


def test_what_a_dead_process_left_is_taken_away(monkeypatch):
    left = home() / "runs" / "02-tiny-seed0.partial-999999999"
    left.mkdir(parents=True)
    start_run("02", load_profile("tiny"))
    assert not left.exists()


def test_a_results_folder_that_cannot_be_written_is_refused(run, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(BadInput, match="cannot write to"):
        run("x = 1", out=tmp_path / "taken")


def test_a_finished_run_is_replaced_only_by_a_finished_run(run):
    run("lab.measured(value=1)")
    with suppress(BadInput):
        run("lab.measured(value=2)", "1 / 0")
    assert load_records()[-1]["metrics"] == {"value": 1}
    run("lab.measured(more=3)")
    assert load_records()[-1]["metrics"] == {"more": 3}


# --- measurements without a notebook -----------------------------------------------------------------


def test_measurements_on_own_data_are_recorded_with_their_sections(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("text,label\na,b\n")

    def measure(run):
        with run.section("Reading"):
            print("on standard output only the record may stand")
            run.measured(rows=1)

    request = Request(load_profile("tiny"))
    record = run_measurement(get_lab("01"), measure, request, path)
    assert record["metrics"] == {"rows": 1}
    assert record["data"] == str(path)
    assert [section["title"] for section in record["sections"]] == ["Reading"]
    assert latest_records() == {}
