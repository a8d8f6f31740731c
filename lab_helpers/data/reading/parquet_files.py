"""Rows of a Parquet file, batch by batch; what is damaged is a bad row or is said to be unread."""

from collections.abc import Iterator
from pathlib import Path

from lab_helpers.data.reading.rows import BadRow, Row
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

_BATCH = 1024


def read_parquet(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a Parquet file; ``line`` is the number of the row.

    Raises :class:`BadInput` when ``path`` is no Parquet file, or its index is damaged.
    """
    number = 0
    with _parquet(path) as table:
        expected = _expected_rows(table)
        try:
            for batch in table.iter_batches(batch_size=_BATCH):
                for row in _rows(batch, number):
                    number = row.line
                    yield row
        except _unreadable() as error:
            left = max(0, expected - number - 1)
            reason = str(error).splitlines()[0][:80] if str(error) else type(error).__name__
            more = (
                say(
                    f"; {left} rows after it were left unread",
                    f"。この後の {left} 行は読んでいません",
                )
                if left
                else ""
            )
            yield BadRow(
                number + 1,
                say(
                    f"cannot be read, the file is damaged ({reason}){more}",
                    f"読み取れません。ファイルが壊れています（{reason}）{more}",
                ),
                left,
            )
            return
        if number < expected:
            left = expected - number - 1
            more = (
                say(
                    f"; {left} rows after it were left unread",
                    f"。この後の {left} 行は読んでいません",
                )
                if left
                else ""
            )
            yield BadRow(
                number + 1,
                say(
                    f"is missing: the file says that it has {expected} rows{more}",
                    f"行がありません。ファイルの情報では {expected} 行あるはずです{more}",
                ),
                left,
            )


def count_parquet_rows(path: Path) -> int:
    """How many rows the file says that it has. Raises :class:`BadInput` as :func:`read_parquet`."""
    with _parquet(path) as table:
        return table.metadata.num_rows


def _expected_rows(table) -> int:
    """How many rows the file's index promises, in all or group by group."""
    groups = (table.metadata.row_group(i).num_rows for i in range(table.metadata.num_row_groups))
    return max(table.metadata.num_rows, sum(groups))


def _rows(batch, before: int) -> Iterator[Row | BadRow]:
    try:
        values = batch.to_pylist()
    except _unreadable():
        for place in range(batch.num_rows):
            yield from _one_row(batch.slice(place, 1), before + place + 1)
        return
    for number, row in enumerate(values, before + 1):
        yield Row(number, row)


def _one_row(batch, number: int) -> Iterator[Row | BadRow]:
    try:
        yield Row(number, batch.to_pylist()[0])
    except UnicodeDecodeError:
        yield BadRow(number, say("is not UTF-8", "UTF-8 ではありません"))
    except _unreadable():
        yield BadRow(number, say("has a value that cannot be read", "読み取れない値があります"))


def _unreadable() -> tuple[type[Exception], ...]:
    """What pyarrow raises for damage; ``ValueError`` holds texts that are not UTF-8."""
    import pyarrow

    return (pyarrow.ArrowException, OSError, ValueError, OverflowError)


def _parquet(path: Path):
    """``path`` as an open ``pyarrow.parquet.ParquetFile``."""
    import pyarrow
    import pyarrow.parquet

    with path.open("rb"):
        pass  # A file that may not be opened is another mistake than a damaged one.
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError, ValueError):
        raise BadInput(
            say(
                f"{path.name} is not a Parquet file, or damaged",
                f"{path.name} は Parquet ファイルではないか、壊れています",
            ),
            say(
                "Export or download it again.", "書き出し直すか、もう一度ダウンロードしてください。"
            ),
        ) from None
