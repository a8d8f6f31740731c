"""The whole session writes to a folder of its own: notebooks run by nbval, and the tests."""

import os
import shutil
from pathlib import Path

NOTEBOOK_HOME = Path(__file__).parent / "build" / "notebook-home"


def pytest_configure(config) -> None:
    """Give the notebooks' kernels a fresh learner's home, English, and no network for models."""
    shutil.rmtree(NOTEBOOK_HOME, ignore_errors=True)
    NOTEBOOK_HOME.mkdir(parents=True)
    os.environ.update(
        LAB_HOME=str(NOTEBOOK_HOME),
        LAB_NOTEBOOK_HOME=str(NOTEBOOK_HOME),
        LAB_LANG="en",
        LAB_PROFILE="tiny",
        HF_HUB_OFFLINE="1",
        MPLBACKEND="agg",
    )
