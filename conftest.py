"""The whole session writes to a folder of its own: notebooks run by nbval, and the tests.

With ``-n 2`` (pytest-xdist) two processes share the work. What belongs together stays together, in
order: the cells of a notebook, then the tests that compare it with the headless run; else a file.
"""

import os
import shutil
from pathlib import Path

import pytest

NOTEBOOK_HOME = Path(__file__).parent / "build" / "notebook-home"


def pytest_configure(config) -> None:
    """Give the notebooks' kernels a fresh learner's home, English, and no network for models."""
    if not hasattr(config, "workerinput"):
        shutil.rmtree(NOTEBOOK_HOME, ignore_errors=True)
        NOTEBOOK_HOME.mkdir(parents=True)
    if getattr(config.option, "numprocesses", None):
        # Two processes of two threads each on two cores wait for each other most of the time.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.update(
        LAB_HOME=str(NOTEBOOK_HOME),
        LAB_NOTEBOOK_HOME=str(NOTEBOOK_HOME),
        LAB_LANG="en",
        LAB_PROFILE="tiny",
        HF_HUB_OFFLINE="1",
        MPLBACKEND="agg",
    )


def pytest_collection_modifyitems(items) -> None:
    """The group of each test: its lab, where it has one, else its file."""
    for item in items:
        lab = item.callspec.params.get("lab") if hasattr(item, "callspec") else None
        item.add_marker(pytest.mark.xdist_group(getattr(lab, "name", item.path.stem)))
