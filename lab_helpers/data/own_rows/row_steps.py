"""The steps that edit the texts of rows, each made for the whole file: what is usual there decides.

``make(rows, report)`` looks at all rows and returns the function from row to row. A row is
``{"prompt": [turns], "completion": [turns]}``.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

from lab_helpers.data.forms.turns import Message
from lab_helpers.data.own_rows.code_spans import code_spans, in_spans
from lab_helpers.data.own_rows.contacts import (
    ANNOUNCED,
    BARE,
    FAMILY,
    KEY,
    OPEN,
    PERSON,
    STAFF,
    SYSTEM,
    Key,
    bare_spans,
    data_of_user,
    datum,
    family_of,
    find_contacts,
    is_announced,
    is_asked_about,
    is_open,
    is_staff,
    plain_key,
    spans_in_row,
)
from lab_helpers.data.own_rows.markup import (
    decode_words,
    has_entities,
    has_tags,
    is_page_formatting,
    speaks_of_markup,
    strip_page,
)
from lab_helpers.data.own_rows.question_keys import may_be_key, rows_told_apart
from lab_helpers.data.own_rows.row_report import (
    KeptContact,
    RowsReport,
    edit_turns,
    question_of,
    turns_of,
)
from lab_helpers.data.own_rows.unseen import repair_unseen
from lab_helpers.data.pii import Span, mask_spans

Change = Callable[[dict], dict]
Left = tuple[Span, str, int]  # what was left alone, why, and how many rows say so

HTML_IS_CONTENT, HTML_IN_MOST, ENTITIES = "content", "in most rows", "entities"
MOST = 0.5


def make_strip_pages(rows: Sequence[dict], report: RowsReport) -> Change:
    """A page's formatting goes; what is left alone is counted in ``report.html_left``."""
    usual = _roles_with_tags(rows)

    def strip(row: dict) -> dict:
        if any(speaks_of_markup(turn["content"]) for turn in turns_of(row)):
            found = {HTML_IS_CONTENT} if any(map(_has_tags, turns_of(row))) else set()
            stripped = row
        else:
            found = {why for turn in turns_of(row) if (why := _why_tags_stay(turn, usual))}
            stripped = edit_turns(row, lambda turn, text: _strip_text(turn, text, usual))
        if any(map(_has_entities, turns_of(stripped))):
            found.add(ENTITIES)
        ordered = (HTML_IS_CONTENT, HTML_IN_MOST, ENTITIES)
        report.html_left.update([why for why in ordered if why in found][:1])
        return stripped

    return strip


def _strip_text(turn: Message, text: str, usual: set[str]) -> str:
    if (
        turn["role"] == "system"
        or _why_tags_stay(turn, usual)
        or (has_tags(text) and not is_page_formatting(text))
    ):
        return text
    return strip_page(text) if has_tags(text) else decode_words(text)


def _why_tags_stay(turn: Message, usual: set[str]) -> str | None:
    if not _has_tags(turn):
        return None
    if not is_page_formatting(turn["content"]):
        return HTML_IS_CONTENT
    return HTML_IN_MOST if turn["role"] in usual else None


def _has_tags(turn: Message) -> bool:
    return turn["role"] != "system" and has_tags(turn["content"])


def _has_entities(turn: Message) -> bool:
    return turn["role"] != "system" and has_entities(turn["content"])


def _roles_with_tags(rows: Sequence[dict]) -> set[str]:
    """The roles that speak in tags in more than :data:`MOST` of the different rows.

    Rows that say nothing without their tags do not count: they will be taken out.
    """
    marked: defaultdict[str, set[bytes]] = defaultdict(set)
    if not any(_has_tags(turn) for row in rows for turn in turns_of(row)):
        return set()
    different = set()
    for row in rows:
        if _is_blank(question_of(row)) or _is_blank(row["completion"][-1]["content"]):
            continue
        key = plain_key(turns_of(row))
        different.add(key)
        for turn in turns_of(row):
            if _has_tags(turn):
                marked[turn["role"]].add(key)
    return {role for role, keys in marked.items() if len(keys) > MOST * len(different)}


def _is_blank(text: str) -> bool:
    return not strip_page(text)


def make_repair(rows: Sequence[dict], report: RowsReport) -> Change:
    """What no reader sees is repaired."""
    return lambda row: edit_turns(row, lambda turn, text: repair_unseen(text))


def make_mask(rows: Sequence[dict], report: RowsReport) -> Change:
    """A customer's personal data are masked; the firm's are listed in ``report.contacts``.

    In an answer's code only what the user wrote is masked.
    """
    contacts = find_contacts(rows)
    results = [_mask_row(row, contacts) for row in rows]
    for place in rows_told_apart(rows, [row for row, _ in results]):
        results[place] = _mask_row(rows[place], contacts, about_its_data=True)
    result_of = {id(row): result for row, result in zip(rows, results, strict=True)}

    def mask(row: dict) -> dict:
        masked, left = result_of[id(row)]
        for span, why, count in left:
            _note_contact(report, span, why, count)
        return masked

    return mask


def _mask_row(
    row: dict, contacts: dict[Key, tuple[str, int]], about_its_data: bool = False
) -> tuple[dict, list[Left]]:
    """``row`` masked, and what was left alone in it."""
    own, question = data_of_user(turns_of(row)), question_of(row)
    left: list[Left] = []

    def edit(turn: Message, text: str) -> str:
        masked = []
        for span in spans_in_row(text, own):
            if why := _why_left(span, turn, text, question, own, contacts):
                left.append((span, *why))
            elif _is_written_code(span, turn, text, own):
                continue
            elif about_its_data and may_be_key(span, text):
                left.append((span, KEY, 1))
            else:
                masked.append(span)
        left.extend((span, BARE, 1) for span in bare_spans(text) if datum(span) not in own)
        return mask_spans(text, masked)

    return edit_turns(row, edit, calls=True), left


def _note_contact(report: RowsReport, span: Span, why: str, rows: int) -> None:
    """One entry for a datum, or for a family of numbers or mailboxes, or for what looks like a number."""
    one: object = family_of(span) if why == FAMILY else datum(span)
    one = span.kind if why in (BARE, KEY) else one
    kept = report.contacts.setdefault((one, why), KeptContact(span.kind, span.text, rows, why))
    kept.data.add(datum(span))
    if why in (BARE, KEY):
        kept.rows = len(kept.data)


def _why_left(
    span: Span,
    turn: Message,
    text: str,
    question: str,
    own: set[Key],
    contacts: dict[Key, tuple[str, int]],
) -> tuple[str, int] | None:
    """Why ``span`` stays, and how many rows say so; ``None`` when it is the customer's."""
    if found := contacts.get(datum(span)):
        return found
    if is_open(span):
        return OPEN, 1
    if turn["role"] == "system":
        return SYSTEM, 1
    if is_asked_about(span, text, question):
        return PERSON, 1
    if turn["role"] == "assistant" and datum(span) not in own and is_staff(span, text):
        return STAFF, 1
    announced = (
        turn["role"] == "assistant"
        and datum(span) not in own
        and is_announced(span, text, question)
    )
    return (ANNOUNCED, 1) if announced else None


def _is_written_code(span: Span, turn: Message, text: str, own: set[Key]) -> bool:
    return (
        turn["role"] == "assistant"
        and datum(span) not in own
        and in_spans(span.start, code_spans(text))
    )
