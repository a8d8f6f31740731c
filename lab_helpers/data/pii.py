"""Find and mask personal data (PII) in English and Japanese text with patterns and check digits.

Order numbers, product codes (NW-800), prices (118,000円) and dates stay. Patterns miss what has no
pattern: a name without a title, a self-introduction or a common Japanese surname before 様 or さん; an
address without a house number; foreign identity numbers. Masking lowers the risk, a person must still
look: do not publish data because this module found nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from lab_helpers.data import pii_patterns as patterns

KINDS = ("EMAIL", "PHONE", "CARD", "POSTCODE", "ADDRESS", "NAME", "MYNUMBER")
# A number right after one of these words is the shop's, not a person's.
_BUSINESS_NUMBER = re.compile(
    r"(?:order|invoice|tracking|serial|model|part|product|ticket|case|reference|ref|"
    r"\b(?:jan|ean|upc|gtin|isbn|imei|iccid|sku|barcode|lot|batch)|ロット|部品|バーコード|"
    r"注文|受注|伝票|型番|製造|品番|製品|シリアル|管理|受付|追跡|問い?合わ?せ|商品|請求書|"
    # Of these only the number is the shop's: "the parcel? 090-…" is a customer's telephone.
    r"(?:shipping|shipment|parcel|booking|reservation|配送|予約|送り状|荷物)"
    r"[ ]?(?=no\b|number|id\b|code|番号|コード|ナンバー))"
    r"[ ]?(?:no\.?|number|id|code|番号|コード|ナンバー)?[ ]?(?:is|was|は|が|[:：#＃])?[ ]?[#＃]?$",
    re.IGNORECASE,
)
_BEFORE = 24


class Span(NamedTuple):
    """``text[start:end]`` of the searched text is personal data of ``kind`` (of :data:`KINDS`)."""

    kind: str
    start: int
    end: int
    text: str


def find_pii(text: str) -> list[Span]:
    """The personal data in ``text``, in order and without overlaps.

    Full-width digits and letters count as ASCII ones. Kinds are tried from the surest to the least
    sure (email first, names last); what an earlier kind has taken is not given to a later one.
    """
    plain = text.translate(patterns.NARROW)  # One character for one: positions stay.
    taken: list[Span] = []
    for kind, finder in _FINDERS:
        for start, end in finder(plain):
            if all(end <= span.start or span.end <= start for span in taken):
                taken.append(Span(kind, start, end, text[start:end]))
    return sorted(taken, key=lambda span: span.start)


def mask_pii(text: str) -> str:
    """``text`` with every span of :func:`find_pii` replaced by its kind: ``[EMAIL]``, ``[NAME]``, …"""
    return mask_spans(text, find_pii(text))


def mask_spans(text: str, spans: Iterable[Span]) -> str:
    """``text`` with ``spans``, in order, replaced by their kinds."""
    pieces, position = [], 0
    for span in spans:
        pieces += [text[position : span.start], f"[{span.kind}]"]
        position = span.end
    return "".join([*pieces, text[position:]])


def luhn(digits: str) -> bool:
    """The check of payment card numbers: every second digit from the right doubled, sum % 10 = 0."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def my_number(digits: str) -> bool:
    """The check digit of a Japanese Individual Number (マイナンバー), 12 digits.

    Ministerial ordinance 85 of 2014, article 5: with P_n the n-th digit from the right of the first
    11 and Q_n = n + 1 for n <= 6, else n - 5, the check digit is 11 - (Σ P_n Q_n mod 11), or 0 where
    that remainder is 0 or 1.
    """
    total = sum(
        int(digit) * (n + 1 if n <= 6 else n - 5)
        for n, digit in enumerate(reversed(digits[:11]), 1)
    )
    remainder = total % 11
    return int(digits[11]) == (0 if remainder <= 1 else 11 - remainder)


def _plain(pattern: re.Pattern) -> Callable[[str], Iterator[tuple[int, int]]]:
    """A finder of a pattern's group ``pii``, or of the whole match."""
    group = "pii" if "pii" in pattern.groupindex else 0

    def find(text: str) -> Iterator[tuple[int, int]]:
        for match in pattern.finditer(text):
            if match[group]:
                yield match.span(group)

    return find


def _number(
    pattern: re.Pattern, fits: Callable[[str], bool]
) -> Callable[[str], Iterator[tuple[int, int]]]:
    """A finder of numbers whose digits pass ``fits`` and that no business word introduces."""

    def find(text: str) -> Iterator[tuple[int, int]]:
        for match in pattern.finditer(text):
            digits = re.sub(r"\D", "", match[0])
            before = text[max(0, match.start() - _BEFORE) : match.start()]
            if fits(digits) and not _BUSINESS_NUMBER.search(before):
                yield match.span()

    return find


def _is_card(digits: str) -> bool:
    return 13 <= len(digits) <= 19 and digits[0] in "23456" and luhn(digits)


def _is_phone(digits: str) -> bool:
    """Domestic numbers that begin with 0 have 10 or 11 digits; 03-12-2024 is a date."""
    return len(digits) in (10, 11) if digits[0] == "0" else 10 <= len(digits) <= 15


def _is_my_number(digits: str) -> bool:
    return len(digits) == 12 and len(set(digits)) > 1 and my_number(digits)


_FINDERS: tuple[tuple[str, Callable[[str], Iterator[tuple[int, int]]]], ...] = (
    ("EMAIL", _plain(patterns.EMAIL)),
    ("CARD", _number(patterns.CARD, _is_card)),
    ("MYNUMBER", _number(patterns.MYNUMBER, _is_my_number)),
    ("POSTCODE", _plain(patterns.MARKED_POSTCODE)),
    ("PHONE", _number(patterns.PHONE, _is_phone)),
    ("PHONE", _plain(patterns.ANNOUNCED_PHONE)),
    ("POSTCODE", _number(patterns.POSTCODE, lambda digits: True)),
    ("ADDRESS", _plain(patterns.JAPANESE_ADDRESS)),
    ("ADDRESS", _plain(patterns.ENGLISH_ADDRESS)),
    *(("NAME", _plain(pattern)) for pattern in patterns.NAMES),
)
