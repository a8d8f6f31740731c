"""How fast the package and the command start, each in a process of its own."""

import statistics
import subprocess
import sys
import time

from lab_helpers.bench.figure import Figure


def measure_start(repeats: int) -> list[Figure]:
    """``import lab_helpers`` beyond a bare interpreter, and ``labs --help``."""
    bare = _median_seconds(["-c", "pass"], repeats)
    package = _median_seconds(["-c", "import lab_helpers"], repeats)
    command = _median_seconds(["-m", "lab_helpers.cli", "--help"], repeats)
    return [
        Figure("import lab_helpers", package - bare, "s", "< 0.3 s"),
        Figure("labs --help", command, "s", "< 1 s"),
    ]


def _median_seconds(arguments: list[str], repeats: int) -> float:
    """What Python takes with ``arguments``, start to end."""
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)
