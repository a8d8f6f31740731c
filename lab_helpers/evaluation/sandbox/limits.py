"""What a program may use, and what became of it."""

from dataclasses import dataclass
from typing import NamedTuple

MEGABYTE = 1 << 20

STATUSES = (
    "passed", "failed", "finished", "timed_out", "out_of_memory", "over_limit",
    "too_much_output", "blocked", "exited", "crashed", "killed", "untestable",
)  # fmt: skip
"""How a run can end.

``passed``: every assertion of the tests held. ``failed``: one did not, or the program raised.
``finished``: a program without tests ran to its end (its own word for it). ``timed_out``: wall clock
or CPU seconds. ``out_of_memory``, ``over_limit`` (size of files, number of files), ``too_much_output``:
a limit was reached. ``blocked``: it ended because the sandbox refused something. ``exited``: it left
before its tests were done. ``crashed``: a fault such as a segmentation fault. ``killed``: another signal. ``untestable``: the tests hand the function
something, such as a function, that has no plain form; this says nothing about the program.
"""


class Sentence(NamedTuple):
    """One sentence in both languages; ``Text(*sentence)`` shows the learner's own."""

    en: str
    ja: str


@dataclass(frozen=True)
class Limits:
    """Limits for one program. Its tests run under the same ones, in a process of their own.

    Attributes:
        wall_seconds: by the clock, with the start of the interpreter.
        cpu_seconds: computing time; whole seconds, at least 1.
        memory_bytes: address space.
        output_bytes: what it may print; one byte more ends it.
        file_bytes: the largest file.
        folder_bytes: its whole folder, which may also hold 1,000 files at most.
        open_files: files open at once.
        processes: processes and threads of its user (not enforced for root outside namespaces).
    """

    wall_seconds: float = 5.0
    cpu_seconds: float = 4.0
    memory_bytes: int = 512 * MEGABYTE
    output_bytes: int = 64 * 1024
    file_bytes: int = 8 * MEGABYTE
    folder_bytes: int = 32 * MEGABYTE
    open_files: int = 64
    processes: int = 32


@dataclass(frozen=True)
class Verdict:
    """How one run ended.

    Attributes:
        status: one of :data:`STATUSES`.
        detail: the assertion or exception, with its line.
        seconds: wall clock, from before the start of the interpreter to the end of all processes.
        stdout: what the program printed, out and error together, cut at the limit.
        attempts: forbidden things it was seen to try (a help for reading, not a proof: it can hide them).
        cpu_seconds: computing time of the program's process.
        memory_bytes: its largest resident memory.
    """

    status: str
    detail: str = ""
    seconds: float = 0.0
    stdout: str = ""
    attempts: tuple[str, ...] = ()
    cpu_seconds: float = 0.0
    memory_bytes: int = 0

    @property
    def passed(self) -> bool:
        return self.status == "passed"
