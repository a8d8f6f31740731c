"""Numbers that look like a postcode or a My Number and may be a part's: a word or an address decides.

450-1200 is a Japanese postcode after 〒 or 郵便番号 and beside an address; beside "filter" it is a code.
"""

import re

from lab_helpers.data.pii import Span
from lab_helpers.data.pii_patterns import NARROW

_BEFORE, _AFTER = 32, 12

_POSTCODE_NAMES = r"\b(?:post(?:al)?[ -]?codes?|zip)\b|〒|郵便番号"
_MY_NUMBER_NAMES = (
    r"\b(?:my ?number|individual number|(?:national|personal) (?:id|number)|social (?:security|insurance))"
    "|マイナンバー|個人番号"
)
_NAMED = {
    "POSTCODE": re.compile(_POSTCODE_NAMES, re.IGNORECASE),
    "MYNUMBER": re.compile(_MY_NUMBER_NAMES, re.IGNORECASE),
}
_PLACE = re.compile(
    r"\b(?:address|liv(?:e|es|ed|ing) (?:at|in)|moved? to|(?:deliver|ship|post|mail)(?:ed|s)? (?:\w+ ){0,2}to|send (?:it|them|this|that) to"
    r"|resid\w+)\b|住所|住ん|お住まい|宛|届け先|お届け|配送先|送り先|引っ越",
    re.IGNORECASE,
)
_PLACE_AFTER = re.compile(
    r"[ 、,:]{0,2}(?:\[ADDRESS\]|東京都|北海道|(?:大阪|京都)府|[一-鿿]{2,3}県|[一-鿿ァ-ヴー]{1,6}[市区町村郡](?![一-鿿]))"
    "|(?:に|へ)(?:住|届|送|引っ越|配)"
)
_JAPANESE = re.compile(r"\d{3}-\d{4}")
_AMERICAN = re.compile(r"\d{5}(?:-\d{4})?")
_STATE_BEFORE = re.compile(
    r"(?:, ?|\] ?)(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI"
    r"|S[CD]|T[NX]|UT|V[AT]|W[AIVY]) $"
)


def is_bare(span: Span, text: str, spans: list[Span]) -> bool:
    """Whether nothing in ``text`` says that ``span``, of ``spans``, is a postcode or a My Number."""
    number = span.text.translate(NARROW)
    named = _NAMED.get(span.kind)
    if named is None or (span.kind == "POSTCODE" and not _may_be_code(number)):
        return False
    before, after = text[max(0, span.start - _BEFORE) : span.start], text[span.end :]
    if named.search(before) or named.search(after[:_AFTER]):
        return False
    if span.kind == "MYNUMBER":
        return True
    if _STATE_BEFORE.search(before) or _PLACE.search(before) or _PLACE_AFTER.match(after):
        return False
    return not any(_is_beside(span, one) for one in spans)


def names_one(text: str, kind: str) -> bool:
    """Whether ``text`` speaks of numbers of ``kind`` by their name, as somebody does who asks for one."""
    return kind in _NAMED and _NAMED[kind].search(text) is not None


def _may_be_code(number: str) -> bool:
    return bool(_JAPANESE.fullmatch(number) or _AMERICAN.fullmatch(number))


def _is_beside(span: Span, other: Span) -> bool:
    near = 3 >= other.start - span.end >= 0 or 12 >= span.start - other.end >= 0
    return other.kind == "ADDRESS" and near
