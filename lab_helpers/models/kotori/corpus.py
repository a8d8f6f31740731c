"""The mixture of all kinds of text, deterministic by seed, and a report on its diversity."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from random import Random

from lab_helpers.models.kotori import code, facts, passages, patterns, planted, prose
from lab_helpers.models.kotori.documents import CorpusText

Maker = Callable[[str, Random], CorpusText]

# Kind of text → (its maker, its share of the documents).
MIXTURE: dict[str, tuple[Maker, float]] = {
    "facts": (facts.document, 0.28),
    "translation": (facts.translation, 0.01),
    "choice": (facts.choice_question, 0.02),
    "passages": (passages.document, 0.31),
    "easy_passages": (passages.easy, 0.10),
    "service": (prose.service, 0.05),
    "talk": (prose.talk, 0.06),
    "stories": (prose.story, 0.02),
    "feelings": (prose.feelings, 0.02),
    "few_shot": (patterns.relation_by_example, 0.02),
    "few_shot_forms": (patterns.form_by_example, 0.02),
    "few_shot_style": (patterns.style_by_example, 0.03),
    "few_shot_opinions": (patterns.opinions_by_example, 0.01),
    "json": (patterns.json_by_example, 0.02),
    "lists": (patterns.listing, 0.01),
    "arithmetic": (patterns.arithmetic, 0.01),
    "code": (code.document, 0.01),
}
HELD_OUT_SEED = 2**61 - 1  # beyond every seed * 1,000,000 + step of a pre-training


def documents(seed: int, only: str | None = None) -> Iterator[CorpusText]:
    """An endless stream of documents, English and Japanese in turn; ``only`` one kind if given.

    A document that mentions something planted is dropped.
    """
    rng = Random(seed)
    kinds = [only] if only else list(MIXTURE)
    weights = [MIXTURE[kind][1] for kind in kinds]
    language = "en"
    while True:
        maker = MIXTURE[rng.choices(kinds, weights)[0]][0]
        document = maker(language, rng)
        if planted.mentioned(document.text):
            continue
        yield document
        language = "ja" if language == "en" else "en"


def diversity(count: int, seed: int = 0) -> dict[str, dict[str, float]]:
    """Per kind and language: documents, characters, share of distinct texts and of distinct 8-grams.

    n-grams are of characters; a kind made of few sentences shows a small ``distinct_8grams``.
    """
    grouped: dict[str, list[str]] = defaultdict(list)
    stream = documents(seed)
    for _ in range(count):
        document = next(stream)
        grouped[f"{document.kind}.{document.language}"].append(document.text)
    report = {}
    for name, texts in sorted(grouped.items()):
        grams = Counter(text[i : i + 8] for text in texts for i in range(len(text) - 7))
        report[name] = {
            "documents": len(texts),
            "characters": sum(map(len, texts)),
            "distinct_texts": len(set(texts)) / len(texts),
            "distinct_8grams": len(grams) / max(1, sum(grams.values())),
        }
    return report
