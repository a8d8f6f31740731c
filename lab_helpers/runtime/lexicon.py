"""Short names in tables and figures, English → Japanese: ``lexicon.toml`` is the one list.

Records and code keep the English names; they are exchanged where they are shown. What takes more than a
few words is a sentence, and stands in both languages where it is said (:func:`~lab_helpers.runtime.language.say`).
"""

import tomllib
from functools import lru_cache
from pathlib import Path

from lab_helpers.runtime.language import language


@lru_cache(maxsize=1)
def entries() -> dict[str, str]:
    """All pairs of the list, whatever their heading."""
    path = Path(__file__).with_name("lexicon.toml")
    tables = tomllib.loads(path.read_text(encoding="utf-8")).values()
    return {english: japanese for table in tables for english, japanese in table.items()}


def term(name: str) -> str:
    """``name`` in the learner's language; one that is not in the list stays as it is."""
    return entries().get(name, name) if language() == "ja" else name
