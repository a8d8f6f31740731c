"""The data sets that the course ships, as lists of plain dicts."""

import copy
import json
from functools import lru_cache

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import data_folder

NAMES = (
    "reviews",
    "requests",
    "entities",
    "similarity",
    "support",
    "preferences",
    "documents",
    "questions",
    "mmlu",
    "gsm8k",
    "humaneval",
)


@lru_cache(maxsize=16)
def _rows(name: str, language: str) -> tuple[dict, ...]:
    path = data_folder() / f"{name}.{language}.jsonl"
    if not path.is_file():
        raise BadInput(
            say(
                f"no shipped data set '{name}' in '{language}'",
                f"言語「{language}」のデータセット「{name}」は付属していません",
            ),
            say(
                f"Use one of: {', '.join(NAMES)}.",
                f"次のいずれかを指定してください: {', '.join(NAMES)}。",
            ),
        )
    with path.open(encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


def load_shipped(name: str, language: str, split: str | None = None) -> list[dict]:
    """Rows of a shipped data set, one of :data:`NAMES`.

    ``language`` is ``"en"`` or ``"ja"``; ``split`` is ``"train"``, ``"validation"``, ``"test"`` or all.
    Documents and benchmarks have no splits.
    """
    rows = _rows(name, language)
    return [copy.deepcopy(row) for row in rows if split in (None, row.get("split"))]
