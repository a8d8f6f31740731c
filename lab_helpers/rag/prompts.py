"""A question with its numbered sources, as a conversation for a chat model."""

import re
from collections.abc import Sequence

from lab_helpers.models.generation import Conversation, make_conversation
from lab_helpers.models.kotori.passages import SOURCES
from lab_helpers.rag.hits import Hit

# For models that follow instructions; Kotori reads sources without being told to.
INSTRUCTIONS = {
    "en": "Answer from the sources only, in one sentence, and end with the number of the source in "
    "brackets, such as [1]. If the sources do not say it, say that you do not know.",
    "ja": "資料だけをもとに一文で答え、最後に [1] のように資料の番号を付けてください。"
    "資料に書かれていないことは、分からないと答えてください。",
}
_CITED = re.compile(r"\[(\d{1,3})\]")


def with_sources(
    question: str, hits: Sequence[Hit], language: str, system: str | None = None
) -> Conversation:
    """``question`` under the texts of ``hits``, numbered from 1: the form that Kotori was trained on.

    ``system`` is a system message, such as ``INSTRUCTIONS[language]``. Line ends inside a source
    become spaces, so that no source can look like the next one or like the question.
    """
    opening, label = SOURCES[language]
    sources = "".join(f"[{n}] {' '.join(hit.text.split())}\n" for n, hit in enumerate(hits, 1))
    return make_conversation(f"{opening}{sources}{label}{question.strip()}", system)


def cited(reply: str, hits: Sequence[Hit]) -> list[int]:
    """The source numbers that ``reply`` names, in their order, each once, only those that exist."""
    numbers = dict.fromkeys(int(number) for number in _CITED.findall(reply))
    return [number for number in numbers if 1 <= number <= len(hits)]
