"""Where runs lie on disk: a working folder while one goes on, its record and artifacts afterwards."""

import os
import re
import shutil
from dataclasses import asdict
from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.data.forms.reading_options import AS_FOUND, ReadingOptions
from lab_helpers.runtime.files import content_key, hash_of, read_json, write_json
from lab_helpers.runtime.language import set_main_language
from lab_helpers.runtime.paths import home, writable
from lab_helpers.runtime.profiles import Profile

_WORKING = re.compile(r"\.partial-(\d+)$")


def start_run(
    lab: str,
    profile: Profile,
    seed: int = 0,
    out: Path | None = None,
    *,
    model: str | None = None,
    data: Path | None = None,
    copy: Path | None = None,
    source: str = "headless",
    fresh: bool = False,
    options: ReadingOptions = AS_FOUND,
) -> tuple[Run, Path]:
    """A :class:`Run` with an empty working folder, and the folder where the finished record belongs.

    The working folder belongs to this process, so that two runs of one lab at once do not meet; what
    processes that are gone have left is taken away. A results folder that cannot be written to is a
    :class:`~lab_helpers.runtime.errors.BadInput`.
    """
    own = [model, hash_of(data) if data else None, *([asdict(options)] if options.given() else [])]
    extra = content_key(*own)[:8] if model or data else ""
    extra = "-".join(part for part in (copy.stem if copy else "", extra) if part)
    final = runs_folder(out) / run_name(lab, profile.name, seed, source, extra)
    _take_away_leftovers(final)
    working = final.with_name(f"{final.name}.partial-{os.getpid()}")
    shutil.rmtree(working, ignore_errors=True)
    run = Run(lab, profile, seed, writable(working), model, data, copy, source, fresh, options)
    set_main_language(run.language)
    return run, final


def _take_away_leftovers(final: Path) -> None:
    import psutil

    for folder in final.parent.glob(f"{final.name}.partial-*"):
        owner = _WORKING.search(folder.name)
        if owner and not psutil.pid_exists(int(owner[1])):
            shutil.rmtree(folder, ignore_errors=True)


def finish_run(run: Run, final: Path) -> dict:
    """Write the record and put the working folder in the place of an older finished run.

    A run that is finished already gets its record written again, with what has come since.
    """
    record = run.record()
    record["artifacts"] = [str(final / name) for name in run.artifacts]
    write_json(run.folder / "record.json", record)
    if run.folder == final:
        return record
    old = final.with_name(f"{final.name}.old-{os.getpid()}")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        final.rename(old)
    run.folder.rename(final)
    shutil.rmtree(old, ignore_errors=True)
    run.folder = final
    return record


def run_name(lab: str, profile: str, seed: int, source: str = "headless", extra: str = "") -> str:
    """The folder name of a run. ``extra`` sets runs on the user's own data, model or copy apart."""
    parts = [lab, profile, f"seed{seed}"]
    parts += [extra] if extra else []
    parts += [source] if source != "headless" else []
    return "-".join(parts)


def runs_folder(out: Path | None = None) -> Path:
    """The folder of all runs, created where it is missing."""
    return writable(out or home() / "runs")


def load_records(out: Path | None = None) -> list[dict]:
    """All finished records, oldest first. Damaged files are left out."""
    folder = out or home() / "runs"
    records = [read_json(path, None) for path in sorted(folder.glob("*/record.json"))]
    return sorted((r for r in records if r), key=lambda r: r.get("finished", ""))


def is_shipped(record: dict) -> bool:
    """Whether a record is of the shipped lab, on shipped data and models."""
    return all(record.get(name) is None for name in ("model", "data", "copy"))


def latest_records(out: Path | None = None) -> dict[str, dict]:
    """The newest record of each shipped lab: ``{"01": {…}}``."""
    return {record["lab"]: record for record in load_records(out) if is_shipped(record)}
