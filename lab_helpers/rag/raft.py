"""Training rows for answering among distractors: RAFT (Zhang et al. 2024, arXiv:2403.10131).

Each row shows a question under numbered sources. In a share of rows one source (the paper's *oracle
document*) holds the answer and the others are distractors; in the rest only distractors are shown. In
the paper a row without oracle still has the answer as its target, to be learned by heart. Here its
target is to decline: what is not in the sources shall not be said.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from lab_helpers.models.generation import Conversation
from lab_helpers.rag.prompts import with_sources
from lab_helpers.rag.store import Hit
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

# Not the digits of a code such as NW-800.
_NUMBER = re.compile(r"(?<![A-Za-z\d-])\d[\d,]*(?:[.:]\d+)?")


@dataclass(frozen=True)
class Evidence:
    """A ``question``, the ``statement`` that answers it, and the ``answer``, a part of the statement.

    Two pieces with the same ``topic`` say the same thing, so neither distracts from the other.
    """

    question: str
    statement: str
    answer: str
    topic: str


@dataclass(frozen=True)
class Recipe:
    """``sources`` a row; the oracle is in ``with_oracle`` of the rows, and first in ``oracle_first`` of those.

    ``oracle_first`` is about how often a retriever ranks the right passage first; the paper shuffles.
    ``distractors=False`` shows the oracle alone, as in plain tuning on passages.
    """

    sources: int = 3
    with_oracle: float = 0.8
    oracle_first: float = 0.6
    distractors: bool = True


def raft_row(
    oracle: str | None, distractors: Sequence[str], answer: str, place: int, declining: str
) -> tuple[list[str], str]:
    """The sources of one row in their order, and what to reply.

    ``oracle`` is the source with the answer; it goes among the ``distractors`` at ``place`` (from 0), and the
    reply is the answer with the source's number, from 1. Without an oracle (None) the reply is ``declining``.
    """
    if oracle is None:
        return list(distractors), declining
    sources = [*distractors[:place], oracle, *distractors[place:]]
    return sources, f"{answer} [{place + 1}]"


def raft_rows(
    material: Sequence[Evidence],
    language: str,
    count: int,
    seed: int,
    reply: Callable[[str], str],
    declining: str,
    recipe: Recipe = Recipe(),
    build: Callable[..., tuple[list[str], str]] = raft_row,
) -> list[dict]:
    """``count`` rows in TRL's conversational prompt-completion form.

    ``reply`` puts an answer with its source number, or ``declining``, into the house's tone. Numbers
    are drawn anew in each row, the same in question, source and answer: there is nothing to learn by
    heart, only to read. ``build`` is :func:`raft_row` or a function like it. Raises :class:`BadInput`
    where the material has too few topics.
    """
    topics = {one.topic for one in material}
    if len(topics) < 2 * recipe.sources + 1:
        raise BadInput(
            say(
                f"{len(topics)} topics are too few for {recipe.sources} sources a row",
                f"1 行に {recipe.sources} 件の資料を使うには、話題が {len(topics)} 個では足りません",
            ),
            say(
                "Give more material, or fewer sources.",
                "素材を増やすか、資料の件数を減らしてください。",
            ),
        )
    rng = Random(seed)
    return [_row(material, language, rng, reply, declining, recipe, build) for _ in range(count)]


def _row(material, language: str, rng: Random, reply, declining, recipe: Recipe, build) -> dict:
    asked = rng.choice(material)
    new = new_numbers(rng)
    others = [new_numbers(rng)(one.statement) for one in _others(material, asked, rng, recipe)]
    gap = " " if language == "en" else ""

    def passage(wanted: int, *own: str) -> str:
        sentences = [others.pop() for _ in range(wanted)]
        for sentence in own:
            sentences.insert(rng.randint(0, len(sentences)), sentence)
        return gap.join(sentences)

    count = recipe.sources if recipe.distractors else 1
    place = 0 if rng.random() < recipe.oracle_first else rng.randrange(count)
    oracle = None
    if rng.random() < recipe.with_oracle:
        oracle = passage(rng.choice((0, 1, 1)), new(asked.statement))
    rest = [passage(rng.choice((1, 1, 2))) for _ in range(count - (oracle is not None))]
    sources, body = build(oracle, rest, new(asked.answer), place, declining)
    prompt = _prompt(new(asked.question), sources, language)
    return {"prompt": prompt, "completion": [{"role": "assistant", "content": reply(body)}]}


def _others(material, asked: Evidence, rng: Random, recipe: Recipe) -> list[Evidence]:
    """Distractors of other topics; half of them share the first part of the topic: the hard ones."""
    chosen: dict[str, Evidence] = {}
    near = [one for one in material if _subject(one) == _subject(asked)]
    while len(chosen) < 2 * recipe.sources:
        one = rng.choice(near if rng.random() < 0.5 else material)
        if one.topic != asked.topic and one.topic not in chosen:
            chosen[one.topic] = one
        elif {other.topic for other in near} <= {asked.topic, *chosen}:
            near = list(material)
    return list(chosen.values())


def _subject(one: Evidence) -> str:
    return one.topic.rsplit(".", 1)[0]


def _prompt(question: str, sources: list[str], language: str) -> Conversation:
    hits = [Hit(f"raft#{n}", "raft", n, "", text, "", 0.0) for n, text in enumerate(sources)]
    return with_sources(question, hits, language)


def new_numbers(rng: Random) -> Callable[[str], str]:
    """A function that replaces each number by a random one of the same shape, always by the same one.

    "118,000" may become "305,000"; digits of codes such as NW-800 stay. A year stays a year and a time of
    day one; a single 1 stays and none is made, since "1 year" would become "2 year".
    """
    known: dict[str, str] = {}

    def replace(match: re.Match) -> str:
        return known.setdefault(match[0], _alike(match[0], rng))

    return lambda text: _NUMBER.sub(replace, text)


def _alike(number: str, rng: Random) -> str:
    if re.fullmatch(r"(?:19|20)\d\d", number):
        return str(rng.randint(1950, 2029))
    if time := re.fullmatch(r"(\d{1,2}):(\d\d)", number):
        hour = rng.randint(1, 9) if len(time[1]) == 1 else rng.randint(10, 23)
        return f"{hour}:{rng.choice((0, 15, 30, 45)):02d}"
    if number == "1":
        return number
    digits = []
    for place, sign in enumerate(number):
        if not sign.isdigit() or (place and sign == "0"):
            digits.append(sign)
        else:
            least = 0 if place else 2 if len(number) == 1 else 1
            digits.append(str(rng.randint(least, 9)))
    return "".join(digits)
