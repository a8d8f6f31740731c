"""Passages of one to six records with invented values, and questions whose answers must be copied."""

from dataclasses import dataclass
from functools import lru_cache
from random import Random

from lab_helpers.models.kotori import prose, values, world
from lab_helpers.models.kotori.documents import CorpusText
from lab_helpers.models.kotori.facts import LABELS, line_answer
from lab_helpers.models.kotori.world import sentence_case

_NAMELESS = {
    "en": ("the shop", "our shop", "the company", "our company"),
    "ja": ("当店", "当社", "会社", "この店"),
}
_SUBJECTS = {
    "shop": lambda language, rng: (
        rng.choice(_NAMELESS[language]) if rng.random() < 0.2 else values.shop(language, rng)
    ),
    "person": lambda language, rng: (
        values.full_name(language, rng)
        if rng.random() < 0.5
        else rng.choice(values.FIRST_NAMES[language])
    ),
    "parcel": lambda language, rng: ("荷物" if language == "ja" else "parcel ") + values.code(rng),
    "machine": lambda language, rng: (
        ("機械" if language == "ja" else "machine ") + values.code(rng)
    ),
    "town": lambda language, rng: values.town(language, rng),
    "train": lambda language, rng: (
        f"{rng.randrange(10, 999)}号列車" if language == "ja" else f"train {rng.randrange(10, 999)}"
    ),
}
_NAMED = {
    "product": ("the {} {appliance}", "{}の{appliance}"),
    "event": ("the {} festival", "{}祭り"),
    "room": ("the {} room", "{}の部屋"),
    "building": ("{} Hall", "{}会館"),
    "book": ("the book {}", "『{}』"),
    "animal": ("the {animal} {}", "{animal}の{}"),
    "course": ("the {} course", "{}講座"),
    "club": ("the {} club", "{}クラブ"),
    "member level": ("the {} card", "{}カード"),
}
SOURCES = {"en": ("Sources:\n", "Question: "), "ja": ("資料:\n", "質問:")}


@dataclass(frozen=True)
class Record:
    """One invented statement: ``answer`` stands in ``statement`` and in no other of its passage."""

    attribute: int
    subject: str
    answer: str
    statement: str


def subject(kind: str, language: str, rng: Random) -> str:
    """An invented bearer of attributes, such as "the Belmo kettle" or "ベルモのやかん"."""
    if kind in _SUBJECTS:
        return _SUBJECTS[kind](language, rng)
    if kind == "product" and rng.random() < 0.4:
        return values.invented_name(language, rng)
    if kind == "room" and rng.random() < 0.5:
        colour = rng.choice(values.COLOURS[language])
        return f"the {colour} room" if language == "en" else f"{colour}の部屋"
    template = _NAMED.get(kind, ("{}", "{}"))[0 if language == "en" else 1]
    filled = template.replace("{}", values.invented_name(language, rng))
    for slot in ("appliance", "animal"):
        filled = filled.replace("{" + slot + "}", values.value(slot, language, rng))
    return filled


@lru_cache
def attributes(held_out: bool = False) -> tuple[dict, ...]:
    """The attributes for training, or every eleventh, which only the tests use."""
    every = [*world.rows("attributes_service"), *world.rows("attributes_life")]
    return tuple(row for i, row in enumerate(every) if (i % 11 == 10) == held_out)


def records(
    language: str, rng: Random, count: int, held_out: bool = False, wordings: int = 6
) -> list[Record]:
    """``count`` records with different answers that do not contain each other.

    Half the passages speak of one bearer in many ways, a quarter of one attribute of many bearers
    (the hard distractors), a quarter of this and that. ``wordings`` limits the statements used.
    """
    table = attributes(held_out)
    mode = rng.random()
    first = rng.randrange(len(table))
    alike = [i for i, row in enumerate(table) if row["subject"] == table[first]["subject"]]
    shared = subject(table[first]["subject"], language, rng)
    drawn: list[Record] = []
    for _ in range(60):
        if len(drawn) == count:
            break
        if mode < 0.5:
            index, bearer = rng.choice(alike), shared
        else:
            index = first if mode < 0.75 else rng.randrange(len(table))
            bearer = subject(table[index]["subject"], language, rng)
        record = _record(table, index, bearer, language, rng, wordings)
        if all(_distinct(record, other) for other in drawn):
            drawn.append(record)
        elif mode < 0.5 and len(alike) < 2 * count:
            mode = 1.0
    return drawn


def _distinct(a: Record, b: Record) -> bool:
    """Whether the question about one cannot be answered from the other."""
    same_question = a.attribute == b.attribute and a.subject == b.subject
    overlap = a.answer in b.statement or b.answer in a.statement
    return not same_question and not overlap


