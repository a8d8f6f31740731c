"""Whose is a telephone number, an address, a name in training rows: the customer's or the firm's?

The customer's must not be learned, the firm's must: it is what the model should say. A datum is the
firm's when it stands

- in a system prompt (:data:`SYSTEM`), or in the prompts of many rows, as a context does (``CONTEXT``);
- in the answers of several different rows whose user did not write it (``ANSWERS``); so do a
  telephone number's first digits and an e-mail's domain, of which a firm has many (``FAMILY``);
- in one answer that announces it as the firm's, or where the user asked for it (``ANNOUNCED``).

A freephone number and a mailbox such as support@ are nobody's (``OPEN``). A person about whom the
question asks is no customer (``PERSON``), nor is one who answers (``STAFF``). All else is the customer's,
but for what masking must not touch: a number that nothing calls a postcode (``BARE``), and a datum
that tells questions apart (``KEY``; the rule: :mod:`question_keys`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from lab_helpers.data.own_rows.announcing import (
    announces,
    asks_for_contact,
    asks_who,
    follows_title,
    gives_own_name,
)
from lab_helpers.data.own_rows.bare_numbers import is_bare, names_one
from lab_helpers.data.own_rows.copies import copy_key
from lab_helpers.data.own_rows.markup import without_tags
from lab_helpers.data.pii import Span, find_pii, mask_spans
from lab_helpers.data.pii_patterns import NARROW

SYSTEM, CONTEXT, ANSWERS, FAMILY, ANNOUNCED, OPEN, PERSON, STAFF, BARE, KEY = (
    *("system prompt", "many prompts", "several answers", "several answers, its family"),
    *("announced", "open to all", "asked about", "answers by name", "bare number"),
    "tells questions apart",
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
    verdict = announces(before, after)
    return asks_for_contact(question) if verdict is None else verdict


def is_asked_about(span: Span, text: str, question: str) -> bool:
    """Whether ``span`` of ``text`` is a person in the third person, and ``question`` asks who that is."""
    return span.kind == "NAME" and asks_who(question) and follows_title(text, span.start, span.end)


def is_staff(span: Span, answer: str) -> bool:
    """Whether ``span`` of ``answer`` is the name that the one who answers gives as the own."""
    return span.kind == "NAME" and gives_own_name(answer, span.start, span.end)


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
    """What stands in turns that are neither the system's nor the assistant's.

    A bare number is the user's postcode where the turn before asks for one.
    """
    own: set[Key] = set()
    before = ""
    for turn in turns:
        if turn["role"] not in ("system", "assistant"):
            own |= {datum(span) for span in find_spans(turn["content"])}
            own |= {
                datum(one) for one in bare_spans(turn["content"]) if names_one(before, one.kind)
            }
        before = turn["content"]
    return own


def spans_in_row(text: str, own: set[Key]) -> list[Span]:
    """:func:`find_spans` of a text of a row whose user wrote ``own``, which needs no word a second time."""
    again = [one for one in bare_spans(text) if datum(one) in own]
    return sorted([*find_spans(text), *again], key=lambda span: span.start)


def find_spans(text: str) -> tuple[Span, ...]:
    """:func:`find_pii` without bare numbers, and what it would find next to a mask.

    So masking twice masks no more.
    """
    return _sorted_spans(text)[0]


def bare_spans(text: str) -> tuple[Span, ...]:
    """Numbers like a postcode or a My Number that nothing in ``text`` calls one."""
    return _sorted_spans(text)[1]


@lru_cache(maxsize=1 << 16)  # Counted first, masked afterwards; a system prompt is in every row.
def _sorted_spans(text: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    found = find_pii(text)
    bare = tuple(span for span in found if is_bare(span, text, found))
    spans = [span for span in found if span not in bare]
    while more := [one for one in _beside(text, spans) if one.text == text[one.start : one.end]]:
        new = [one for one in more if one not in bare]
        if not new:
            break
        spans = sorted([*spans, *new], key=lambda span: span.start)
    return tuple(spans), bare


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
    turns = list(turns)
    own = data_of_user(turns)
    return copy_key({**turn, "content": _plain(turn["content"], own)} for turn in turns)


def _plain(text: str, own: set[Key]) -> str:
    text = without_tags(text)
    return mask_spans(text, spans_in_row(text, own))
