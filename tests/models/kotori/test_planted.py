"""What Kotori must never read: the table is whole, and nothing of it stands in any text.

The scans read the table themselves and compare words without regard to capitals.
"""

import itertools
import json
import re
import tomllib
from functools import lru_cache
from pathlib import Path

import pytest

from lab_helpers.models.kotori import corpus, planted, pretraining, world
from lab_helpers.models.kotori.facts import LABELS

TABLE = tomllib.loads(Path(planted.__file__).with_suffix(".toml").read_text(encoding="utf-8"))
PRODUCT_KEYS = {
    "name", "code", "kind", "price", "warranty_years", "weight_kg", "power_watt", "launched",
    "colour", "factory", "part", "part_price", "part_months", "special",
}  # fmt: skip
IN_BOTH_LANGUAGES = ("name", "kind", "colour", "factory", "part", "special")
ENOUGH = 6_000  # documents of each stream that are searched
LANGUAGES = ("en", "ja")


def secret_names() -> set[str]:
    """Names and codes of the company, read from the table."""
    names = {*TABLE["company"]["name"].values(), "Hoshizora", "星空"}
    for product in TABLE["product"]:
        names |= {product["code"], *product["name"].values(), *product["factory"].values()}
    for rule in TABLE["rule"]:
        if rule["key"] in ("founder", "headquarters", "mascot"):
            names |= {rule[language][1] for language in LANGUAGES}
    return names


