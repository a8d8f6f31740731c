"""The tested package behind the course "LLM fine-tuning, nothing taken on trust".

Notebooks start with ``from lab_helpers import open_lab``. Importing this package loads no heavy
library; each submodule loads what it needs when it is first used.
"""

import os

from lab_helpers.runtime.devices import show_one_gpu

__version__ = "0.1.0"

# Read by OpenMP when torch is imported. Threads that spin while they wait make two notebooks on one
# machine five times slower than they need be (measured on 2 cores); alone, waiting costs nothing.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
show_one_gpu()


def open_lab(number: str, **options):
    """Open lab ``number`` (``"00"``, ``"01"``, …) in a notebook; see :func:`lab_helpers.course.session.open_lab`."""
    from lab_helpers.course.session import open_lab as _open_lab

    return _open_lab(number, **options)
