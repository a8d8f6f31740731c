"""The result record: what one run of one lab measured, the same from a notebook and headless."""

import io
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from lab_helpers.course import claims
from lab_helpers.course.bands import outside_band
from lab_helpers.course.registry import get_lab
from lab_helpers.data.forms.reading_options import AS_FOUND, ReadingOptions
from lab_helpers.runtime.files import write_bytes
from lab_helpers.runtime.language import language
from lab_helpers.runtime.memory import PeakMemory
from lab_helpers.runtime.paths import trainings_folder
from lab_helpers.runtime.profiles import Profile
from lab_helpers.runtime.progress import report_section
from lab_helpers.tuning.trainers import Tuned
from lab_helpers.tuning.training_store import TrainingStore

RECORDED_PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "trl",
    "bitsandbytes",
    "datasets",
    "sentence-transformers",
    "scikit-learn",
)


def versions() -> dict[str, str]:
    """Installed versions of the packages that decide a result."""
    found = {"python": platform.python_version()}
    for name in RECORDED_PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


@contextmanager
def timed_section(title: str, done: int = 0, total: int = 0) -> Iterator[dict]:
    """Show ``title`` on the progress bar; afterwards the dict holds seconds and peak memory in MB."""
    report_section(title, done, total)
    taken: dict = {"title": title}
    started = time.perf_counter()
    with PeakMemory() as peak:
        yield taken
    taken["seconds"] = round(time.perf_counter() - started, 1)
    taken["peak_rss_mb"] = round(peak.megabytes)


@dataclass
class Run:
    """One run of one lab: what it was asked, where it writes, what it has measured so far.

    ``model`` and ``data`` are what the user gave with ``--model`` and ``--data``, ``options`` how that data
    is to be read, ``copy`` the file of a learner's own edited lab, else ``None``; ``folder`` holds figures and other artifacts until the
    record is written; ``fresh`` trains anew what is remembered.
    """

    lab: str
    profile: Profile
    seed: int
    folder: Path
    model: str | None = None
    data: Path | None = None
    copy: Path | None = None
    source: str = "headless"
    fresh: bool = False
    options: ReadingOptions = AS_FOUND
    metrics: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict)
    artifacts: list[str] = field(default_factory=list)
    sections: list[dict] = field(default_factory=list)
    trainings: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    peak_rss_mb: float = 0.0

    @property
    def settings(self) -> dict:
        """This lab's table in the profile: sizes, learning rates, languages."""
        return self.profile.lab(self.lab)

    @property
    def language(self) -> str:
        """The language of the main experiment: the edition's, where the profile's model reads it."""
        if (
            "languages" in self.settings
        ):  # a lab that still names its languages itself, English first
            return self.settings["languages"][0]
        wanted = language()
        return wanted if wanted in self.profile.languages else self.profile.languages[0]

    @property
    def model_name(self) -> str:
        """The model this run is about: ``--model``, else the profile's of the lab's kind."""
        if self.model:
            return self.model
        encoder = get_lab(self.lab).model_kind == "encoder"
        return self.profile.encoder if encoder else self.profile.language_model

    @property
    def precision(self) -> str:
        """The precision to train in, as the lab or else the profile asks for it."""
        return self.settings.get("precision", self.profile.precision)

    @property
    def machine(self) -> dict:
        """What any ``SFTConfig`` or ``DPOConfig`` of this run needs on this machine; imports transformers."""
        from lab_helpers.tuning.trainer_config import machine_settings

        return machine_settings(self.folder / "training", self.precision, self.seed)

    @property
    def shipped(self) -> bool:
        """True while nothing of the user's own is measured, so that bands apply."""
        return self.model is None and self.data is None and self.copy is None

    def train(self, trainer, label: str | None = None, *, diverged: str = "raise") -> Tuned:
        """``trainer.train()`` with progress, a clean stop and a memory; the record says what was loaded.

        ``label`` stands on the progress bar; ``diverged`` as in
        :func:`~lab_helpers.tuning.trainers.run_trainer`.
        """
        label = label or type(trainer).__name__.removesuffix("Trainer")
        store = TrainingStore(trainings_folder())
        tuned = store.train(trainer, label, diverged=diverged, fresh=self.fresh)
        steps = tuned.log[-1]["step"] if tuned.log else 0
        self.trainings.append(
            {"name": label, "steps": steps, "seconds": round(tuned.seconds, 1), "came": tuned.came}
        )
        return tuned

    @contextmanager
    def section(self, title: str) -> Iterator[None]:
        """A titled stretch of a run without a notebook; the record gets its seconds and peak memory."""
        with timed_section(title) as taken:
            yield
        self.sections.append(taken)

    def measured(self, **metrics) -> None:
        """Add metrics: floats, ints, strings, or ``[low, high]`` for keys ending in ``_ci``."""
        for name, value in metrics.items():
            self.metrics[name] = _plain(value)

    def table(self, name: str, rows: list[dict]) -> None:
        """Keep a small table (a list of flat dicts) for the report."""
        self.tables[name] = [{key: _plain(value) for key, value in row.items()} for row in rows]

    def figure(self, name: str, figure) -> Path:
        """Save a matplotlib figure as ``name.png`` among the artifacts."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
        path = write_bytes(self.folder / f"{name}.png", buffer.getvalue())
        self.artifact(path)
        return path

    def artifact(self, path: Path) -> None:
        """Keep a file or folder of the run's folder with the record."""
        if path.name not in self.artifacts:
            self.artifacts.append(path.name)

    def record(self) -> dict:
        """The record as plain data, verdicts and bands included."""
        return {
            "lab": self.lab,
            "profile": self.profile.name,
            "language": self.language,
            "seed": self.seed,
            "source": self.source,
            "model": self.model,
            "data": str(self.data) if self.data else None,
            "copy": str(self.copy) if self.copy else None,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "seconds": round(self.seconds, 1),
            "peak_rss_mb": round(self.peak_rss_mb),
            "sections": self.sections,
            "trainings": self.trainings,
            "versions": versions(),
            "metrics": self.metrics,
            "tables": self.tables,
            "claims": claims.verdicts(self.lab, self.metrics),
            "outside": outside_band(self.profile.name, self.lab, self.metrics)
            if self.shipped
            else [],
        }


def _plain(value):
    """``value`` as JSON can hold it: NumPy and torch scalars become floats, rounded to 6 digits."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    number = float(value)
    return float(f"{number:.6g}")
