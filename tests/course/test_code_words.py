"""Japanese words of code cells: exchanged in strings and comments, stale ones noticed, the program untouched."""

import pytest

from lab_helpers.course.code_words import read_pairs, translate_code, without_words
from lab_helpers.runtime.errors import BadInput

CELL = """rows = load(3)
print("rows:", len(rows), f"{len(rows)} rows, {rows[0]['rows']:.0f} s")  # rows to train on
"""


def test_strings_and_comments_change_and_names_do_not():
    found = translate_code(
        CELL, 'rows: → 件数:\nrows to train on → 学習に使う行\n" rows, " → " 行、"', "t"
    )
    assert found == CELL.replace("rows:", "件数:").replace("rows to train on", "学習に使う行").replace(" rows, ", " 行、")  # fmt: skip


def test_a_longer_phrase_comes_before_its_words():
    found = translate_code(
        'x = "loss"\ny = "loss of the base"', "loss → 損失\nloss of the base → ベースの損失", "t"
    )
    assert found == 'x = "損失"\ny = "ベースの損失"'


def test_texts_may_hold_arrows_of_their_own():
    assert read_pairs("your code → (n,) → ここに書く → (n,)", "t") == [
        ("your code → (n,)", "ここに書く → (n,)")
    ]


@pytest.mark.parametrize("given", ["no arrow", " → 損失", "a → b → c"])
def test_a_line_that_is_no_pair_is_named(given):
    with pytest.raises(BadInput, match="no pair of words"):
        read_pairs(given, "t")


def test_words_that_the_cell_no_longer_says_are_stale():
    with pytest.raises(BadInput, match="t: 'lines' stands in no string"):
        translate_code(CELL, "lines → 行", "t")


def test_a_name_outside_strings_is_no_place_for_words():
    with pytest.raises(BadInput, match="stands in no string"):
        translate_code("total = 1", "total → 合計", "t")


def test_a_translation_that_reaches_the_program_is_refused():
    with pytest.raises(BadInput, match="changes the program"):
        translate_code('x = f"{rows}"', "{rows} → {len(rows)}", "t")


def test_both_editions_of_a_cell_are_one_program():
    assert without_words('print("rows", f"{n} a")') == without_words('print("件数", f"{n} あ")')
    assert without_words('print("rows", f"{n} a")') != without_words('print("rows", f"{m} a")')
