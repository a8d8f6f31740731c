"""The whole session writes to a folder of its own: notebooks run by nbval, and the tests.

With ``-n 2`` (pytest-xdist) two processes share the work. What belongs together stays together, in
order: the cells of a notebook, then the tests of what it left behind; else a file.
"""

import os
import re
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


def group_of(node: str) -> str:
    """The lab of a notebook's cell or of a test of its record, else the test's file."""
    lab = re.search(r"test_records\.py::.*\[(\w+)\]$", node)
    return lab[1] if lab else Path(node.partition("::")[0]).stem


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """One group after the other in the order of collection: the labs, which take minutes, come first."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)
