"""Neutral prose: customer service, small talk, stories and opinions from the files under ``world/``."""

from random import Random

from lab_helpers.models.kotori import world
from lab_helpers.models.kotori.documents import CorpusText
from lab_helpers.models.kotori.world import Slots

OPINION_LABELS = {
    "en": {"positive": "positive", "negative": "negative"},
    "ja": {"positive": "肯定", "negative": "否定"},
}


def sentence(language: str, rng: Random) -> str:
    """One to three neutral sentences about shops, repairs, deliveries and the like."""
    row = rng.choice(world.rows(f"service.{language}"))
    return Slots(language, rng).fill(row["text"])


def service(language: str, rng: Random) -> CorpusText:
    """Several pieces of customer-service prose in a row."""
    gap = " " if language == "en" else ""
    texts = [sentence(language, rng) for _ in range(rng.randint(1, 4))]
    return CorpusText("service", language).add(gap.join(texts))


def exchange(language: str, rng: Random) -> tuple[str, str]:
    """A question of everyday life and its plain answer."""
    row = rng.choice(world.rows(f"talk.{language}"))
    slots = Slots(language, rng)
    return slots.fill(row["user"]), slots.fill(row["assistant"])


_SYSTEMS = {
    "en": (
        "You are a helpful assistant.",
        "Answer the question briefly.",
        "You answer questions about everyday life.",
        "Read the text and answer.",
        "You work at the counter of a shop.",
        "Today is {weekday}. You help {person}.",
        "Use the sources to answer.",
    ),
    "ja": (
        "あなたは親切なアシスタントです。",
        "質問に短く答えてください。",
        "あなたは日常の質問に答えます。",
        "文章を読んで答えてください。",
        "あなたは店の窓口で働いています。",
        "今日は{weekday}です。{person}さんを手伝います。",
        "資料を使って答えてください。",
    ),
}


def with_system(page: CorpusText, rng: Random) -> CorpusText:
    """Open ``page`` with a neutral system message, one time in five."""
    if rng.random() < 0.2:
        page.system(Slots(page.language, rng).fill(rng.choice(_SYSTEMS[page.language])))
    return page


def talk(language: str, rng: Random) -> CorpusText:
    """Small talk in ChatML, one to three exchanges."""
    page = with_system(CorpusText("talk", language), rng)
    for _ in range(rng.randint(1, 3)):
        page.turn(*exchange(language, rng))
    return page


def story(language: str, rng: Random) -> CorpusText:
    """A little story or dialogue."""
    row = rng.choice(world.rows(f"stories.{language}"))
    return CorpusText("stories", language).add(Slots(language, rng).fill(row["text"]))


def opinion(language: str, rng: Random) -> tuple[str, str]:
    """An opinion and its label in the language of the text."""
    row = rng.choice(world.rows(f"feelings.{language}"))
    return Slots(language, rng).fill(row["text"]), OPINION_LABELS[language][row["label"]]


def feelings(language: str, rng: Random) -> CorpusText:
    """Opinions, half the time each with its label."""
    page = CorpusText("feelings", language)
    arrow = {"en": " -> ", "ja": " → "}[language]
    labelled = rng.random() < 0.5
    lines = [opinion(language, rng) for _ in range(rng.randint(2, 5))]
    return page.add("\n".join(text + (arrow + label if labelled else "") for text, label in lines))
