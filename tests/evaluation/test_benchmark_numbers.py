"""Which number a reply gives: English and Japanese writing, planted mistakes, lm-eval's own filters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.evaluation.benchmarks.formats import read_gsm8k
from lab_helpers.evaluation.benchmarks.numbers import (
    exact_number,
    extract_answer,
    flexible_answer,
    strict_answer,
)


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        ("She has 7+5 = <<7+5=12>>12 stickers.\n#### 12", "12"),
        ("#### 1,450", "1450"),
        ("#### -5.", "-5"),
        ("#### 18.50", "18.5"),
        ("#### １，４５０", "1450"),
        ("＃＃＃＃ ３", "3"),
        ("#### 4\nQuestion: What is 5?\n#### 5", "4"),  # the model went on: its first answer counts
        ("The answer is 12.", None),
        ("####12", None),
        ("#### twelve", None),
        ("### 12", None),
        ("", None),
    ],
)
def test_strict_takes_only_what_stands_after_the_mark(reply, number):
    assert strict_answer(reply) == number


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        ("So she pays $1,450.", "1450"),
        ("It costs $18.00", "18"),
        ("7 + 5 is 12", "12"),
        ("12 stickers, 3 boxes", "3"),
        ("16-3=13", "13"),
        ("The result of 16-3", "3"),
        ("It fell to -3 degrees", "-3"),
        ("that is -$4", "-4"),
        ("Wait... 12... done...", "12"),
        ("pages 3, 4", "4"),
        ("1,2345", "2345"),
        ("0.5 litres", "0.5"),
        ("007", "7"),
        ("答えは１，４５０円です。", "1450"),
        ("合計は1、450円になります。", "1450"),
        ("3、4、5のうち5。", "5"),
        ("気温は−3度", "-3"),
        ("答えは－３", "-3"),
        ("答えはマイナス3です", "-3"),
        ("損益は▲1,200", "-1200"),
        ("￥1,450", "1450"),
        ("2万円", "20000"),
        ("3万5千円", "35000"),
        ("1億2,000万円", "120000000"),
        ("5千万円", "50000000"),
        ("3万5000円のうち2割", "2"),
        ("分かりません。", None),
        ("...", None),
        ("$", None),
    ],
)
def test_flexible_takes_the_last_number(reply, number):
    assert flexible_answer(reply) == number


@pytest.mark.parametrize("text", ["12 stickers", "about 5", "5 or 6", "", "####", "1,2345", "3/4"])
def test_an_exact_number_is_nothing_but_a_number(text):
    assert exact_number(text) is None


def test_planted_mistakes_are_not_right():
    """Wrong answers that careless extraction lets through."""
    for reply, gold in (
        ("#### 120", "12"),
        ("#### 1,2", "12"),
        ("#### -12", "12"),
        ("#### 12.5", "12"),
        ("#### 12\n#### 13", "13"),
    ):
        assert strict_answer(reply) != gold
    for reply, gold in (
        ("12 apples and 5 pears", "12"),
        ("答えは12万", "12"),
        ("１２０", "12"),
        ("−12", "12"),
    ):
        assert flexible_answer(reply) != gold


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_shipped_solutions_give_their_answers(language):
    for problem in read_gsm8k(language):
        assert strict_answer(problem.solution) == problem.answer
        assert flexible_answer(problem.solution) == problem.answer


@given(st.integers(-(10**12), 10**12), st.sampled_from(["", "So it is ", "答えは", "合計は $"]))
def test_any_integer_in_any_writing(number, before):
    sign, digits = "-" if number < 0 else "", f"{abs(number):,}"
    full = digits.translate(str.maketrans("0123456789,", "０１２３４５６７８９，"))
    for written in (str(number), sign + digits, sign + full, sign + digits.replace(",", "、")):
        assert flexible_answer(before.replace("$", "") + written + " 円です。") == str(number)
        assert strict_answer(f"#### {written}") == str(number)
        assert exact_number(f" {written}.") == str(number)


@given(st.text(alphabet=" 0123456789.,-−$¥億万千百、#マイナス４，\nab円", max_size=40))
def test_whatever_the_text_a_number_is_a_number(text):
    for found in (strict_answer(text), flexible_answer(text), exact_number(text)):
        assert found is None or re.fullmatch(r"-?\d+(\.\d*[1-9])?", found)


def test_digits_without_end_are_read_exactly():
    """A model that repeats one token."""
    assert flexible_answer("9" * 5000) == "9" * 5000


words = st.sampled_from(["she", "has", "pays", "and", "left", "the", "dollars", "=", "+", "in all"])
amounts = st.integers(-99999, 99999).map(lambda n: f"{n:,}")


@given(st.lists(words | amounts, max_size=8), st.none() | amounts, st.sampled_from(["", ".", "\n"]))
def test_ordinary_replies_are_read_as_lm_eval_reads_them(parts, marked, end):
    """lm-eval's own regular expressions and clean-up, on replies without its known slips ("...")."""
    extraction = pytest.importorskip("lm_eval.filters.extraction", reason="needs the [eval] extra")
    strict = extraction.RegexFilter(r"#### (\-?[0-9\.\,]+)")
    flexible = extraction.RegexFilter(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1)
    reply = " ".join(parts) + (f" #### {marked}" if marked else "") + end
    for filtered, ours in ((strict, strict_answer), (flexible, flexible_answer)):
        ((theirs,),) = filtered.apply([[reply]], [{}])
        cleaned = re.sub(r"\.$", "", re.sub(r"[,$]", "", theirs))
        assert ours(reply) == (None if theirs == "[invalid]" else str(int(cleaned)))


def test_where_ours_reads_more_than_lm_eval():
    extraction = pytest.importorskip("lm_eval.filters.extraction", reason="needs the [eval] extra")
    flexible = extraction.RegexFilter(r"(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1)
    for reply, theirs, ours in (
        ("12. Done...", "...", "12"),
        ("１，４５０円", "[invalid]", "1450"),
        ("2万円", "2", "20000"),
    ):
        assert flexible.apply([[reply]], [{}]) == [[theirs]]
        assert flexible_answer(reply) == ours


def test_the_lenient_rule_falls_back_on_the_last_number():
    assert extract_answer("3 and 4 are\n#### 7\nQuestion: 12") == "7"
    assert extract_answer("3 and 4 are 7.") == "7"
    assert extract_answer("I do not know.") is None
