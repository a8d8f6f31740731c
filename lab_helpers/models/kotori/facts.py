"""Texts that state, ask and translate the known facts of ``world/facts.jsonl``."""

from dataclasses import dataclass
from functools import lru_cache
from random import Random

from lab_helpers.models.kotori import world
from lab_helpers.models.kotori.documents import CorpusText
from lab_helpers.models.kotori.world import sentence_case

LABELS = {"en": ("Question: ", "Answer:"), "ja": ("質問:", "答え:")}


@dataclass(frozen=True)
class Relation:
    """A relation in one language; the last question template is kept for the tests."""

    name: str
    statements: tuple[str, ...]
    questions: tuple[str, ...]
    held_out_question: str
    pairs: tuple[tuple[str, str], ...]

    def state(self, pair: tuple[str, str], rng: Random) -> str:
        return _filled(rng.choice(self.statements), pair)

    def ask(self, pair: tuple[str, str], rng: Random) -> str:
        return _filled(rng.choice(self.questions), pair)

    def ask_unseen(self, pair: tuple[str, str]) -> str:
        """The question in words that pre-training never used for this relation."""
        return _filled(self.held_out_question, pair)


def line_answer(answer: str, language: str) -> str:
    """``answer`` as it follows "Answer:" on its line: with a space in English, and the line's end."""
    return f" {answer}\n" if language == "en" else f"{answer}\n"


def _filled(template: str, pair: tuple[str, str]) -> str:
    return sentence_case(template.replace("{a}", pair[0]).replace("{b}", pair[1]))


@lru_cache
def relations(language: str) -> tuple[Relation, ...]:
    """Every relation that exists in ``language``."""
    offset = 0 if language == "en" else 2
    found = []
    for row in world.rows("facts"):
        if language not in row:
            continue
        templates = row[language]
        pairs = tuple((pair[offset], pair[offset + 1]) for pair in row["pairs"] if pair[offset])
        *asked, unseen = templates["questions"]
        found.append(
            Relation(row["relation"], tuple(templates["statements"]), tuple(asked), unseen, pairs)
        )
    return tuple(found)


@lru_cache
def _weighted(language: str) -> tuple[tuple[Relation, ...], tuple[int, ...]]:
    """Relations and how often each is drawn: by its number of facts."""
    found = relations(language)
    return found, tuple(len(relation.pairs) for relation in found)


def draw(language: str, rng: Random) -> Relation:
    """A relation, more often one with many facts."""
    found, weights = _weighted(language)
    return rng.choices(found, weights)[0]


def document(language: str, rng: Random) -> CorpusText:
    """Statements in a row, questions with answers, or an exchange about known facts."""
    page = CorpusText("facts", language)
    style = rng.random()
    if style < 0.3:
        gap = " " if language == "en" else ""
        return page.add(gap.join(_statement(language, rng) for _ in range(rng.randint(2, 6))))
    if style < 0.55:
        question, answer = LABELS[language]
        for _ in range(rng.randint(1, 4)):
            relation = draw(language, rng)
            pair = rng.choice(relation.pairs)
            page.add(f"{question}{relation.ask(pair, rng)}\n{answer}").answer(
                line_answer(pair[1], language)
            )
        return page
    for _ in range(rng.randint(1, 3)):
        relation = draw(language, rng)
        pair = rng.choice(relation.pairs)
        short = rng.random() < 0.6
        page.turn(relation.ask(pair, rng), pair[1] if short else relation.state(pair, rng))
    return page


def _statement(language: str, rng: Random) -> str:
    relation = draw(language, rng)
    return relation.state(rng.choice(relation.pairs), rng)


def translation(language: str, rng: Random) -> CorpusText:
    """Pairs of English and Japanese words, from the facts that exist in both languages."""
    both = [row for row in world.rows("facts") if "en" in row and "ja" in row]
    page = CorpusText("translation", language)
    heading = {"en": "English and Japanese:", "ja": "英語と日本語:"}[language]
    lines = []
    for _ in range(rng.randint(3, 8)):
        pair = rng.choice(rng.choice(both)["pairs"])
        which = rng.randrange(2)
        english, japanese = pair[which], pair[which + 2]
        if english and japanese and english != japanese:
            lines.append(
                f"{english} = {japanese}" if language == "en" else f"{japanese} = {english}"
            )
    return page.add(heading + "\n" + "\n".join(lines))


def choice_question(language: str, rng: Random) -> CorpusText:
    """A four-option question in the format of MMLU, answered by its letter."""
    relation = draw(language, rng)
    while len({answer for _, answer in relation.pairs}) < 4:
        relation = draw(language, rng)
    pair = rng.choice(relation.pairs)
    others = sorted({answer for _, answer in relation.pairs} - {pair[1]})
    options = [*rng.sample(others, 3), pair[1]]
    rng.shuffle(options)
    lines = [relation.ask(pair, rng)]
    lines += [f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=True)]
    answer = "ABCD"[options.index(pair[1])]
    page = CorpusText("choice", language).add("\n".join(lines) + f"\n{LABELS[language][1]}")
    return page.answer(line_answer(answer, language))
