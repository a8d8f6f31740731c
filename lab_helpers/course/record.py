"""The result record: what one run of one lab measured, the same from a notebook and headless."""

import io
import platform
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from lab_helpers.course import claims
from lab_helpers.course.bands import outside_band
from lab_helpers.runtime.files import read_json, write_bytes
from lab_helpers.runtime.paths import home, writable
from lab_helpers.runtime.profiles import Profile

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


@dataclass
class Run:
    """One run of one lab: what it was asked, where it writes, what it has measured so far.

    ``model`` and ``data`` are what the user gave with ``--model`` and ``--data``, else ``None``;
    ``folder`` holds figures and other artifacts until the record is written.
    """

    lab: str
    profile: Profile
    seed: int
    folder: Path
    model: str | None = None
    data: Path | None = None
    source: str = "headless"
    metrics: dict = field(default_factory=dict)
    tables: dict = field(default_factory=dict)
    artifacts: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak_rss_mb: float = 0.0

    @property
    def sizes(self) -> dict:
        """This lab's table in the profile."""
        return self.profile.lab(self.lab)

    @property
    def shipped(self) -> bool:
        """True while nothing of the user's own is measured, so that bands apply."""
        return self.model is None and self.data is None

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
        if path.name not in self.artifacts:
            self.artifacts.append(path.name)

    def record(self) -> dict:
        """The record as plain data, verdicts and bands included."""
        return {
            "lab": self.lab,
            "profile": self.profile.name,
            "seed": self.seed,
            "source": self.source,
            "model": self.model,
            "data": str(self.data) if self.data else None,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%S"),
            "seconds": round(self.seconds, 1),
            "peak_rss_mb": round(self.peak_rss_mb),
            "versions": versions(),
            "metrics": self.metrics,
            "tables": self.tables,
            "claims": claims.verdicts(self.lab, self.metrics),
            "outside": outside_band(self.profile.name, self.lab, self.metrics)
            if self.shipped
            else [],
        }


def run_name(lab: str, profile: str, seed: int, source: str = "headless", extra: str = "") -> str:
    """The folder name of a run. ``extra`` sets runs on the user's own data or model apart."""
    parts = [lab, profile, f"seed{seed}"]
    parts += [extra] if extra else []
    parts += [source] if source != "headless" else []
    return "-".join(parts)


def runs_folder(out: Path | None = None) -> Path:
    return writable(out or home() / "runs")


def load_records(out: Path | None = None) -> list[dict]:
    """All finished records, oldest first. Damaged files are left out."""
    folder = out or home() / "runs"
    records = [read_json(path, None) for path in sorted(folder.glob("*/record.json"))]
    return sorted((r for r in records if r), key=lambda r: r.get("finished", ""))


def latest_records(out: Path | None = None) -> dict[str, dict]:
    """The newest record of each lab on shipped data and models: ``{"01": {…}}``."""
    return {
        record["lab"]: record
        for record in load_records(out)
        if record.get("model") is None and record.get("data") is None
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
