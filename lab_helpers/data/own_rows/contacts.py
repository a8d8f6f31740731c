"""Whose is a telephone number, an address, a name in training rows: the customer's or the firm's?

The customer's must not be learned, the firm's must: it is what the model should say. A datum is the
firm's when it stands

- in a system prompt (:data:`SYSTEM`), or in the prompts of many rows, as a context does (``CONTEXT``);
- in the answers of several different rows whose user did not write it (``ANSWERS``); so do a
  telephone number's first digits and an e-mail's domain, of which a firm has many (``FAMILY``);
- in one answer that announces it as the firm's, or where the user asked for it (``ANNOUNCED``).

A freephone number and a mailbox such as support@ are nobody's (``OPEN``). A person about whom the
question asks is no customer (``PERSON``). All else is the customer's.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from lab_helpers.data.own_rows.copies import copy_key
from lab_helpers.data.own_rows.markup import without_tags
from lab_helpers.data.pii import Span, find_pii, mask_spans
from lab_helpers.data.pii_patterns import NARROW

SYSTEM, CONTEXT, ANSWERS, FAMILY, ANNOUNCED, OPEN, PERSON = (
    *("system prompt", "many prompts", "several answers", "several answers, its family"),
    *("announced", "open to all", "asked about"),
)

SEVERAL = 2
SEVERAL_NAMES = 3  # Two customers may be called Sato.
SEVERAL_OF_A_FAMILY = 3
MANY_PROMPTS, MANY_PROMPTS_SHARE = 3, 0.2

Key = tuple[str, str]

_FREEPHONE = re.compile(r"0120\d{6}|0800\d{6,7}|0570\d{6}|(?:\+?1)?8(?:00|33|44|55|66|77|88)\d{7}")
_OPEN_MAILBOX = re.compile(
    r"(?:admin|billing|care|contact|customer[._-]?(?:care|service)|enquir(?:y|ies)|feedback|hello"
    r"|help(?:desk)?|hr|info|inquir(?:y|ies)|jobs|mail|marketing|no-?reply|office|orders?|press"
    r"|privacy|recruit|returns?|sales|service|shop|support|webmaster)@.*"
)
# Where private people have their mailboxes: a domain of many customers is no firm's.
_PRIVATE_DOMAINS = re.compile(
    r"(?:g(?:oogle)?mail|yahoo|ymail|hotmail|outlook|live|msn|icloud|me|mac|aol|gmx|web|mail|proton(?:mail)?"
    r"|qq|163|126|naver|docomo|ezweb|au|softbank|i\.softbank|nifty|biglobe|ocn|so-net|excite)"
    r"\.(?:com|net|org|de|ne\.jp|co\.jp|jp|co\.uk|fr|it|es|me|ch|cn)"
)
_OURS = re.compile(
    r"\b(?:us|our|desk|hot ?line|help ?line|head ?office|branch|showroom|reception|customer (?:care|service)"
    r"|call cent(?:er|re))\b"
    r"|当店|当社|弊社|小社|当院|当館|窓口|コールセンター|カスタマー|サポート|問い?合わ?せ|フリーダイヤル|代表|受付"
    r"|本社|本店|支店|店舗|営業所|事務局|(?:お電話|ご連絡)(?:ください|下さい)",
    re.IGNORECASE,
)
_YOURS = re.compile(
    r"\b(?:call|reach|contact|phone|mail|write to|ring|send (?:it )?to) you\b|\byours?\b"
    r"|(?:様|さん|ご登録|あなた)の",
    re.IGNORECASE,
)
_ASKED = re.compile(
    r"\b(?:(?:tele)?phone|number|contact|call|e-?mail|mail|address|where (?:are|is)|hot ?line)\b"
    r"|電話|連絡先|問い?合わ?せ|メール|住所|所在地|どこ|窓口",
    re.IGNORECASE,
)
_MINE = re.compile(r"\bmy\b|\bfor me\b|(?:私|自分)の|登録", re.IGNORECASE)
# A name that somebody gives as his own follows other words than a title.
_TITLE_BEFORE = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor)\b\.? ?$")
_TITLE_AFTER = re.compile(" ?(?:氏|さん|博士|先生|様)")
_WHO = re.compile(
    r"\bwho(?:m|se)? (?:is|are|was|were|did|wrote|made|invented)\b|\bbiograph|誰|だれ|どんな人|何をした人|伝記",
    re.IGNORECASE,
)
_NEAR = 60


def find_contacts(rows: Sequence[dict]) -> dict[Key, tuple[str, int]]:
    """The firm's contact facts in ``rows``: datum -> why it is the firm's, and how many rows say so.

    A row is ``{"prompt": [turns], "completion": [turns]}``. Rows that differ in nothing but personal
    data count as one.
    """
    systems: set[Key] = set()
    asked: defaultdict[Key, set[bytes]] = defaultdict(set)
    answered: defaultdict[Key, set[bytes]] = defaultdict(set)
    family_data: defaultdict[Key | None, set[Key]] = defaultdict(set)
    keys = set()
    for row in rows:
        turns = [*row["prompt"], *row["completion"]]
        key = plain_key(turns)
        keys.add(key)
        said = {role: spans_of(turns, role) for role in ("system", "assistant")}
        own = data_of_user(turns)
        systems |= {datum(span) for span in said["system"]}
        for one in own:
            asked[one].add(key)
        for span in said["assistant"]:
            if datum(span) not in own:
                answered[datum(span)].add(key)
                family_data[family_of(span)].add(datum(span))
    many = max(MANY_PROMPTS, MANY_PROMPTS_SHARE * len(keys))
    facts = {one: (CONTEXT, len(found)) for one, found in asked.items() if len(found) >= many}
    for family, data in family_data.items():
        found = {key for one in data for key in answered[one]}
        if family and len(found) >= SEVERAL_OF_A_FAMILY:
            facts |= {one: (FAMILY, len(found)) for one in data}
    facts |= {
        one: (ANSWERS, len(found))
        for one, found in answered.items()
        if len(found) >= (SEVERAL_NAMES if one[0] == "NAME" else SEVERAL)
    }
    return facts | {one: (SYSTEM, len(keys)) for one in systems}


def is_announced(span: Span, answer: str, question: str) -> bool:
    """Whether ``answer`` speaks of ``span`` as the firm's, or gives it because ``question`` asks.

    Judged on the masked text, so that the same comes out where a neighbour is masked already.
    """
    if span.kind not in ("PHONE", "EMAIL", "ADDRESS", "POSTCODE"):
        return False
    spans = find_spans(answer)
    before = mask_spans(answer[: span.start], [one for one in spans if one.end <= span.start])
    masked = mask_spans(answer, spans)
    after = masked[len(before) + len(span.kind) + 2 :]
    if _YOURS.search(before[-_NEAR:]):
        return False
    if _OURS.search(before[-_NEAR:]) or _OURS.search(after[:_NEAR]):
        return True
    return bool(_ASKED.search(question) and not _MINE.search(question))


def is_asked_about(span: Span, text: str, question: str) -> bool:
    """Whether ``span`` of ``text`` is a person in the third person, and ``question`` asks who that is."""
    return (
        span.kind == "NAME"
        and _WHO.search(question) is not None
        and bool(_TITLE_BEFORE.search(text[: span.start]) or _TITLE_AFTER.match(text, pos=span.end))
    )


def is_open(span: Span) -> bool:
    """A freephone number or a mailbox of a whole office."""
    _, text = datum(span)
    if span.kind == "PHONE":
        return _FREEPHONE.fullmatch(text) is not None
    return span.kind == "EMAIL" and _OPEN_MAILBOX.fullmatch(text) is not None


def datum(span: Span) -> Key:
    """Kind and text of ``span``, the same for each way to write it: 03-1234-5678, (03)1234 5678."""
    text = span.text.translate(NARROW).lower()
    if span.kind in ("PHONE", "CARD", "MYNUMBER", "POSTCODE"):
        return span.kind, re.sub(r"[^\w+]", "", text)
    return span.kind, " ".join(text.split())


def family_of(span: Span) -> Key | None:
    """What a firm's numbers share, all but the last four digits; what its mailboxes do, the domain."""
    kind, text = datum(span)
    if kind in ("PHONE", "POSTCODE") and text.lstrip("+").isdigit():
        return kind, text[:-4]
    domain = text.partition("@")[2]
    if kind == "EMAIL" and not _PRIVATE_DOMAINS.fullmatch(domain):
        return kind, f"@{domain}"
    return None


