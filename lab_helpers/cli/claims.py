"""``labs claims``: the ledger of the article's claims against your own measurements."""

import json
from typing import TYPE_CHECKING

from lab_helpers.cli.options import AsJson, Language, Out, require_folder, speak

if TYPE_CHECKING:
    from lab_helpers.course.claims import Claim


def claims(out: Out = None, as_json: AsJson = False, lang: Language = None) -> None:
    """The ledger: every claim of the article, the verdict, your measured value, the lab."""
    from lab_helpers.course.claims import ledger
    from lab_helpers.course.registry import LABS
    from lab_helpers.course.runs import latest_records

    speak(lang)
    require_folder(out)
    rows = ledger(latest_records(out), {lab.number for lab in LABS})
    if not as_json:
        _show(rows)
        return
    found = [
        {"id": claim.id, "lab": claim.lab, "verdict": verdict, "measured": measured}
        for claim, verdict, measured in rows
    ]
    print(json.dumps(found, ensure_ascii=False))


def _show(rows: "list[tuple[Claim, str, str]]") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.course.claims import verdict_name
    from lab_helpers.runtime.language import say

    table = Table(show_lines=True)
    for heading in (
        "",
        say("claim", "主張"),
        say("verdict", "判定"),
        say("measured", "実測"),
        say("lab", "ラボ"),
    ):
        table.add_column(heading)
    for claim, verdict, measured in rows:
        words = escape(f"「{claim.quote}」\n{claim.gloss}")
        table.add_row(claim.id, words, verdict_name(verdict), escape(measured), claim.lab)
    Console().print(table)
