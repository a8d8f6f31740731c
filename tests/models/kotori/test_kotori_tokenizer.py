"""Kotori's tokenizer: digits one by one, names cut alike everywhere, ChatML to the letter."""

import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import tokenizer, values

CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "ベルモはいくら?"},
    {"role": "assistant", "content": "1,200円です。\nお安い。"},
    {"role": "user", "content": "  And  {two}?"},
    {"role": "assistant", "content": "2,400 yen"},
]
RENDERED = (
    "<|im_start|>system\nBe brief.<|im_end|>\n"
    "<|im_start|>user\nベルモはいくら?<|im_end|>\n"
    "<|im_start|>assistant\n1,200円です。\nお安い。<|im_end|>\n"
    "<|im_start|>user\n  And  {two}?<|im_end|>\n"
    "<|im_start|>assistant\n2,400 yen<|im_end|>\n"
)
words = st.text("abcdefghijklmnopqrstuvwxyzäöABC", min_size=1, max_size=12)
numbers = st.integers(0, 10**9)
seeds = st.integers(0, 2**32)


def ids(small_tokenizer, text: str) -> list[int]:
    return small_tokenizer(text)["input_ids"]


def pieces(small_tokenizer, text: str) -> list[str]:
    return [small_tokenizer.decode([token]) for token in ids(small_tokenizer, text)]


def test_the_table_has_the_size_that_was_asked_for(small_tokenizer):
    assert len(small_tokenizer) == small_tokenizer.vocab_size == 700
    assert small_tokenizer.convert_tokens_to_ids(list(tokenizer.SPECIAL_TOKENS)) == [0, 1, 2]


def test_the_turn_ends_generation_and_padding_is_another_token(small_tokenizer):
    assert small_tokenizer.eos_token == "<|im_end|>"
    assert small_tokenizer.pad_token == "<|endoftext|>"
    assert small_tokenizer.eos_token_id != small_tokenizer.pad_token_id


@given(text=st.text(max_size=80))
def test_any_text_comes_back(small_tokenizer, text):
    back = small_tokenizer.decode(ids(small_tokenizer, text))
    assert back == unicodedata.normalize("NFC", text)


@given(number=numbers, before=st.sampled_from(["", "¥", "NW-", " ", "第", "x"]))
def test_every_digit_is_one_token(small_tokenizer, number, before):
    parts = pieces(small_tokenizer, f"{before}{number:,} yen")
    digits = [part for part in parts if any(character.isdigit() for character in part)]
    assert digits == list(f"{number}")


@given(
    seed=seeds, after=st.sampled_from(["は", "の値段", "です。", "、", "\n", "12", " x", "漢字"])
)
def test_a_katakana_name_is_cut_the_same_alone_and_in_a_sentence(small_tokenizer, seed, after):
    name = values.invented_name("ja", Random(seed))
    assert set(name) <= set(map(chr, range(0x30A0, 0x3100)))
    alone = ids(small_tokenizer, name)
    for before in ("", "この", "店", "「", "\n"):
        start = len(ids(small_tokenizer, before))
        assert ids(small_tokenizer, before + name + after)[start : start + len(alone)] == alone


@given(seed=seeds, after=st.sampled_from([" is", ",", ".", "'s", "\n", "-5"]))
def test_a_latin_name_after_a_space_is_cut_the_same_whatever_follows(small_tokenizer, seed, after):
    name = " " + values.invented_name("en", Random(seed))
    alone = ids(small_tokenizer, name)
    assert ids(small_tokenizer, "The" + name + after)[1 : 1 + len(alone)] == alone


@given(one=words, two=words)
def test_no_token_spans_two_words(small_tokenizer, one, two):
    assert ids(small_tokenizer, f"{one} {two}") == [
        *ids(small_tokenizer, one),
        *ids(small_tokenizer, f" {two}"),
    ]


def test_special_tokens_are_one_token_each(small_tokenizer):
    for token in tokenizer.SPECIAL_TOKENS:
        assert pieces(small_tokenizer, f"a{token}b") == ["a", token, "b"]


def test_nothing_is_added_to_a_text(small_tokenizer):
    assert ids(small_tokenizer, "") == []
    assert small_tokenizer("lamp")["input_ids"] == small_tokenizer("lamp", add_special_tokens=False)["input_ids"]  # fmt: skip


# Chat template


def test_a_conversation_is_chatml_to_the_letter(small_tokenizer):
    assert small_tokenizer.apply_chat_template(CONVERSATION, tokenize=False) == RENDERED


def test_the_prompt_for_an_answer_opens_the_assistants_turn(small_tokenizer):
    prompt = small_tokenizer.apply_chat_template(
        CONVERSATION[:2], tokenize=False, add_generation_prompt=True
    )
    assert prompt == "".join(RENDERED.partition("assistant\n")[:2])


def test_a_conversation_is_tokenised_as_the_corpus_is(small_tokenizer):
    encoded = small_tokenizer.apply_chat_template(CONVERSATION, return_dict=True)
    assert encoded["input_ids"] == ids(small_tokenizer, RENDERED)


def test_the_generation_marks_give_what_the_assistant_says(small_tokenizer):
    encoded = small_tokenizer.apply_chat_template(
        CONVERSATION, return_assistant_tokens_mask=True, return_dict=True
    )
    tokens, mask = encoded["input_ids"], encoded["assistant_masks"]
    assert len(tokens) == len(mask)
    spoken = small_tokenizer.decode([t for t, m in zip(tokens, mask, strict=True) if m])
    assert spoken == "1,200円です。\nお安い。<|im_end|>2,400 yen<|im_end|>"


@pytest.mark.parametrize("role", ["tool", "developer", "Assistant", ""])
def test_an_unknown_role_is_refused(small_tokenizer, role):
    with pytest.raises(Exception, match="system, user and assistant"):
        small_tokenizer.apply_chat_template([{"role": role, "content": "x"}], tokenize=False)


# Training and saving


def test_the_same_texts_give_the_same_table(sample):
    texts = [document.text for document in sample(None, 60)]
    one, two = (tokenizer.train(texts, 400).get_vocab() for _ in range(2))
    assert one == two


def test_a_saved_tokenizer_is_loaded_whole(small_tokenizer, tmp_path):
    small_tokenizer.save_pretrained(tmp_path)
    loaded = tokenizer.load(tmp_path)
    assert loaded.get_vocab() == small_tokenizer.get_vocab()
    assert loaded.apply_chat_template(CONVERSATION, tokenize=False) == RENDERED
    assert ids(loaded, RENDERED) == ids(small_tokenizer, RENDERED)
    assert (loaded.eos_token, loaded.pad_token) == ("<|im_end|>", "<|endoftext|>")
    assert loaded.model_max_length == 1024
    assert loaded.padding_side == "right"
