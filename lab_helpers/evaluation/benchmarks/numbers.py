"""The number that a reply gives as its answer, in English or Japanese writing.

GSM8K's own rule (Cobbe et al. 2021, ``grade_school_math/dataset.py``) takes what stands after "#### ",
without commas. A model that was not shown this form never writes it, so harnesses also take the last
number of the reply. Both are shown here, as a large part of a score can be its extraction.

Read as numbers: 1,450, １４５０, 1、450, $18.50, -5, −5, マイナス5, 2万5千. Not read: 十二, "twelve", 3/4 (it
ends in 4). Numbers are compared by value, so 18.00 is 18; lm-eval compares texts, where it is not.
"""

import re
import unicodedata
from decimal import Decimal, localcontext

_UNITS = {"千万": 10**7, "百万": 10**6, "億": 10**8, "万": 10**4, "千": 10**3, "百": 100}
# "1,450" is one number and "3, 4" are two: a comma groups where three digits follow it each time.
_DIGITS = r"(?:[0-9]{1,3}(?:[,、][0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_AMOUNT = rf"(?:{_DIGITS}(?:{'|'.join(_UNITS)}))+(?:{_DIGITS})?|{_DIGITS}"
# "16-3" is a subtraction, 16 and 3; "答えは-3" is negative.
_SIGN = r"(?:(?<![0-9A-Za-z)])-|マイナス)?"
_NUMBER = re.compile(rf"({_SIGN})[$¥€£]?({_AMOUNT})")
_STRICT = re.compile(rf"#### (-?)({_AMOUNT})")
_PART = re.compile(rf"({_DIGITS})({'|'.join(_UNITS)})?")
# NFKC leaves the mathematical minus and the dash alone, and bookkeepers write ▲5 for -5.
_MINUS_SIGNS = str.maketrans("−–‐▲△", "-----")


def strict_answer(reply: str) -> str | None:
    """The number after the first "#### ", as the benchmark defines it; None where it is not written so."""
    return _value(_STRICT.search(_plain(reply)))


def flexible_answer(reply: str) -> str | None:
    """The last number of the reply, wherever it stands; None where there is no number."""
    last = None
    for found in _NUMBER.finditer(_plain(reply)):
        last = found
    return _value(last)


def extract_answer(reply):
    """The number after "#### ", else the last number of the reply; None where there is none.

    So a reply in GSM8K's own form is read by its own rule, and any other is not thrown away.
    """
    return strict_answer(reply) or flexible_answer(reply)


def exact_number(text: str) -> str | None:
    """The number that ``text`` is, white space and a final full stop aside; None if it says more."""
    return _value(_NUMBER.fullmatch(_plain(text).strip().rstrip(".。")))


def _plain(text: str) -> str:
    """Full-width digits, commas and yen signs as ordinary ones; one kind of minus sign."""
    return unicodedata.normalize("NFKC", text).translate(_MINUS_SIGNS)


def _value(found: re.Match[str] | None) -> str | None:
    """The number in one writing, without groups and without zeros at the end: "-1450", "0.5"."""
    if found is None:
        return None
    sign, amount = found.groups()
    total = Decimal(0)
    with localcontext(prec=len(amount) + 8):  # exact, however many digits a broken model writes
        for digits, unit in _PART.findall(amount):
            total += Decimal(re.sub("[,、]", "", digits)) * _UNITS.get(unit, 1)
    written = f"{total:f}"
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return f"-{written}" if sign and written != "0" else written
