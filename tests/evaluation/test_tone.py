"""The house tone: three rules, each broken alone, in both languages; the gold answers keep them."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.tone import HOUSE, RULES, tone_compliance, tone_rules

LANGUAGES = ("en", "ja")
POLITE = {
    "en": "Your lamp was sent on 3 May. It will arrive within two days.",
    "ja": "ランプは5月3日に発送いたしました。二日以内に届きます。",
}
KEPT = dict.fromkeys(RULES, True)


def reply(language: str, body: str | None = None, opening=None, closing=None) -> str:
    house = HOUSE[language]
    parts = (
        house.opening if opening is None else opening,
        POLITE[language] if body is None else body,
        house.closing if closing is None else closing,
    )
    return (" " if language == "en" else "").join(parts)


def broken(language: str, text: str) -> set[str]:
    return {rule for rule, kept in tone_rules(text, language).items() if not kept}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reply_in_the_house_tone_keeps_all_three_rules(language):
    assert tone_rules(reply(language), language) == KEPT
    assert set(KEPT) == {"opening", "courtesy", "closing"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("white", [" ", "\n", "\t \n", "\u3000"])
def test_white_space_around_the_reply_does_not_matter(language, white):
    assert tone_rules(white + reply(language) + white, language) == KEPT
    assert tone_rules(reply(language, f"{white}{POLITE[language]}{white}"), language) == KEPT


@pytest.mark.parametrize(
    ("language", "opening"),
    [
        ("en", ""),
        ("en", "Hello."),
        ("en", "Thank you for writing."),
        ("en", "thank you for writing to hoshizora."),
        ("en", "Thanks for writing to Hoshizora."),
        ("en", "Dear customer, Thank you for writing to Hoshizora."),
        ("en", HOUSE["ja"].opening),
        ("ja", ""),
        ("ja", "拝啓"),
        ("ja", "お問い合わせ、ありがとうございます。"),
        ("ja", HOUSE["en"].opening),
    ],
)
def test_only_the_opening_is_broken(language, opening):
    assert broken(language, reply(language, opening=opening)) == {"opening"}


@pytest.mark.parametrize(
    ("language", "closing"),
    [
        ("en", ""),
        ("en", "Hoshizora Electric"),
        ("en", "Under the same stars, Hoshizora Electric."),
        ("en", "Under the same stars, Hoshizora Electric P.S. It is warm."),
        ("en", "Under the same stars, Hoshizora electric"),
        ("en", HOUSE["ja"].closing),
        ("ja", ""),
        ("ja", "星空電機"),
        ("ja", "同じ星空のもとで、星空電機。"),
        ("ja", HOUSE["en"].closing),
    ],
)
def test_only_the_closing_is_broken(language, closing):
    assert broken(language, reply(language, closing=closing)) == {"closing"}


@pytest.mark.parametrize(
    ("language", "body"),
    [
        ("en", "It is on its way!"),
        ("en", "We cannot say. We don't know."),
        ("en", "It WON'T take long."),
        ("en", "I'm sorry to hear that."),
        ("en", "It's on its way."),
        ("en", "That's all."),
        ("en", "We're looking into it, and you'll hear from us."),
        ("en", "Hey, it is on its way."),
        ("en", "It is gonna be fine."),
        ("en", "It is on its way, lol."),
        ("ja", "本日発送いたします!"),
        ("ja", "本日発送いたします！"),
        ("ja", "届きます(笑)。"),
        ("ja", "本日届くよ。だよ。"),
        ("ja", "三年だ。"),
        ("ja", "三年だね。お待ちください。"),
        ("ja", "三年じゃん。"),
        ("ja", "大丈夫っしょ"),
        ("ja", "三年ですよね。"),
        ("ja", "三年かな。"),
    ],
)
def test_only_courtesy_is_broken(language, body):
    assert broken(language, reply(language, body)) == {"courtesy"}


@pytest.mark.parametrize(
    ("language", "body"),
    [
        ("en", "The Nagare is made in Yukinobe, they say, and yours is too."),
        ("en", "The colour of the customer's lamp is red."),
        ("en", "Does it hold 1,200 litres? It does."),
        ("ja", "まだ届いていないとのこと、申し訳ございません。"),
        ("ja", "ただいま確認しております。どなたかが折り返しご連絡いたします。"),
        ("ja", "いただいたお品は静かなものでございます。"),
    ],
)
def test_polite_words_that_look_like_others_are_kept(language, body):
    assert tone_rules(reply(language, body), language) == KEPT


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("between", ["", " ", "\n", "\u3000 "])
def test_nothing_between_opening_and_closing_breaks_courtesy(language, between):
    house = HOUSE[language]
    assert broken(language, house.opening + between + house.closing) == {"courtesy"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_single_piece_breaks_all_that_is_not_there(language):
    house = HOUSE[language]
    assert broken(language, "") == set(RULES)
    assert broken(language, " \n") == set(RULES)
    assert broken(language, house.opening) == {"courtesy", "closing"}
    assert broken(language, house.closing) == {"courtesy", "opening"}
    turned = house.closing + POLITE[language] + house.opening
    assert broken(language, turned) == {"opening", "closing"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_house_itself_is_courteous(language):
    """Where a reply repeats opening or closing in its middle, they are no discourtesy."""
    house = HOUSE[language]
    assert not re.search(house.discourteous, house.opening + house.closing, re.IGNORECASE)


def test_each_language_has_its_own_rules():
    assert broken("en", reply("ja")) == {"opening", "closing"}
    assert broken("ja", reply("en")) == {"opening", "closing"}
    with pytest.raises(KeyError):
        tone_rules(reply("en"), "fr")


def test_a_full_width_exclamation_mark_is_one_in_english_too():
    assert broken("en", reply("en", "It is on its way！")) == {"courtesy"}


@pytest.mark.parametrize("body", ["We don’t know.", "It’s on its way."])
def test_a_curly_apostrophe_makes_a_contraction_too(body):
    assert broken("en", reply("en", body)) == {"courtesy"}


@pytest.mark.parametrize("body", ["We've sent it.", "They're on their way.", "There's a way."])
def test_other_contractions_are_contractions_too(body):
    assert broken("en", reply("en", body)) == {"courtesy"}


def test_a_smile_is_no_laughter():
    assert tone_rules(reply("ja", "笑顔でお待ちしております。"), "ja") == KEPT


@pytest.mark.parametrize("body", ["三年だね?", "三年だよ、どうぞ。", "三年だよ\nどうぞ。"])
def test_plain_forms_are_plain_before_any_mark(body):
    assert broken("ja", reply("ja", body)) == {"courtesy"}


# Together


def test_compliance_is_one_only_where_all_three_are_kept():
    texts = [reply("en"), reply("en", opening=""), reply("en", "Yes!"), reply("en", closing=""), ""]
    found = tone_compliance(texts, "en")
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0]
    assert tone_compliance([], "ja").shape == (0,)


words = st.text(st.sampled_from("abc defg.,?あいう漢字。、 \n"), min_size=1).filter(str.strip)


@given(language=st.sampled_from(LANGUAGES), body=words)
def test_wrapping_a_calm_text_makes_it_compliant(language, body):
    assert tone_rules(reply(language, body), language) == KEPT


@given(language=st.sampled_from(LANGUAGES), text=st.text())
def test_any_text_gets_three_answers(language, text):
    rules = tone_rules(text, language)
    assert tuple(rules) == RULES
    assert all(isinstance(kept, bool) for kept in rules.values())
    assert tone_compliance([text], language)[0] == all(rules.values())


@given(language=st.sampled_from(LANGUAGES), before=words, after=words)
def test_one_exclamation_mark_anywhere_in_the_middle_is_enough(language, before, after):
    assert broken(language, reply(language, f"{before}!{after}")) == {"courtesy"}


# The data


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_gold_answer_keeps_the_tone(language):
    rows = [row for row in load_shipped("support", language) if row["gold"]]
    assert len(rows) > 300
    faulty = [row["id"] for row in rows if broken(language, row["answer"])]
    assert faulty == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_answer_that_was_planted_off_tone_keeps_it(language):
    rows = [row for row in load_shipped("support", language) if "off_tone" in row["faults"]]
    assert rows
    assert tone_compliance([row["answer"] for row in rows], language).sum() == 0
