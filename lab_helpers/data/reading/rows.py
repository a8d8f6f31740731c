"""What reading a file yields: a row, or a line that is none."""

from typing import Any, NamedTuple

from lab_helpers.runtime.language import say


class Row(NamedTuple):
    """One usable row. ``line`` is the (last) line of the file it stands on, counted from 1."""

    line: int
    values: dict[str, Any]


class BadRow(NamedTuple):
    """A line that is no row; ``problem`` reads on from "line 7 ".

    ``unread`` counts the lines after it that were left unread because of it: each of them is
    neither a row nor a bad row of its own. ``problem`` says so too.
    """

    line: int
    problem: str
    unread: int = 0


def left_unread(count: int) -> str:
    """How a problem goes on where ``count`` lines after it could not be read."""
    if not count:
        return ""
    return say(
        f"; {count} line{'s' if count > 1 else ''} after it {'were' if count > 1 else 'was'} left unread",
        f"。この後の {count} 行は読んでいません",
    )
