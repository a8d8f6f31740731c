"""Run a lab's steps in order, remember each finished one, write the record at the end.

A step is a function of the :class:`~lab_helpers.course.record.Run`; steps hand results to each
other only through ``run.metrics``, ``run.tables`` and files in ``run.folder``, so that an
interrupted run goes on after its last finished step.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab_helpers.course.language import Text
from lab_helpers.course.record import Run, run_name, runs_folder, versions
from lab_helpers.course.registry import Lab
from lab_helpers.runtime.files import content_key, hash_of, read_json, write_json
from lab_helpers.runtime.memory import PeakMemory
from lab_helpers.runtime.paths import writable
from lab_helpers.runtime.profiles import Profile
from lab_helpers.runtime.seeds import seed_everything


@dataclass(frozen=True)
class Step:
    """A named piece of a lab. ``work(run)`` measures and returns nothing."""

    name: str
    title: Text
    work: Callable[[Run], None]


def start_run(
    lab: str,
    profile: Profile,
    seed: int,
    out: Path | None = None,
    model: str | None = None,
    data: Path | None = None,
    source: str = "headless",
) -> tuple[Run, Path]:
    """A :class:`Run` with its working folder, and the folder where the finished record belongs.

    An unfinished earlier run of the same lab, settings, data and versions is taken up again.
    """
    data_key = hash_of(data) if data else None
    key = content_key(lab, profile.name, profile.lab(lab), seed, model, data_key, versions())
    extra = content_key(model, data_key)[:8] if model or data else ""
    final = runs_folder(out) / run_name(lab, profile.name, seed, source, extra)
    working = final.with_name(final.name + ".partial")
    run = Run(lab, profile, seed, working, model, data, source)
    state = read_json(working / "state.json", {})
    if state.get("key") == key and state["done"] and source == "headless":
        run.metrics, run.tables = state["metrics"], state["tables"]
        run.artifacts, run.seconds = state["artifacts"], state["seconds"]
        run.peak_rss_mb = state["peak_rss_mb"]
    else:
        shutil.rmtree(working, ignore_errors=True)
        writable(working)
        write_json(working / "state.json", {"key": key, "done": []})
    return run, final


def run_steps(
    lab: Lab,
    run: Run,
    final: Path,
    on_step: Callable[[str, int, int], None] = lambda title, done, total: None,
) -> dict:
    """Do all steps that are not done yet, then write the record and return it."""
    steps = lab.headless().STEPS
    state_path = run.folder / "state.json"
    state = read_json(state_path, {"done": []})
    for number, step in enumerate(steps):
        on_step(str(step.title), number, len(steps))
        if step.name in state["done"]:
            continue
        seed_everything(run.seed)
        started = time.perf_counter()
        with PeakMemory() as peak:
            step.work(run)
        run.seconds += time.perf_counter() - started
        run.peak_rss_mb = max(run.peak_rss_mb, peak.megabytes)
        state["done"].append(step.name)
        state.update(
            metrics=run.metrics,
            tables=run.tables,
            artifacts=run.artifacts,
            seconds=run.seconds,
            peak_rss_mb=run.peak_rss_mb,
        )
        write_json(state_path, state)
    on_step("", len(steps), len(steps))
    return finish_run(run, final)


def finish_run(run: Run, final: Path) -> dict:
    """Write the record and put the working folder in the place of an older finished run."""
    record = run.record()
    record["artifacts"] = [str(final / name) for name in run.artifacts]
    write_json(run.folder / "record.json", record)
    (run.folder / "state.json").unlink(missing_ok=True)
    old = final.with_name(final.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    run.folder.rename(final)
    shutil.rmtree(old, ignore_errors=True)
    run.folder = final
    return record
