"""The tested package behind the course "LLM fine-tuning, nothing taken on trust".

Notebooks start with ``from lab_helpers import open_lab``. Importing this package loads no heavy
library; each submodule loads what it needs when it is first used.
"""

__version__ = "0.1.0"


def open_lab(number: str, **options):
    """Open lab ``number`` (``"00"``, ``"01"``, …) in a notebook; see :func:`lab_helpers.course.lab.open_lab`."""
    from lab_helpers.course.lab import open_lab as _open_lab

    return _open_lab(number, **options)
