"""Where things lie: shipped notebooks and data (read only), and the learner's own results."""

import os
import shutil
from pathlib import Path

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

PACKAGE = Path(__file__).resolve().parents[1]


def _shipped(folder: str) -> Path:
    """The shipped ``folder``: beside the package in a checkout, inside it in an installed wheel."""
    checkout = PACKAGE.parent / folder
    return checkout if checkout.is_dir() else PACKAGE / "_course" / folder


def data_folder() -> Path:
    """``datasets_small/``."""
    return _shipped("datasets_small")


def labs_folder() -> Path:
    """``labs/``, the notebooks."""
    return _shipped("labs")


def home() -> Path:
    """The learner's folder for progress, runs and caches: ``LAB_HOME``, else ``~/.llm-finetuning-labs``."""
    return Path(os.environ.get("LAB_HOME") or "~/.llm-finetuning-labs").expanduser()


def trainings_folder() -> Path:
    """Where finished and unfinished trainings are remembered."""
    return home() / "trainings"


def writable(folder: Path) -> Path:
    """Create ``folder`` and prove that it can be written to; otherwise a :class:`BadInput`."""
    probe = folder / ".write-test"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_text("ok", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        raise BadInput(
            say(
                f"cannot write to {folder} ({error.strerror or error})",
                f"{folder} に書き込めません（{error.strerror or error}）",
            ),
            say(
                "Choose another place with --out DIR or the LAB_HOME environment variable.",
                "--out DIR または環境変数 LAB_HOME で別の場所を指定してください。",
            ),
        ) from None
    return folder


def free_gigabytes(folder: Path) -> float:
    """Free disk space in GB at ``folder`` or its nearest existing parent."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / 1e9
