"""Personal data that tell questions apart: masking them would make copies of what is none.

"Which branch has the number 03-5550-1000?" and the same with 1001 are two questions about numbers. A row
is left alone when masking makes its question, or the whole of it, equal to another row's that was not
equal before. Not so where somebody writes of the own datum ("ring me on …", 私の…), nor for
cards, My Numbers and names without a title: these are masked, whatever becomes equal.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

from lab_helpers.data.own_rows.announcing import follows_title
from lab_helpers.data.own_rows.copies import copy_key, row_key
from lab_helpers.data.pii import Span

_MINE = re.compile(
    r"\b(?:my|mine|our|us)\b|(?<!tell )(?<!show )(?<!give )(?<!send )\bme\b|\bI(?:['’]m| am| live| moved| have)\b"
    r"|(?:^|[.!?;]\s+|\bplease )(?:call|ring|phone|text|contact|reach|e-?mail|mail|write to|deliver|send)\b"
    r"|(?:私|僕|わたし|自分|当方|うち|こちら)(?:は|の|、|が|宛)|折り返し|(?:届けて|送って|お送り)(?:ください|下さい|ほしい|欲しい)"
    r"|(?:電話|連絡|返信|返事)を?(?:して)?(?:ください|下さい|ほしい|欲しい|くれ|お願い)",
    re.IGNORECASE,
)
_YOURS = re.compile(
    r"\b(?:call|ring|contact|phone|mail|reach|write to|send (?:it )?to)(?:ed)? you\b|\byours?\b"
    r"|(?:様|ご登録|あなた)の",
    re.IGNORECASE,
)
_KINDS = ("PHONE", "EMAIL", "ADDRESS", "POSTCODE")


def may_be_key(span: Span, text: str) -> bool:
    """Whether ``span`` of ``text`` can be what a question is about."""
    if span.kind == "NAME":
        return follows_title(text, span.start, span.end)
    return span.kind in _KINDS


def rows_told_apart(before: Sequence[dict], after: Sequence[dict]) -> set[int]:
    """Places of the rows that masking made equal to another row's, and that are about the datum."""
    if all(old is new for old, new in zip(before, after, strict=True)):
        return set()
    # What is masked for certain counts as masked, so that cleaning again comes to the same.
    settled = [old is new or _is_own(old) for old, new in zip(before, after, strict=True)]
    found: set[int] = set()
    for key in (_question_key, row_key):
        new_keys = [key(row) for row in after]
        old_keys: defaultdict[bytes, set[bytes]] = defaultdict(set)
        for old, new_key, done in zip(before, new_keys, settled, strict=True):
            old_keys[new_key].add(new_key if done else key(old))
        found |= {place for place, one in enumerate(new_keys) if len(old_keys[one]) > 1}
    return {place for place in found if not settled[place]}


def _question_key(row: dict) -> bytes:
    return copy_key(row["prompt"])


def _is_own(row: dict) -> bool:
    turns = [*row["prompt"], *row["completion"]]
    return any(
        (_YOURS if turn["role"] == "assistant" else _MINE).search(turn["content"])
        for turn in turns
        if turn["role"] != "system"
    )
