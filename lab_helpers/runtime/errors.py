"""Errors that a user can mend. Each says what is wrong and the way out; none shows a traceback."""

import re

EXIT_DONE = 0
EXIT_OUTSIDE_BAND = 1
EXIT_BAD_INPUT = 2
EXIT_MISSING = 3
EXIT_INTERRUPTED = 130

_KANA = re.compile("[ぁ-んァ-ヶ]")


class LabError(Exception):
    """Base of all errors meant for the learner: ``what`` went wrong and ``fix``, the way out."""

    exit_code = EXIT_BAD_INPUT

    def __init__(self, what: str, fix: str = ""):
        self.what = what.rstrip(".。")
        self.fix = fix
        stop = "。" if _KANA.search(what) else ". "
        super().__init__(f"{self.what}{stop}{fix}" if fix else self.what)


class BadInput(LabError):
    """Something the user gave (a name, a file, an option) cannot be used. Exit code 2."""


class MissingDependency(LabError):
    """A library, a model file or hardware that this step needs is not there. Exit code 3."""

    exit_code = EXIT_MISSING
