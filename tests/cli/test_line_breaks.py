"""Where a line of a terminal may end: between Japanese letters, never inside a word that fits."""

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from lab_helpers.cli.line_breaks import breakable, line_ends

TEXT = "学習は保存されるので、near-duplicates（省略可）。Jupyter なしで実行します。"


def parts(text: str, width: int) -> list[str]:
    ends = line_ends(text, width)
    return [text[a:b].rstrip() for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]


@pytest.mark.parametrize("width", [6, 10, 17, 31, 80])
def test_no_part_is_wider_than_the_column_and_nothing_is_lost(width):
    found = parts(TEXT, width)
    assert max(map(cell_len, found)) <= width
    assert "".join(found).replace(" ", "") == TEXT.replace(" ", "")
    assert all(found)


def test_a_line_neither_begins_with_a_stop_nor_ends_with_an_open_bracket():
    for width in range(8, 60):
        found = parts(TEXT, width)
        assert not any(line[0] in "、。）ー" for line in found[1:]), found
        assert not any(line.endswith("（") for line in found), found


def test_a_word_that_fits_stays_whole():
    assert "near-duplicates" in " ".join(parts(TEXT, 20))
    assert parts("a word or two more", 7) == ["a word", "or two", "more"]


def test_a_table_shows_all_of_a_japanese_sentence():
    table = Table(show_header=False)
    table.add_row("x", breakable(f"[bold]{TEXT}[/]"))
    console = Console(width=30, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(table)
    shown = "".join(line[5:-2].rstrip() for line in console.export_text().splitlines()[1:-1])
    assert shown.replace(" ", "") == TEXT.replace(" ", "")