def _record(table, index: int, bearer: str, language: str, rng: Random, wordings: int) -> Record:
    row = table[index]
    answer = values.value(row["value"], language, rng)
    while answer in bearer:
        answer = values.value(row["value"], language, rng)
    text = ""
    while answer not in text:  # a capital at the start of a sentence may have changed it
        statement = rng.choice(row[language]["statements"][:wordings])
        text = sentence_case(statement.replace("{s}", bearer).replace("{v}", answer))
    return Record(index, bearer, answer, text)


def question(
    record: Record, language: str, rng: Random, held_out: bool = False, wordings: int = 6
) -> str:
    """One of the attribute's questions about the record's bearer."""
    questions = attributes(held_out)[record.attribute][language]["questions"]
    template = rng.choice(questions[:wordings])
    return sentence_case(template.replace("{s}", record.subject))


def _full_answer(record: Record, language: str, rng: Random) -> str:
    """A short sentence with the answer."""
    statements = sorted(attributes()[record.attribute][language]["statements"], key=len)[:3]
    filled = rng.choice(statements).replace("{s}", record.subject).replace("{v}", record.answer)
    return sentence_case(filled)


def easy(language: str, rng: Random) -> CorpusText:
    """One or two plain records and their questions in plain words: where reading begins."""
    page = CorpusText("passages", language)
    drawn = records(language, rng, rng.choice((1, 1, 2)), wordings=2)
    gap = " " if language == "en" else ""
    page.add(gap.join(record.statement for record in drawn) + "\n", _invented(drawn))
    ask, answer = LABELS[language]
    for record in drawn:
        page.add(f"{ask}{question(record, language, rng, wordings=2)}\n", _bearer(record))
        page.add(answer).answer(line_answer(record.answer, language))
    return page


def _bearer(record: Record) -> list[str]:
    """The bearer within a sentence and as it opens one."""
    return [record.subject, sentence_case(record.subject)]


def _invented(drawn: list[Record]) -> list[str]:
    """What nothing predicts."""
    return [part for record in drawn for part in (record.answer, *_bearer(record))]


def document(language: str, rng: Random) -> CorpusText:
    """A passage with a question on up to five records: plain, as an exchange, or with numbered sources."""
    drawn = records(language, rng, rng.choice((1, 1, 2, 2, 3, 3, 4, 4, 5, 6)))
    asked = rng.sample(drawn, min(5, len(drawn)))
    invented = _invented(drawn)
    style = rng.random()
    page = CorpusText("passages", language)
    if style < 0.35:
        page.add(passage_text(drawn, language, rng) + "\n", invented)
        for record in asked:
            ask, answer = LABELS[language]
            page.add(f"{ask}{question(record, language, rng)}\n", _bearer(record))
            page.add(answer).answer(line_answer(record.answer, language))
        return page
    prose.with_system(page, rng)
    numbered = style > 0.6
    sources = _sources(drawn, rng)
    context = (
        sources_text(sources, language) if numbered else passage_text(drawn, language, rng) + "\n"
    )
    for position, record in enumerate(asked):
        asking = question(record, language, rng)
        if numbered:
            asking = SOURCES[language][1] + asking
        short = rng.random() < 0.6
        reply = record.answer if short else _full_answer(record, language, rng)
        if numbered:
            number = next(n for n, source in enumerate(sources, 1) if record in source)
            reply += f" [{number}]"
        page.turn((context if position == 0 else "") + asking, reply, invented)
    return page


def passage_text(drawn: list[Record], language: str, rng: Random) -> str:
    """The records as running text, sometimes with neutral sentences in between."""
    sentences = [record.statement for record in drawn]
    if rng.random() < 0.3:
        for _ in range(rng.randint(1, 2)):
            sentences.insert(rng.randint(0, len(sentences)), prose.sentence(language, rng))
    return (" " if language == "en" else "").join(sentences)


def _sources(drawn: list[Record], rng: Random) -> list[list[Record]]:
    """The records in groups of one to three, in their order."""
    sources, rest = [], list(drawn)
    while rest:
        size = rng.choice((1, 1, 2, 3))
        sources.append(rest[:size])
        rest = rest[size:]
    return sources


def sources_text(sources: list[list[Record]], language: str) -> str:
    """Numbered sources of one or more records each."""
    gap = " " if language == "en" else ""
    lines = [
        f"[{number}] {gap.join(record.statement for record in source)}"
        for number, source in enumerate(sources, 1)
    ]
    return SOURCES[language][0] + "\n".join(lines) + "\n"
