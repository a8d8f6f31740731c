"""Profiles: one TOML file says how large everything is on which kind of machine."""

import os
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lab_helpers.runtime import hardware
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.hardware import Hardware
from lab_helpers.runtime.language import say
from lab_helpers.runtime.offline import go_offline
from lab_helpers.runtime.progress import note

ON_ANY_CPU = ("tiny", "small")


@dataclass(frozen=True)
class Profile:
    """A named set of sizes. ``lab("01")`` gives that lab's own table as a dict.

    ``languages`` are those that the language model reads.
    """

    name: str
    encoder: str
    language_model: str
    precision: str
    max_length: int
    offline: bool
    languages: tuple[str, ...]
    tables: dict

    def lab(self, number: str) -> dict:
        return dict(self.tables.get(table_name(number), {}))


def table_name(lab: str) -> str:
    """The name of a lab's tables in the TOML files: ``lab01``, or ``base`` as it is."""
    return f"lab{lab}" if lab.isdigit() else lab


@lru_cache(maxsize=1)
def _tables() -> dict:
    path = Path(__file__).with_name("profiles.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def profile_names() -> list[str]:
    return list(_tables())


def load_profile(name: str) -> Profile:
    """The profile called ``name``; :class:`BadInput` for a name that is not in the TOML file."""
    if name not in _tables():
        raise BadInput(
            say(f"unknown profile '{name}'", f"「{name}」というプロファイルはありません"),
            say(
                f"Use one of: {', '.join(profile_names())}.",
                f"{'、'.join(profile_names())} のいずれかを指定してください。",
            ),
        )
    table = _tables()[name]
    return Profile(
        name,
        table["encoder"],
        table["language_model"],
        table["precision"],
        table["max_length"],
        table["offline"],
        tuple(table["languages"]),
        table,
    )


def profile_for(machine: Hardware) -> str:
    """The profile that a machine gets without a wish: ``tiny``, on Colab with a GPU ``t4`` or ``gpu``.

    Elsewhere a card changes nothing: both larger profiles download a model of 3 GB or more, which nobody
    who only opened a notebook has asked for. On Colab people choose the GPU for it.
    """
    if not (machine.accelerator == "cuda" and hardware.on_colab()):
        return "tiny"
    return "gpu" if machine.memory_gb >= 20 else "t4"


def choose_profile(wanted: str | None = None) -> Profile:
    """``wanted``, else ``LAB_PROFILE``, else :func:`profile_for` this machine.

    ``t4`` and ``gpu`` on a machine without a CUDA GPU raise :class:`MissingDependency`: they would need
    hours. Under no profile does a library report what it is used for.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    wanted = wanted or os.environ.get("LAB_PROFILE") or None
    profile = load_profile(wanted or _usual_profile())
    if profile.name not in ON_ANY_CPU and hardware.detect().accelerator != "cuda":
        raise MissingDependency(
            say(
                f"profile '{profile.name}' needs a CUDA GPU and this machine has none",
                f"プロファイル {profile.name} には CUDA 対応の GPU が必要ですが、このマシンにはありません",
            ),
            say(
                "Use --profile tiny or small, or open the notebook on Colab with a T4.",
                "--profile tiny か small を使うか、Colab の T4 でノートブックを開いてください。",
            ),
        )
    if profile.offline:
        go_offline()
    return profile


def _usual_profile() -> str:
    """The profile without a wish; one that downloads a model is announced."""
    if not hardware.on_colab():
        return "tiny"
    machine = hardware.detect()
    name = profile_for(machine)
    if name != "tiny":
        note(
            say(
                f"Colab gave you a {machine.name}: this lab takes profile {name} and downloads"
                f" {load_profile(name).language_model}. LAB_PROFILE=tiny downloads nothing.",
                f"Colab の {machine.name} を使えるので、プロファイル {name} で進め、"
                f"{load_profile(name).language_model} をダウンロードします。"
                "LAB_PROFILE=tiny なら何もダウンロードしません。",
            )
        )
    return name
