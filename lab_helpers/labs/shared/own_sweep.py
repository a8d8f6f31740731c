"""``labs sweep``: settings for the user's own file, searched on rows that nothing is reported on later."""

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lab_helpers.course.record import Run
from lab_helpers.data.forms.reading_options import ReadingOptions
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.own_cleaning import split_own_rows
from lab_helpers.labs.shared.own_rows import OwnRows, prepare_own_rows
from lab_helpers.runtime.files import content_key, hash_of, write_json, write_text
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import home
from lab_helpers.runtime.progress import note
from lab_helpers.tuning.sweep_space import SweepSpace, fitting_targets, settings_code

FEWEST_ROWS = 30
"""Fewer leave a handful of validation rows, whose loss says nothing about settings."""
ROWS_A_STEP = 8
RATE_SPAN = 10
"""Learning rates are drawn from the profile's divided by this to the profile's times this."""


@dataclass(frozen=True)
class Sweep:
    """What a sweep needs before the first trial: rows, search space, shared settings, and where it lies."""

    run: Run
    rows: OwnRows  # its test rows are the validation rows of the search
    space: SweepSpace
    training: dict[str, Any]
    about: dict[str, Any]
    where: str

    @property
    def usual(self) -> dict[str, Any]:
        """What ``labs run 04 --data`` would take: the first trial, so that the search has to beat it."""
        settings = self.run.settings
        return {
            "r": settings["rank"],
            "alpha_over_r": 2,
            "targets": "all-linear",
            "dropout": 0.0,
            "learning_rate": settings["learning_rate"],
        }


