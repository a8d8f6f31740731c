"""What a file is read as, or why it is refused: for the tests of every reader."""

from pathlib import Path

import pytest

from lab_helpers.data.reading.files import Row, read_rows
from lab_helpers.runtime.errors import BadInput


def values(path: Path) -> list[dict]:
    """The rows of a file of which every line is one."""
    rows = list(read_rows(path))
    assert all(isinstance(row, Row) for row in rows), rows
    return [row.values for row in rows]


def refusal(path: Path) -> BadInput:
    """With what the file as a whole is refused."""
    with pytest.raises(BadInput) as caught:
        list(read_rows(path))
    assert caught.value.fix
    return caught.value
