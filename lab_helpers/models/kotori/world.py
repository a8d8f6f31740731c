"""The hand-written part of Kotori's world: files under ``world/``, and the slots in their texts."""

import json
import re
from functools import lru_cache
from pathlib import Path
from random import Random

from lab_helpers.models.kotori import values

FOLDER = Path(__file__).parent / "world"
LANGUAGES = ("en", "ja")

_SLOT_KINDS = {"person": "first_name", "shop": "shop", "code": "code"}
_SLOT = re.compile(r"\{([a-z]+)(\d*)\}")
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")


@lru_cache
def rows(name: str) -> tuple[dict, ...]:
    """The rows of ``world/<name>.jsonl``."""
    text = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    return tuple(json.loads(line) for line in text.splitlines() if line.strip())


class Slots:
    """Values for the slots of one text: the same slot twice gives the same value."""

    def __init__(self, language: str, rng: Random):
        self.language, self.rng = language, rng
        self.filled: dict[str, str] = {}

    def fill(self, template: str) -> str:
        """``template`` with one of each ``[a|b]`` chosen and every ``{slot}`` filled."""
        text = _CHOICE.sub(lambda match: self.rng.choice(match[1].split("|")), template)
        return sentence_case(_SLOT.sub(self._value, text))

    def _value(self, match: re.Match) -> str:
        slot, kind = match[0], match[1]
        while slot not in self.filled:
            drawn = values.value(_SLOT_KINDS.get(kind, kind), self.language, self.rng)
            if drawn not in self.filled.values():
                self.filled[slot] = drawn
        return self.filled[slot]


def sentence_case(text: str) -> str:
    """The first letter as a capital; later sentences too (a shop's name may begin with "the")."""
    return re.sub(r"(^|[.!?] )([a-z])", lambda match: match[1] + match[2].upper(), text)
