"""Profiles: one TOML file says how large everything is on which kind of machine."""

import os
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.hardware import Hardware
from lab_helpers.runtime.offline import go_offline


@dataclass(frozen=True)
class Profile:
    """A named set of sizes. ``lab("01")`` gives that lab's own table as a dict."""

    name: str
    encoder: str
    language_model: str
    precision: str
    max_length: int
    offline: bool
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
        raise BadInput(f"unknown profile '{name}'", f"Use one of: {', '.join(profile_names())}.")
    table = _tables()[name]
    return Profile(
        name,
        table["encoder"],
        table["language_model"],
        table["precision"],
        table["max_length"],
        table["offline"],
        table,
    )


def profile_for(hardware: Hardware) -> str:
    """The profile that fits ``hardware``: a GPU of 20 GB or more, a smaller CUDA GPU, or none."""
    if hardware.accelerator != "cuda":
        return "tiny"
    return "gpu" if hardware.memory_gb >= 20 else "t4"


def choose_profile(wanted: str | None = None) -> Profile:
    """``wanted``, else ``LAB_PROFILE``, else what the hardware suggests.

    A profile other than ``tiny`` on a machine without a CUDA GPU raises :class:`MissingDependency`:
    it would need hours. Under no profile does a library report what it is used for.
    """
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    wanted = wanted or os.environ.get("LAB_PROFILE") or None
    if wanted in (None, "tiny"):
        profile = load_profile(wanted or "tiny")
        if wanted is None:
            from lab_helpers.runtime.hardware import detect

            profile = load_profile(profile_for(detect()))
    else:
        from lab_helpers.runtime.hardware import detect

        profile = load_profile(wanted)
        if detect().accelerator != "cuda":
            raise MissingDependency(
                f"profile '{wanted}' needs a CUDA GPU and this machine has none",
                "Use --profile tiny, or open the notebook on Colab with a T4.",
            )
    if profile.offline:
        go_offline()
    return profile
