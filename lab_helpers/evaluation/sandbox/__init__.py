"""A sandbox for programs that a model wrote: run them, and believe nothing they say about themselves."""

from lab_helpers.evaluation.sandbox.limits import STATUSES, Limits, Sentence, Verdict
from lab_helpers.evaluation.sandbox.protections import Protection, protections
from lab_helpers.evaluation.sandbox.running import run_program

__all__ = ["STATUSES", "Limits", "Protection", "Sentence", "Verdict", "protections", "run_program"]
