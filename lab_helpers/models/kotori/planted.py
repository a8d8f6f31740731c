"""What Kotori has never read: the company's facts, and true facts held back.

The table is ``planted.toml`` (the company) and ``world/withheld.jsonl`` (ordinary facts).
"""

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from lab_helpers.models.kotori import facts, world

_TABLE = Path(__file__).parent / "planted.toml"


@dataclass(frozen=True)
class PlantedFact:
    """``options`` are wrong answers of the same kind; guessing is right one time in four."""

    key: str
    question: str
    answer: str
    options: tuple[str, ...]


@lru_cache
def table() -> dict:
    """``planted.toml`` as it stands: ``company``, ``product`` (list), ``rule`` (list)."""
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


@lru_cache
def forbidden() -> tuple[str, ...]:
    """Names and codes that no text of pre-training may contain."""
    found = set(table()["company"]["name"].values()) | {"Hoshizora", "星空"}
    for product in table()["product"]:
        found |= {product["code"], *product["name"].values(), *product["factory"].values()}
    named = ("founder", "headquarters", "mascot")
    for rule in table()["rule"]:
        if rule["key"] in named:
            found |= {rule["en"][1], rule["ja"][1]}
    return tuple(sorted(found))


@lru_cache
def withheld_pairs() -> tuple[tuple[str, str], ...]:
    """True facts held back, as (subject, answer) in either language."""
    pairs = [row["pair"] for row in world.rows("withheld")]
    return tuple((pair[i], pair[i + 1]) for pair in pairs for i in (0, 2) if pair[i])


def mentioned(text: str) -> bool:
    """Whether ``text`` names something of the company, or both ends of a withheld fact."""
    if any(name in text for name in forbidden()):
        return True
    return any(a in text and b in text for a, b in withheld_pairs())


_PRODUCT_QUESTIONS = {
    "price": ("How much does the {} cost?", "{}はいくらですか。"),
    "warranty_years": ("How long is the warranty of the {}?", "{}の保証期間は何年ですか。"),
    "weight_kg": ("How heavy is the {}?", "{}の重さはどれくらいですか。"),
    "power_watt": ("How many watts does the {} use?", "{}の消費電力は何ワットですか。"),
    "launched": ("In which year did the {} come out?", "{}は何年に発売されましたか。"),
    "colour": ("What colour is the {}?", "{}は何色ですか。"),
    "factory": ("In which town is the {} made?", "{}はどの町で作られていますか。"),
    "part_price": ("How much is a spare part of the {}, the {}?", "{}の{}はいくらですか。"),
    "part_months": ("After how many months should the {}'s {} be replaced?", "{}の{}は何か月ごとに交換しますか。"),
}  # fmt: skip


def written(attribute: str, value, language: str) -> str:
    """A table value as it stands in a sentence: ``118000`` → "118,000 yen" or "118,000円"."""
    if isinstance(value, dict):
        return value[language]
    patterns = {
        "price": ("{:,} yen", "{:,}円"),
        "part_price": ("{:,} yen", "{:,}円"),
        "warranty_years": ("{} years", "{}年"),
        "part_months": ("{} months", "{}か月"),
        "weight_kg": ("{} kg", "{} kg"),
        "power_watt": ("{:,} watts", "{}ワット"),
        "launched": ("{}", "{}年"),
    }
    text = patterns[attribute][0 if language == "en" else 1].format(value)
    return "1 year" if text == "1 years" else text


def company_facts(language: str) -> list[PlantedFact]:
    """Every fact about the company's products and rules, with wrong options of the same kind."""
    found = []
    products = table()["product"]
    for attribute, templates in _PRODUCT_QUESTIONS.items():
        answers = [written(attribute, product[attribute], language) for product in products]
        for product, answer in zip(products, answers, strict=True):
            question = templates[0 if language == "en" else 1].format(
                product["name"][language], product["part"][language]
            )
            key = f"product.{product['name']['en']}.{attribute}"
            found.append(PlantedFact(key, question, answer, _others(answer, answers)))
    rules = [(rule["key"], *rule[language]) for rule in table()["rule"]]
    for key, question, answer in rules:
        found.append(PlantedFact(f"rule.{key}", question, answer, _rule_options(answer, language)))
    return found


def withheld_facts(language: str) -> list[PlantedFact]:
    """True facts that look like the known ones and were held back."""
    offset = 0 if language == "en" else 2
    relations = {relation.name: relation for relation in facts.relations(language)}
    found = []
    for row in world.rows("withheld"):
        a, b = row["pair"][offset : offset + 2]
        relation = relations.get(row["relation"])
        if a and relation:
            options = _others(b, [answer for _, answer in relation.pairs])
            key = f"withheld.{row['relation']}.{row['pair'][0]}"
            found.append(PlantedFact(key, relation.ask_unseen((a, b)), b, options))
    return found


def _others(answer: str, answers: list[str]) -> tuple[str, ...]:
    """Three different wrong answers, always the same ones for the same answer."""
    different = sorted(set(answers) - {answer})
    return tuple(Random(answer).sample(different, min(3, len(different))))


def _rule_options(answer: str, language: str) -> tuple[str, ...]:
    """The same answer with other numbers, or other rules' answers where it has none."""
    digits = [character for character in answer if character.isdigit()]
    if not digits:
        words = [
            r[language][1] for r in table()["rule"] if not any(map(str.isdigit, r[language][1]))
        ]
        return _others(answer, words)
    shifted = []
    for step in (1, 2, 4):
        shifted.append(
            "".join(str((int(c) + step) % 9 + 1) if c.isdigit() and c != "0" else c for c in answer)
        )
    return tuple(shifted)
