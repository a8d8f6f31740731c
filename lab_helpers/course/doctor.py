"""Look at the machine before the course does: every problem with its fix."""

import platform
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lab_helpers.runtime.errors import LabError
from lab_helpers.runtime.hardware import detect
from lab_helpers.runtime.paths import free_gigabytes, home, trainings_folder, writable
from lab_helpers.runtime.precision import pick_precision
from lab_helpers.runtime.profiles import profile_for

NEEDED_FREE_GB = 3.0
NEEDED_RAM_GB = 4.0
OLDEST_PYTHON = (3, 11)
NEARLY_FULL = 0.95  # of the store of trainings


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's table. ``level``: ``ok``, ``note`` or ``problem``; ``fix`` the way out."""

    name: str
    value: str
    level: str = "ok"
    fix: str = ""


def check_machine() -> list[Finding]:
    """All findings, the most basic first."""
    return [
        check_python(),
        *check_libraries(),
        *check_hardware(),
        check_disk(),
        check_results_folder(),
        check_trainings(),
        check_minilm(),
    ]


def check_python() -> Finding:
    value = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", value, "problem", "Install Python 3.11 or newer.")
    return Finding("Python", value)


def read_tested_versions() -> dict[str, str]:
    """The tested versions, shipped with the package."""
    return tomllib.loads(Path(__file__).with_name("tested.toml").read_text(encoding="utf-8"))


def check_libraries() -> list[Finding]:
    """Installed against tested: a missing library is a problem, another version a note."""
    findings = []
    for name, tested in read_tested_versions().items():
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            findings.append(Finding(name, "missing", "problem", f"pip install {name}=={tested}"))
            continue
        if found.split("+")[0] == tested:
            findings.append(Finding(name, found))
        else:
            findings.append(
                Finding(
                    name,
                    f"{found} (tested: {tested})",
                    "note",
                    f"If something breaks: pip install {name}=={tested}",
                )
            )
    return findings


def check_hardware() -> list[Finding]:
    """Cores, memory and GPU, and the profile and precision that follow from them."""
    machine = detect()
    precision = pick_precision(machine)
    gpu = "none" if machine.accelerator == "cpu" else f"{machine.name}, {machine.memory_gb:.0f} GB"
    memory = Finding("memory", f"{machine.ram_gb:.0f} GB")
    if machine.ram_gb < NEEDED_RAM_GB:
        memory = Finding(
            "memory",
            f"{machine.ram_gb:.1f} GB",
            "problem",
            f"The labs need {NEEDED_RAM_GB:.0f} GB; close other programs.",
        )
    return [
        Finding("CPU cores", str(machine.cpu_cores)),
        memory,
        Finding("GPU", gpu),
        Finding("profile", profile_for(machine)),
        Finding("precision", precision.name),
    ]


def check_disk() -> Finding:
    """Room for results, remembered trainings and caches."""
    free = free_gigabytes(home())
    if free < NEEDED_FREE_GB:
        return Finding(
            "free disk",
            f"{free:.1f} GB",
            "problem",
            f"Free {NEEDED_FREE_GB:.0f} GB, or set LAB_HOME to another disk.",
        )
    return Finding("free disk", f"{free:.0f} GB")


def check_results_folder() -> Finding:
    """Whether results can be written at all."""
    try:
        return Finding("results", str(writable(home())))
    except LabError as error:
        return Finding("results", error.what, "problem", error.fix)


def check_trainings() -> Finding:
    """How much of its limit the store of remembered trainings takes; a full one forgets."""
    from lab_helpers.tuning.training_store import TrainingStore, size_limit_gb

    folder, limit = trainings_folder(), size_limit_gb()
    used = TrainingStore(folder).gigabytes
    value = f"{used:.2f} of {limit:.1f} GB"
    if used < NEARLY_FULL * limit:
        return Finding("trainings", value)
    fix = (
        f"Full: the longest unused are forgotten. Delete {folder}, or set LAB_TRAININGS_GB higher."
    )
    return Finding("trainings", value, "note", fix)


def check_minilm() -> Finding:
    """Offline readiness: the encoder's weights are here and are the published ones."""
    from lab_helpers.models.minilm import minilm_folder

    try:
        minilm_folder()
    except LabError as error:
        return Finding("MiniLM (offline)", error.what, "problem", error.fix)
    return Finding("MiniLM (offline)", "sha256 verified")
