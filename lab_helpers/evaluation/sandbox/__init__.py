"""A sandbox for programs that a model wrote: run them, and believe nothing they say about themselves.

A run has three processes: a supervisor, the tests, and the program. The program is in a cage of layers
(``protections`` names those that hold on this system); the tests call it through a pipe and see plain
values only, so whatever it patches, prints or exits with, the verdict is not its to give.

What remains possible, even with every layer:

- It can learn *that* a file exists, its size and times (``stat``), though not what is in it, and read
  Python's own library with the packages installed there.
- It uses the processor, memory and its folder up to the limits, and all of its time.
- A fault of the kernel's or of Python's JSON reader would open the cage; this is no virtual machine.
- Its answers are plain values: a function of its own class cannot be tested, nor one that takes functions
  (``untestable``); objects keep neither identity nor class. Packages outside the standard library,
  sockets (``asyncio`` too), new processes, links and changes of a file's rights are not to be had.
- Tests are trusted. They run behind the same limits, yet a benchmark file that says ``passed`` for
  everything is believed.
- It may give right answers for a wrong reason, by remembering the benchmark: see ``contamination``.
"""

from lab_helpers.evaluation.sandbox.limits import STATUSES, Limits, Sentence, Verdict
from lab_helpers.evaluation.sandbox.protections import Protection, protections
from lab_helpers.evaluation.sandbox.running import run_program

__all__ = ["STATUSES", "Limits", "Protection", "Sentence", "Verdict", "protections", "run_program"]