def prepare_sweep(run: Run, study: str | None) -> Sweep:
    """Read and split the run's file; counts and warnings go into the run.

    The rows on which ``labs run 04 --data`` reports are set aside with the same seed and not looked at.
    """
    assert run.data is not None
    rows = prepare_own_rows(run, FEWEST_ROWS)
    split = split_own_rows(rows.train, run.seed)
    learned = replace(rows, train=split["train"], test=split["test"])
    run.measured(
        user_train_rows=len(split["train"]),
        user_validation_rows=len(split["test"]),
        user_rows_set_aside=len(rows.test),
    )
    rate = run.settings["learning_rate"]
    space = SweepSpace(
        targets=fitting_targets(load_model(run)[0]),
        learning_rates=(rate / RATE_SPAN, rate * RATE_SPAN),
    )
    training = {
        "max_steps": run.settings["own_steps"],
        "per_device_train_batch_size": run.settings["batch_size"],
        "gradient_accumulation_steps": max(1, ROWS_A_STEP // run.settings["batch_size"]),
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.1,
        "max_length": rows.max_length,
    }
    about = {
        "space": space.as_json(),
        "data": hash_of(run.data)[:16],
        "reading": _reading(run.options),
        "model": _model_anywhere(run.model_name),
        "training": training,
        "seed": run.seed,
    }
    where = study or str(sweeps_folder() / f"{run.data.stem}-{content_key(about)[:8]}.db")
    return Sweep(run, learned, space, training, about, where)


def _model_anywhere(name: str) -> str:
    """A model's name that other machines share: of a folder its own name and what its configuration says."""
    config = Path(name) / "config.json"
    return f"{Path(name).name} {hash_of(config)[:8]}" if config.is_file() else name


def _reading(options: ReadingOptions) -> dict[str, Any]:
    """What was said about reading the file, as a study remembers it: JSON knows no tuples."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(options).items()
        if value
    }


def sweeps_folder() -> Path:
    """Where studies and their results lie without another wish."""
    return home() / "sweeps"


def open_sweep(sweep: Sweep, pruner: str = "median"):
    """The study of ``sweep``, new or gone on with; the usual settings are its first trial."""
    from lab_helpers.tuning.sweep import make_pruner, open_study

    return open_study(
        sweep.where, "labs sweep", sweep.about, sweep.run.seed, make_pruner(pruner), first=sweep.usual
    )  # fmt: skip


def work_on(study, sweep: Sweep, trials: int) -> None:
    """Train trials until the study has ``trials``, together with whoever else works on it."""
    from lab_helpers.tuning.sweep import run_trials
    from lab_helpers.tuning.sweep_training import sweep_objective

    objective = sweep_objective(
        lambda: load_model(sweep.run),
        sweep.rows.train,
        sweep.rows.test,
        sweep.space,
        sweep.run.machine,
        sweep.training,
    )
    run_trials(study, objective, trials, sweep.where, after=lambda study: note(_progress(study)))


def _progress(study) -> str:
    """One line after a trial: how many ended, and the lowest loss."""
    from lab_helpers.tuning.sweep_results import trial_rows

    rows = trial_rows(study)
    losses = [row["loss"] for row in rows if row["state"] == "complete"]
    best = f"{min(losses):.3f}" if losses else "–"
    pruned = sum(row["state"] == "pruned" for row in rows)
    return say(
        f"{len(rows)} trials ended, {pruned} of them stopped early; lowest validation loss {best}",
        f"試行 {len(rows)} 件が終了、うち {pruned} 件は途中で打ち切り。検証データの最小の損失 {best}",
    )


@dataclass(frozen=True)
class Found:
    """What a study found: rows of trials, the best one's settings as code, what mattered, what pruning saved."""

    rows: list[dict]
    best: dict
    usual_loss: float | None
    importance: dict[str, float]
    pruned: int
    saved_seconds: float
    still_running: int
    code: str

    def as_json(self) -> dict:
        """Plain data for ``--json``; a loss that is not finite is ``null`` there."""
        plain = asdict(self)
        rows = plain.pop("rows")
        return {"trials": [_finite(row) for row in rows], **plain}


def _finite(row: dict) -> dict:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def sweep_findings(study, sweep: Sweep) -> Found:
    """What the study of ``sweep`` found so far."""
    from lab_helpers.tuning.sweep_results import (
        best_trial,
        count_running,
        importances,
        pruning_savings,
        trial_rows,
    )

    rows, best, saved = trial_rows(study), best_trial(study), pruning_savings(study)
    usual = [row["loss"] for row in rows if row["state"] == "complete" and all(row[k] == v for k, v in sweep.usual.items())]  # fmt: skip
    precision = {name: sweep.run.machine[name] for name in ("bf16", "fp16", "use_cpu")}
    return Found(
        rows,
        {"trial": best.number, "loss": best.value, **best.params},
        usual[0] if usual else None,
        importances(study),
        saved.trials,
        saved.seconds,
        count_running(study),
        settings_code(best.params, sweep.training | precision),
    )


def write_findings(found: Found, sweep: Sweep, folder: Path) -> list[Path]:
    """``settings.py``, ``trials.json`` and the figures, in ``folder``; their paths."""
    from lab_helpers.figures.display import png
    from lab_helpers.figures.sweeps import parallel_coordinates, setting_importances, trial_curves
    from lab_helpers.runtime.files import write_bytes

    names = list(sweep.usual)
    figures = {
        "settings": parallel_coordinates(found.rows, names),
        "losses": trial_curves(found.rows),
    }
    if found.importance:
        figures["importance"] = setting_importances(found.importance)
    paths = [
        write_text(folder / "settings.py", found.code + "\n"),
        write_json(folder / "trials.json", found.as_json()),
    ]
    return paths + [write_bytes(folder / f"{name}.png", png(one)) for name, one in figures.items()]


def results_folder(sweep: Sweep, out: Path | None) -> Path:
    """``out``, else a folder named as the study beside the others."""
    from lab_helpers.tuning.sweep_storage import file_of

    file = file_of(sweep.where)
    name = file.stem if file else f"server-{content_key(sweep.about)[:8]}"
    return out or sweeps_folder() / name
