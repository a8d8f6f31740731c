"""Japanese words: the same as sacrebleu's ja-mecab; what the defaults do to Japanese; a missing package."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.text_metrics import tokenizers
from lab_helpers.evaluation.text_metrics.tokenizers import (
    SACREBLEU_NAMES,
    characters,
    for_language,
    japanese_words,
    rouge_words,
    sacrebleu_words,
)
from lab_helpers.runtime.errors import BadInput, MissingDependency

# No NUL: MeCab ends a text there. No lone surrogates: they are no text.
TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
    | st.sampled_from("星空電機のヒーターは30日以内なら返品できます。 \n　ｱＡ"),
    max_size=40,
)


def test_japanese_is_cut_into_words_and_numbers_stay_whole():
    assert japanese_words("返品は30日以内にお願いします。") == [
        *("返品", "は", "30", "日", "以内", "に", "お願い", "し", "ます", "。")
    ]
    assert japanese_words("") == japanese_words("  \n") == []


@given(text=TEXTS)
def test_the_words_are_sacrebleus_ja_mecab(text):
    theirs = BLEU(tokenize=SACREBLEU_NAMES["ja"]).tokenizer
    assert japanese_words(text) == theirs(text.rstrip()).split()


def test_no_character_of_the_shipped_japanese_is_lost():
    for row in load_shipped("support", "ja")[:200]:
        text = row["question"] + row["answer"]
        assert "".join(japanese_words(text)) == "".join(text.split())


def test_bleu_of_one_japanese_pair_depends_on_the_tokenizer():
    """13a sees one word a clause and finds nothing in common; MeCab and characters do."""
    hypothesis, reference = "保証は購入日から一年間です。", "保証期間は購入日から一年間です。"
    scores = {
        name: BLEU(tokenize=name).corpus_score([hypothesis], [[reference]]).score
        for name in ("13a", "ja-mecab", "char")
    }
    assert scores["13a"] == 0
    assert scores["ja-mecab"] > 60
    assert scores["char"] > 60


def test_characters_leave_white_space_out():
    assert characters("星 空\n電　機 a") == ["星", "空", "電", "機", "a"]


def test_each_language_has_its_tokenizer_and_others_are_refused():
    assert for_language("ja") is japanese_words is sacrebleu_words("ja-mecab")
    assert rouge_words("ja") is japanese_words
    assert for_language("en")("It's late, isn't it?") == [
        *("It's", "late", ",", "isn't", "it", "?")
    ]
    assert rouge_words("en")("It's late") == ["it", "s", "late"]
    for choose in (for_language, rouge_words):
        with pytest.raises(BadInput, match="no tokenizer for language 'fr'"):
            choose("fr")
    with pytest.raises(BadInput, match=r"no tokenizer 'mecab'.*ja-mecab"):
        sacrebleu_words("mecab")


@pytest.mark.parametrize("package", ["MeCab", "ipadic"])
def test_a_missing_package_is_named_with_the_way_out(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    tokenizers._tagger.cache_clear()
    with pytest.raises(MissingDependency, match="pip install mecab-python3 ipadic"):
        japanese_words("星空")
    monkeypatch.undo()
    assert japanese_words("星空") == ["星空"]
