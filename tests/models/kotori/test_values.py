"""Invented values: every kind in both languages, in the form the sentences count on."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import values

seeds = st.integers(0, 2**32)
languages = st.sampled_from(["en", "ja"])

MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
CLOCK = {"en": r"([6-9]|1\d|2[0-3]):[0-5][05]", "ja": r"([6-9]|1\d|2[0-3])時([05]|[1-5][05])分"}
NUMBER = r"[1-9]\d*"
LATIN = r"[A-Z][a-z]+"
KATAKANA = r"[ァ-ヴー]{2,5}"

# kind → the form in English, the form in Japanese
FORMS = {
    "price": (r"[1-9]\d{0,2}(,\d{3})? yen", r"[1-9]\d{0,2}(,\d{3})?円"),
    "date": (rf"([1-9]|1\d|2[0-8]) ({MONTH})", r"([1-9]|1[0-2])月([1-9]|1\d|2[0-8])日"),
    "time": (CLOCK["en"], CLOCK["ja"]),
    "hours": (rf"from {CLOCK['en']} to {CLOCK['en']}", rf"{CLOCK['ja']}から{CLOCK['ja']}まで"),
    "weekday": (r"(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day", r"[月火水木金土日]曜日"),
    "month": (MONTH, r"([1-9]|1[0-2])月"),
    "year": (r"(19|20)\d\d", r"(19|20)\d\d年"),
    "days": (rf"{NUMBER} days", rf"{NUMBER}日"),
    "months": (rf"{NUMBER} months", rf"{NUMBER}か月"),
    "years": (rf"{NUMBER} years", rf"{NUMBER}年"),
    "minutes": (rf"{NUMBER} minutes", rf"{NUMBER}分"),
    "weight": (r"[1-9]\d?(\.[1-9])? kg",) * 2,
    "length": (rf"{NUMBER} cm",) * 2,
    "percent": (rf"{NUMBER} percent", rf"{NUMBER}%"),
    "temperature": (rf"{NUMBER} degrees", rf"{NUMBER}度"),
    "watt": (rf"{NUMBER} watts", rf"{NUMBER}ワット"),
    "litres": (rf"{NUMBER} litres", rf"{NUMBER}リットル"),
    "points": (rf"{NUMBER} points", rf"{NUMBER}ポイント"),
    "count": (NUMBER, NUMBER),
    "times": (rf"{NUMBER} times", rf"{NUMBER}回"),
    "person": (rf"{LATIN} {LATIN}", r"[^\sA-Za-z\d]{2,}"),
    "town": (LATIN, rf"{KATAKANA}|[一-龠]{{2,3}}"),
    "colour": (r"[a-z-]+", r"[^\sA-Za-z\d]+"),
    "code": (r"[A-Z]{1,3}-[1-9]\d{0,3}",) * 2,
    "phone": (r"0[1-9]-[1-9]\d{3}-[1-9]\d{3}",) * 2,
    "floor": (r"the (fir|seco|thi|four|fif|six|seven|eigh|nin)(st|nd|rd|th) floor", r"[1-9]階"),
    "material": (r"[a-z]+", r"[^\sA-Za-z\d]+"),
    "food": (r"[a-z]+", r"[^\sA-Za-z\d]+"),
    "thing": (r"[a-z]+", r"[^\sA-Za-z\d]+"),
    "animal": (r"[a-z]+", r"[^\sA-Za-z\d]+"),
    "name": (LATIN, KATAKANA),
    "appliance": (r"[a-z]+( [a-z]+)?", r"[^\sA-Za-z\d]+"),
    "place": (r"[a-z]+( [a-z]+)?", r"[^\sA-Za-z\d]+"),
    "shop": (
        rf"the {LATIN} (shop|Workshop)|{LATIN} (Stores|and Sons)",
        rf"{KATAKANA}(商店|電気店|ストア|屋|商会|工房)",
    ),
    "number": (r"[1-9]\d?", r"[1-9]\d?"),
    "first_name": (LATIN, r"[^\sA-Za-z\d]+"),
}
TABLES = [
    "FIRST_NAMES",
    "COLOURS",
    "MATERIALS",
    "FOODS",
    "ANIMALS",
    "THINGS",
    "APPLIANCES",
    "PLACES",
    "WEEKDAYS",
    "MONTHS",
]


def test_every_kind_has_its_form_here():
    assert set(FORMS) == set(values.KINDS)


@pytest.mark.parametrize("kind", FORMS)
@given(language=languages, seed=seeds)
def test_a_value_has_the_form_of_its_kind(kind, language, seed):
    drawn = values.value(kind, language, Random(seed))
    form = FORMS[kind][language == "ja"]
    assert re.fullmatch(form, drawn), f"{drawn!r} is no {kind} in {language}"


@given(kind=st.sampled_from(values.KINDS), language=languages, seed=seeds)
def test_the_seed_decides_the_value(kind, language, seed):
    one, two = (values.value(kind, language, Random(seed)) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("kind", values.KINDS)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_other_seeds_draw_other_values(kind, language):
    drawn = {values.value(kind, language, Random(seed)) for seed in range(200)}
    assert len(drawn) >= 7, "as many as there are weekdays"


@pytest.mark.parametrize("kind", ["name", "shop", "code", "phone"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_invented_values_hardly_ever_come_twice(kind, language):
    drawn = [values.value(kind, language, Random(seed)) for seed in range(300)]
    assert len(set(drawn)) > 270


@given(seed=seeds)
def test_prices_are_round_and_below_200000(seed):
    amount = int(values.amount(Random(seed)).replace(",", ""))
    assert 10 <= amount < 200_000
    assert amount % 10 == 0
    assert amount < 10_000 or amount % 100 == 0


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_list_has_no_word_twice(table, language):
    words = getattr(values, table)[language]
    assert len(words) == len(set(words))
    assert all(word and word == word.strip() for word in words)


def test_an_unknown_kind_is_an_error():
    with pytest.raises(KeyError):
        values.value("no_such_kind", "en", Random(0))