def spans_of(turns: Iterable[dict], role: str) -> list[Span]:
    """The personal data of all turns of ``role``."""
    return [span for turn in turns if turn["role"] == role for span in find_spans(turn["content"])]


def data_of_user(turns: Iterable[dict]) -> set[Key]:
    """What stands in turns that are neither the system's nor the assistant's."""
    others = (turn for turn in turns if turn["role"] not in ("system", "assistant"))
    return {datum(span) for turn in others for span in find_spans(turn["content"])}


@lru_cache(maxsize=1 << 16)  # Counted first, masked afterwards; a system prompt is in every row.
def find_spans(text: str) -> tuple[Span, ...]:
    """:func:`find_pii`, and what it would find next to a mask: so masking twice masks no more."""
    spans = find_pii(text)
    while more := [one for one in _beside(text, spans) if one.text == text[one.start : one.end]]:
        spans = sorted([*spans, *more], key=lambda span: span.start)
    return tuple(spans)


def _beside(text: str, masks: list[Span]) -> Iterator[Span]:
    """What is found in ``text`` with ``masks``, at its place in the text without."""
    for span in find_pii(mask_spans(text, masks)) if masks else []:
        shift = 0
        for mask in masks:
            if mask.start + shift >= span.start:
                break
            shift += len(mask.kind) + 2 - len(mask.text)
        yield Span(span.kind, span.start - shift, span.end - shift, span.text)


def plain_key(turns: Iterable[dict]) -> bytes:
    """What turns say without tags and personal data: the same before and after cleaning."""
    return copy_key({**turn, "content": _plain(turn["content"])} for turn in turns)


def _plain(text: str) -> str:
    text = without_tags(text)
    return mask_spans(text, find_spans(text))
