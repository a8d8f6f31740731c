"""Whether the Japanese cells of a source are translations of what the English ones say now."""

import re
from pathlib import Path

from lab_helpers.course.notebooks import cell_hash, read_source
from lab_helpers.runtime.files import write_text
from lab_helpers.runtime.language import say

_NO_JAPANESE = ("no Japanese cell follows", "対応する日本語のセルがありません")


def stale_translations(path: Path) -> list[str]:
    """What is wrong with the Japanese cells of a source: missing, without partner, or out of date."""
    problems = []
    english = None
    for number, cell in enumerate(read_source(path).cells, 1):
        lang = cell.metadata.get("lang")
        if lang == "en":
            if english:
                problems.append(_at(path, english[0], *_NO_JAPANESE))
            english = (number, cell_hash(cell.source))
        elif lang == "ja":
            if english is None:
                problems.append(
                    _at(
                        path,
                        number,
                        "Japanese cell without an English one before it",
                        "日本語のセルの前に英語のセルがありません",
                    )
                )
            elif cell.metadata.get("of") != english[1]:
                problems.append(
                    _at(
                        path,
                        number,
                        f'stale translation, of="{english[1]}" is due',
                        f'訳が古くなっています（正しくは of="{english[1]}"）',
                    )
                )
            english = None
        elif english:
            problems.append(_at(path, english[0], *_NO_JAPANESE))
            english = None
    return problems


def _at(path: Path, number: int, en: str, ja: str) -> str:
    return say(f"{path.name} cell {number}: {en}", f"{path.name} セル {number}: {ja}")


def stamp_translations(path: Path) -> int:
    """Write the due hashes into the Japanese cells, after a person has read them again; how many changed."""
    text, due, changed = path.read_text(encoding="utf-8"), None, 0
    hashes = iter(
        cell_hash(c.source) for c in read_source(path).cells if c.metadata.get("lang") == "en"
    )
    lines = []
    for line in text.splitlines():
        if line.startswith("# %% [markdown]") and 'lang="en"' in line:
            due = next(hashes)
        elif line.startswith("# %% [markdown]") and 'lang="ja"' in line:
            fresh = re.sub(r'\s*of="[^"]*"', "", line) + f' of="{due}"'
            changed += fresh != line
            line = fresh
        lines.append(line)
    if changed:
        write_text(path, "\n".join(lines) + "\n")
    return changed
