"""How a learner's own file is to be read, where the file alone does not say."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class ReadingOptions:
    """``--shape``, ``--ignore``, ``--max-length``, ``--keep`` and ``--answers`` of the command line.

    ``ignore`` names columns that count as absent, ``max_length`` the tokens of a row, ``keep`` the steps of
    cleaning that are left out, ``answers`` how a benchmark counts its right choices.
    """

    shape: str | None = None
    ignore: tuple[str, ...] = ()
    max_length: int | None = None
    keep: tuple[str, ...] = ()
    answers: str | None = None

    def given(self) -> list[str]:
        """The names of the options that somebody gave."""
        return [one.name for one in fields(self) if getattr(self, one.name)]


AS_FOUND = ReadingOptions()
"""Nothing was said: the file decides."""