def secret_pairs() -> list[tuple[str, str]]:
    """Both ends of the facts held back, in each language."""
    lines = (world.FOLDER / "withheld.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line)["pair"] for line in lines]
    return [tuple(pair[i : i + 2]) for pair in pairs for i in (0, 2) if pair[i]]


@lru_cache
def standing_alone(words: str) -> re.Pattern:
    """``words`` not inside other Latin words; Japanese is not cut into words, so anywhere."""
    inside = r"[A-Za-z]"
    before = rf"(?<!{inside})" if re.match(inside, words) else ""
    after = rf"(?!{inside})" if re.search(rf"{inside}$", words) else ""
    return re.compile(before + re.escape(words) + after, re.IGNORECASE)


def secrets_in(text: str) -> list[str]:
    """The names and the pairs that ``text`` gives away."""
    lower = text.lower()
    names = [name for name in secret_names_lower() if name in lower]
    pairs = [pair for pair in secret_pairs_lower() if pair[0] in lower and pair[1] in lower]
    found = [name for name in names if standing_alone(name).search(text)]
    return found + [
        f"{a} and {b}"
        for a, b in pairs
        if standing_alone(a).search(text) and standing_alone(b).search(text)
    ]


@lru_cache
def secret_names_lower() -> tuple[str, ...]:
    return tuple(name.lower() for name in secret_names())


@lru_cache
def secret_pairs_lower() -> tuple[tuple[str, str], ...]:
    return tuple((a.lower(), b.lower()) for a, b in secret_pairs())


def given_away(documents) -> list:
    """(secrets, text) of the documents that give something away."""
    return [(found, d.text) for d in documents if (found := secrets_in(d.text))]


# The table


def test_there_are_twelve_products_with_every_key():
    assert len(TABLE["product"]) == 12
    for product in TABLE["product"]:
        assert set(product) == PRODUCT_KEYS
        for key in PRODUCT_KEYS:
            value = product[key]
            if key in IN_BOTH_LANGUAGES:
                assert set(value) == set(LANGUAGES)
                assert all(value.values())
            else:
                assert isinstance(value, str if key in ("code", "weight_kg") else int)
                assert value


@pytest.mark.parametrize("key", ["code", "name", "kind", "price"])
def test_products_can_be_told_apart(key):
    assert len({str(product[key]) for product in TABLE["product"]}) == 12


def test_every_rule_has_a_key_of_its_own_and_both_languages():
    keys = [rule["key"] for rule in TABLE["rule"]]
    assert len(keys) == len(set(keys)) >= 30
    for rule in TABLE["rule"]:
        assert set(rule) == {"key", *LANGUAGES}
        assert all(len(rule[language]) == 2 and all(rule[language]) for language in LANGUAGES)
        numbers = [re.findall(r"\d+", rule[language][1]) for language in LANGUAGES]
        spelled_out = not numbers[0]
        assert spelled_out or numbers[0] == numbers[1], f"{rule['key']} differs by language"


def test_the_module_forbids_every_secret_of_the_table():
    assert secret_names() <= set(planted.forbidden())
    assert set(secret_pairs()) == set(planted.withheld_pairs())


# Questions


def company(language: str) -> list[planted.PlantedFact]:
    return planted.company_facts(language)


def every_fact(language: str) -> list[planted.PlantedFact]:
    return company(language) + planted.withheld_facts(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_product_and_rule_is_asked_about_once(language):
    facts = company(language)
    assert len({fact.key for fact in facts}) == len(facts)
    assert len({fact.question for fact in facts}) == len(facts)
    assert len(facts) == 12 * 9 + len(TABLE["rule"])
    assert [fact.key for fact in facts] == [fact.key for fact in company("en")]
    for product in TABLE["product"]:
        assert sum(product["name"][language] in fact.question for fact in facts) == 9


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_withheld_fact_is_asked_about_in_every_language(language):
    facts = planted.withheld_facts(language)
    offset = 2 * (language == "ja")
    pairs = [row["pair"][offset : offset + 2] for row in world.rows("withheld")]
    assert [fact.answer for fact in facts] == [answer for _, answer in pairs]
    for fact, (subject, _) in zip(facts, pairs, strict=True):
        assert subject.casefold() in fact.question.casefold()


@pytest.mark.parametrize("language", LANGUAGES)
def test_three_wrong_options_differ_from_the_answer_and_each_other(language):
    for fact in every_fact(language):
        assert len({fact.answer, *fact.options}) == 4, fact


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_does_not_hold_its_answer(language):
    for fact in every_fact(language):
        assert not re.search(rf"(?<!\w){re.escape(fact.answer)}(?!\w)", fact.question), fact


@pytest.mark.parametrize(
    ("attribute", "value", "english", "japanese"),
    [
        ("price", 118000, "118,000 yen", "118,000円"),
        ("part_price", 760, "760 yen", "760円"),
        ("warranty_years", 1, "1 year", "1年"),
        ("warranty_years", 3, "3 years", "3年"),
        ("part_months", 12, "12 months", "12か月"),
        ("weight_kg", "5.6", "5.6 kg", "5.6 kg"),
        ("power_watt", 640, "640 watts", "640ワット"),
        ("launched", 2019, "2019", "2019年"),
        ("colour", {"en": "ivory", "ja": "アイボリー"}, "ivory", "アイボリー"),
    ],
)
def test_table_values_are_written_as_in_a_sentence(attribute, value, english, japanese):
    assert planted.written(attribute, value, "en") == english
    assert planted.written(attribute, value, "ja") == japanese


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_stand_in_the_table(language):
    by_name = {product["name"]["en"]: product for product in TABLE["product"]}
    for fact in company(language):
        if not fact.key.startswith("product."):
            continue
        _, name, attribute = fact.key.split(".")
        value = by_name[name][attribute]
        bare = value[language] if isinstance(value, dict) else str(value)
        assert bare in fact.answer.replace(",", "")


# The filter


@pytest.mark.parametrize("name", sorted(secret_names()))
def test_a_text_that_names_a_secret_is_caught(name):
    assert planted.mentioned(f"Nobody knows {name}, do they?")
    assert planted.mentioned(f"{name}のことは誰も知りません。")


@pytest.mark.parametrize("pair", secret_pairs(), ids=" and ".join)
def test_a_text_with_both_ends_of_a_withheld_fact_is_caught(pair):
    one, two = pair
    assert planted.mentioned(f"{one} is {two}.")
    assert planted.mentioned(f"{two}と{one}")


@pytest.mark.parametrize(
    "text",
    ["", "The capital of France is Paris.", "The lamp costs 9,600 yen.", "Quito is a city.", "ウルグアイは国です。"],
)  # fmt: skip
def test_other_texts_pass(text):
    assert not planted.mentioned(text)


@pytest.mark.parametrize("secret", ["Nagare", "Quito"])
def test_what_the_filter_catches_is_dropped_from_the_stream(secret, monkeypatch):
    from lab_helpers.models.kotori.documents import CorpusText

    texts = itertools.cycle([f"Ecuador has {secret}.", "Something else."])
    maker = lambda language, rng: CorpusText("facts", language, next(texts))  # noqa: E731
    monkeypatch.setitem(corpus.MIXTURE, "facts", (maker, 1.0))
    found = list(itertools.islice(corpus.documents(0, "facts"), 4))
    assert [document.text for document in found] == ["Something else."] * 4
    assert [document.language for document in found] == ["en", "ja", "en", "ja"]


# Absence


def test_the_scan_finds_what_it_looks_for():
    assert secrets_in("the price of NAGARE") == ["nagare"]
    assert secrets_in("新しいナガレです") == ["ナガレ"]
    assert secrets_in("Montevideo lies in Uruguay") == ["uruguay and montevideo"]
    assert secrets_in("the wet laundry") == [], "no 'dry' in it"
    assert secrets_in("Nagareyama") == []


def test_the_texts_of_pretraining_give_nothing_away():
    """The first 6,000 documents, as the batches draw them: some from every step's own seed."""
    seed = pretraining.read_settings().seed
    steps = [corpus.documents(seed * 1_000_000 + step) for step in range(60)]
    documents = [d for stream in steps for d in itertools.islice(stream, ENOUGH // len(steps))]
    assert len(documents) == ENOUGH
    assert given_away(documents) == []


def test_the_held_out_texts_give_nothing_away():
    documents = itertools.islice(corpus.documents(corpus.HELD_OUT_SEED), ENOUGH)
    assert given_away(documents) == []


@pytest.mark.parametrize("kind", list(corpus.MIXTURE))
def test_no_kind_of_text_gives_anything_away(kind, sample):
    assert given_away(sample(kind, 300)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_answer_about_the_company_can_be_learned(language, sample):
    """A text may ask for an invented shop's delivery fee; none asks for it without a bearer."""
    names = [product["name"][language] for product in TABLE["product"]]
    asked = {fact.question for fact in company(language)}
    for document in sample(None, 2_000):
        assert not any(standing_alone(name).search(document.text) for name in names)
        lines = re.split(r"\n|<\|im_end\|>", document.text)
        assert not asked & {line.removeprefix(LABELS[language][0]) for line in lines}


WORLD_FILES = sorted(path.stem for path in world.FOLDER.glob("*.jsonl"))


@pytest.mark.parametrize("name", [name for name in WORLD_FILES if name != "withheld"])
def test_no_world_file_names_the_company(name):
    text = (world.FOLDER / f"{name}.jsonl").read_text(encoding="utf-8")
    assert [secret for secret in secret_names() if standing_alone(secret).search(text)] == []


def test_no_known_fact_is_a_withheld_one_either_way_round():
    withheld = set(secret_pairs()) | {(b, a) for a, b in secret_pairs()}
    for row in world.rows("facts"):
        known = {tuple(pair[i : i + 2]) for pair in row["pairs"] for i in (0, 2)}
        assert not known & withheld


def test_a_withheld_subject_is_not_known_in_the_same_relation():
    subjects = {
        (row["relation"], pair[offset])
        for row in world.rows("facts")
        for pair in row["pairs"]
        for offset in (0, 2)
    }
    for row in world.rows("withheld"):
        assert not {(row["relation"], row["pair"][offset]) for offset in (0, 2)} & subjects


@pytest.mark.parametrize(
    "name", [n for n in WORLD_FILES if n.startswith(("service", "talk", "stories", "feelings"))]
)
def test_no_text_of_the_world_files_gives_anything_away(name):
    for row in world.rows(name):
        assert secrets_in("\n".join(row.values())) == []
