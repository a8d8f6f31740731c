"""Make mmlu.{en,ja}.jsonl: four-option questions in the format of MMLU, with a subject each.

Run from the repository: python datasets_small/making/mmlu.py. Generated from the tables of Kotori's
world (facts it was trained on, in wording it never saw), from true facts held back, and from the
company's table; the subject says which.
"""

from pathlib import Path
from random import Random

from support import write

from lab_helpers.models.kotori import facts, planted

HERE = Path(__file__).parent
SEED = 13
KNOWN_PER_RELATION = 10
COMPANY = 60


def with_options(question: str, answer: str, wrong: list[str], subject: str, rng: Random) -> dict:
    """One row: ``answer`` is the position of the right choice."""
    choices = [*wrong, answer]
    rng.shuffle(choices)
    return {
        "question": question,
        "subject": subject,
        "choices": choices,
        "answer": choices.index(answer),
    }


def known_rows(language: str, rng: Random) -> list[dict]:
    """Facts of the pre-training, asked in the wording kept back for tests."""
    rows = []
    for relation in facts.relations(language):
        answers = sorted({answer for _, answer in relation.pairs})
        if len(answers) < 4:
            continue
        pairs = rng.sample(relation.pairs, min(KNOWN_PER_RELATION, len(relation.pairs)))
        for pair in pairs:
            wrong = rng.sample([a for a in answers if a != pair[1]], 3)
            subject = f"known.{relation.name}"
            rows.append(with_options(relation.ask_unseen(pair), pair[1], wrong, subject, rng))
    return rows


def planted_rows(language: str, rng: Random) -> list[dict]:
    """Facts held back, and facts about the company."""
    withheld = [(fact, "withheld") for fact in planted.withheld_facts(language)]
    company = rng.sample(planted.company_facts(language), COMPANY)
    return [
        with_options(fact.question, fact.answer, list(fact.options), subject, rng)
        for fact, subject in [*withheld, *((fact, "company") for fact in company)]
    ]


def make(language: str) -> list[dict]:
    """All questions of one language, numbered."""
    rng = Random(f"{SEED}-{language}")
    rows = known_rows(language, rng) + planted_rows(language, rng)
    rng.shuffle(rows)
    return [{"id": f"mmlu-{language}-{n:03d}", **row} for n, row in enumerate(rows, 1)]


if __name__ == "__main__":
    for language in ("en", "ja"):
        write(HERE.parent / f"mmlu.{language}.jsonl", make(language))
