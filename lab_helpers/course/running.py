"""Run a lab's program without Jupyter: its cells in order, in one namespace, with the same ``lab`` object.

What the cells print goes to ``output.txt`` beside the record; the terminal belongs to the progress.
"""

import io
import linecache
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from lab_helpers.course.program import Cell, Section, read_program
from lab_helpers.course.record import Run, timed_section
from lab_helpers.course.registry import Lab
from lab_helpers.course.runs import finish_run, start_run
from lab_helpers.course.session import Request, requested
from lab_helpers.runtime.errors import BadInput, LabError
from lab_helpers.runtime.files import write_text
from lab_helpers.runtime.language import say
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.trainer_config import explain_unknown_setting

OUTPUT = "output.txt"


def run_program(path: Path, request: Request) -> dict:
    """Run the lab in ``path`` as ``request`` asks; its record.

    A cell that fails ends the run with one sentence that names its heading, as a :class:`LabError`
    whose exit code is the failure's own; what was printed until then lies in the run's folder.
    """
    os.environ.setdefault("MPLBACKEND", "agg")
    sections = read_program(path)
    printed = io.StringIO()
    with requested(request), _as_main() as namespace, redirect_stdout(printed):
        try:
            for number, section in enumerate(sections):
                _run_section(section, number, len(sections), path, namespace, request)
        finally:
            if request.opened:
                _keep_output(request.opened.run, printed.getvalue())
        if request.opened is None:
            raise BadInput(
                say(
                    f"{path.name} has opened no lab",
                    f"{path.name} の実行中にラボが開かれませんでした",
                ),
                say(
                    "Its open_lab(...) was never reached.",
                    "open_lab(...) まで実行が届いていません。",
                ),
            )
        return request.opened.finish()


def _run_section(
    section: Section, number: int, total: int, path: Path, namespace: dict, request: Request
) -> None:
    print(f"\n## {section.title}")
    for line in section.left_out:
        print(say(f"Left out, for Jupyter only: {line}", f"Jupyter 専用のため省略: {line}"))
    with timed_section(section.title, number, total) as taken:
        for cell in section.cells:
            _run_cell(cell, section, path, namespace)
    if request.opened:
        request.opened.run.sections.append(taken)


def _run_cell(cell: Cell, section: Section, path: Path, namespace: dict) -> None:
    name = f"<{path.name} cell {cell.number}>"
    linecache.cache[name] = (len(cell.source), None, cell.source.splitlines(True), name)
    try:
        exec(compile(cell.source, name, "exec"), namespace)
    except KeyboardInterrupt:
        raise
    except LabError as error:
        raise _failed(type(error), cell, section, path, error.what, error.fix) from None
    except (Exception, SystemExit) as error:  # the learner's code may raise anything
        told = explain_unknown_setting(error)
        if told:
            raise _failed(BadInput, cell, section, path, told.what, told.fix) from None
        traceback.print_exc(file=sys.stdout)
        line = _line_in(name, error)
        at = say(f", line {line}", f"、{line} 行目") if line else ""
        what = f"{type(error).__name__}: {error}{at}"
        raise _failed(BadInput, cell, section, path, what, say("Mend the cell.", "セルを直してください。")) from None  # fmt: skip


def _failed(kind: type[LabError], cell: Cell, section: Section, path: Path, what: str, fix: str):
    where = say(
        f'{path.name}, "{section.title}" (cell {cell.number}): ',
        f"{path.name}「{section.title}」（セル {cell.number}）: ",
    )
    return kind(where + what, fix)


def _line_in(name: str, error: BaseException) -> int | None:
    """The line of the cell at which ``error`` was raised, or at which it is no Python."""
    if isinstance(error, SyntaxError) and error.filename == name:
        return error.lineno
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == name]
    return lines[-1] if lines else None


@contextmanager
def _as_main() -> Iterator[dict]:
    """A namespace that is ``__main__`` while inside, as a notebook's is: pickling and dataclasses look there."""
    module, before = types.ModuleType("__main__"), sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        yield module.__dict__
    finally:
        sys.modules["__main__"] = before


def _keep_output(run: Run, text: str) -> None:
    write_text(run.folder / OUTPUT, text)
    run.artifact(Path(OUTPUT))


def run_measurement(
    lab: Lab, measure: Callable[[Run], None], request: Request, data: Path | None = None
) -> dict:
    """Run ``measure(run)``, measurements without a notebook, such as those on ``--data``; the record."""
    run, final = start_run(
        lab.number,
        request.profile,
        request.seed,
        request.out,
        model=request.model,
        data=data,
        fresh=request.fresh,
        options=request.options,
    )
    seed_everything(run.seed)
    with timed_section(str(lab.title), 0, 0) as taken, redirect_stdout(io.StringIO()) as printed:
        measure(run)
    _keep_output(run, printed.getvalue())
    run.sections = run.sections or [taken]
    run.seconds, run.peak_rss_mb = taken["seconds"], taken["peak_rss_mb"]
    return finish_run(run, final)
