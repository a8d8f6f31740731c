"""``labs claims``: the ledger of the article's claims against your own measurements, and a real model's."""

import json
from typing import TYPE_CHECKING

from lab_helpers.cli.options import AsJson, Language, Out, require_folder, speak

if TYPE_CHECKING:
    from lab_helpers.course.claims import Claim

    Ledger = list[tuple[Claim, dict[str, tuple[str, str]]]]


def claims(out: Out = None, as_json: AsJson = False, lang: Language = None) -> None:
    """The ledger: every claim of the article, and what each model that measured it says."""
    from lab_helpers.course.witnesses import ledger

    speak(lang)
    require_folder(out)
    rows = ledger(out)
    if not as_json:
        _show(rows)
        return
    found = [
        {"id": claim.id, "lab": claim.lab}
        | dict(zip(("verdict", "measured"), said["tiny"], strict=True))
        | {
            "witnesses": {
                profile: {"verdict": verdict, "measured": measured}
                for profile, (verdict, measured) in said.items()
            }
        }
        for claim, said in rows
    ]
    print(json.dumps(found, ensure_ascii=False))


def _show(rows: "Ledger") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.cli.line_breaks import breakable
    from lab_helpers.course.claims import verdict_name
    from lab_helpers.course.witnesses import WITNESSES
    from lab_helpers.runtime.language import say

    heard = [profile for profile in WITNESSES if any(profile in said for _, said in rows)]
    table = Table(show_lines=True)
    for heading in (
        "",
        say("claim", "主張"),
        *(WITNESSES[profile] for profile in heard),
        say("lab", "ラボ"),
    ):
        table.add_column(heading)
    for claim, said in rows:
        words = escape(f"「{claim.quote}」\n{claim.gloss}")
        told = [
            escape(f"{verdict_name(said[profile][0])}\n{said[profile][1]}".strip())
            if profile in said
            else ""
            for profile in heard
        ]
        table.add_row(claim.id, *map(breakable, (words, *told)), claim.lab)
    Console().print(table)
