"""Look at the machine before the course does: every problem with its fix."""

import os
import platform
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lab_helpers.runtime.errors import LabError
from lab_helpers.runtime.hardware import Hardware, detect, on_colab
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import free_gigabytes, home, trainings_folder, writable
from lab_helpers.runtime.precision import pick_precision
from lab_helpers.runtime.profiles import ON_ANY_CPU, load_profile, profile_for

OLDEST_PYTHON = (3, 11)
NEARLY_FULL = 0.95  # of the store of trainings
# GB of free disk and of memory by profile: results and remembered trainings, and from t4 on the models too.
_NEEDS = {"tiny": (3.0, 4.0), "small": (5.0, 6.0), "t4": (12.0, 11.0), "gpu": (20.0, 16.0)}


# What the table calls the findings, in Japanese; a name that is not here is the same in both languages.
_JAPANESE_NAMES = {
    "CPU cores": "CPU コア数",
    "memory": "メモリー",
    "profile": "プロファイル",
    "precision": "精度",
    "free disk": "ディスクの空き",
    "results": "結果の保存先",
    "trainings": "学習の保存",
    "machine": "マシン",
    "course files": "講座のファイル",
    "loopback": "ループバック",
    "without network": "ネットワークなし",
    "bundle": "バンドル",
    "packages": "パッケージ",
    "packages for": "パッケージの対象",
}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's table. ``level``: ``ok``, ``note`` or ``problem``; ``fix`` the way out."""

    name: str
    value: str
    level: str = "ok"
    fix: str = ""

    @property
    def title(self) -> str:
        """The name for a person; programs look for ``name``."""
        japanese = self.name.replace("port ", "ポート ").replace(" (offline)", "（オフライン）")
        return say(self.name, _JAPANESE_NAMES.get(self.name, japanese))


def check_machine(profile: str | None = None) -> list[Finding]:
    """All findings, the most basic first; ``profile`` is the one that is to run here, if another than usual."""
    return [
        check_python(),
        *check_libraries(),
        *check_hardware(profile),
        check_disk(profile),
        check_results_folder(),
        check_trainings(),
        check_minilm(),
        check_e5(),
    ]


def check_python() -> Finding:
    value = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        fix = say("Install Python 3.11 or newer.", "Python 3.11 以降をインストールしてください。")
        return Finding("Python", value, "problem", fix)
    return Finding("Python", value)


def asked_profile(profile: str | None = None) -> str:
    """The profile that was asked for, here or by ``LAB_PROFILE``; else the one that this machine gets."""
    return profile or os.environ.get("LAB_PROFILE") or profile_for(detect())


def needed_gigabytes(profile: str | None = None) -> tuple[float, float]:
    """Free disk and memory that a profile asks for; the one in force by default."""
    return _NEEDS.get(asked_profile(profile), _NEEDS["tiny"])


def read_tested_versions() -> dict[str, str]:
    """The tested versions, shipped with the package."""
    return tomllib.loads(Path(__file__).with_name("tested.toml").read_text(encoding="utf-8"))


def check_libraries() -> list[Finding]:
    """Installed against tested: a missing library is a problem, another version a note."""
    findings = []
    for name, tested in read_tested_versions().items():
        if name == "jupyterlab" and on_colab():
            continue  # Colab is a front end of its own
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing = say("missing", "未インストール")
            findings.append(Finding(name, missing, "problem", f"pip install {name}=={tested}"))
            continue
        if found.split("+")[0] == tested:
            findings.append(Finding(name, found))
        else:
            findings.append(
                Finding(
                    name,
                    say(f"{found} (tested: {tested})", f"{found}（動作確認済み: {tested}）"),
                    "note",
                    say(
                        f"If something breaks: pip install {name}=={tested}",
                        f"問題が起きた場合: pip install {name}=={tested}",
                    ),
                )
            )
    return findings


def check_hardware(profile: str | None = None) -> list[Finding]:
    """Cores, memory and GPU, and the profile and precision that follow from them."""
    machine = detect()
    precision = pick_precision(machine)
    gpu = (
        say("none", "なし")
        if machine.accelerator == "cpu"
        else f"{machine.name}, {machine.memory_gb:.0f} GB"
    )
    memory = Finding("memory", f"{machine.ram_gb:.0f} GB")
    _, needed = needed_gigabytes(profile)
    if machine.ram_gb < needed:
        memory = Finding(
            "memory",
            f"{machine.ram_gb:.1f} GB",
            "problem",
            say(
                f"The labs need {needed:.0f} GB here: take a larger machine, or a smaller profile.",
                f"このプロファイルには {needed:.0f} GB 必要です。メモリーの多いマシンか、より小さいプロファイルを使ってください。",
            ),
        )
    return [
        Finding("CPU cores", str(machine.cpu_cores)),
        memory,
        Finding("GPU", gpu),
        check_profile(machine, asked_profile(profile)),
        Finding("precision", precision.name),
    ]


def check_profile(machine: Hardware, profile: str) -> Finding:
    """Whether the profile exists, and this machine has what it runs on."""
    try:
        load_profile(profile)
    except LabError as error:
        return Finding("profile", profile, "problem", error.fix)
    if profile in ON_ANY_CPU or machine.accelerator == "cuda":
        return Finding("profile", profile)
    return Finding(
        "profile",
        profile,
        "problem",
        say(
            f"It needs a CUDA GPU: take {' or '.join(ON_ANY_CPU)}, or another machine.",
            f"CUDA 対応の GPU が必要です。{' か '.join(ON_ANY_CPU)} を使うか、別のマシンを用意してください。",
        ),
    )


def check_disk(profile: str | None = None) -> Finding:
    """Room for results, remembered trainings and caches."""
    free, (needed, _) = free_gigabytes(home()), needed_gigabytes(profile)
    if free < needed:
        return Finding(
            "free disk",
            f"{free:.1f} GB",
            "problem",
            say(
                f"Free {needed:.0f} GB, or set LAB_HOME to another disk.",
                f"空き容量を {needed:.0f} GB 確保するか、LAB_HOME で別のディスクを指定してください。",
            ),
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
    value = say(f"{used:.2f} of {limit:.1f} GB", f"{limit:.1f} GB 中 {used:.2f} GB")
    if used < NEARLY_FULL * limit:
        return Finding("trainings", value)
    fix = say(
        f"Full: the longest unused are forgotten. Delete {folder}, or set LAB_TRAININGS_GB higher.",
        f"上限に達すると、長く使っていないものから消えます。{folder} を削除するか、LAB_TRAININGS_GB を大きくしてください。",
    )
    return Finding("trainings", value, "note", fix)


def check_minilm() -> Finding:
    """Offline readiness: the encoder's weights are here and are the published ones."""
    from lab_helpers.models.minilm import minilm_folder

    try:
        minilm_folder()
    except LabError as error:
        return Finding("MiniLM (offline)", error.what, "problem", error.fix)
    return Finding("MiniLM (offline)", say("sha256 verified", "sha256 検証済み"))


def check_e5() -> Finding:
    """The encoder that reads Japanese: missing is a note, since the course goes on without it; altered is not."""
    from lab_helpers.models.e5 import E5

    name = f"{E5.name} (offline)"
    try:
        E5.find()
    except LabError as error:
        return Finding(name, error.what, "note", error.fix)
    try:
        E5.verify()
    except LabError as error:
        return Finding(name, error.what, "problem", error.fix)
    return Finding(name, say("sha256 verified", "sha256 検証済み"))
