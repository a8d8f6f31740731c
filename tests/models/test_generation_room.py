"""A reply never grows past what the model reads at once."""

import pytest

from lab_helpers.models.generation import continue_texts
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput


@pytest.fixture(scope="module")
def loaded(tiny_chat_model):
    return load_language_model(str(tiny_chat_model))


def test_a_reply_ends_where_the_context_ends(loaded):
    model, tokenizer = loaded
    context = model.config.max_position_embeddings
    ids = tokenizer("a" * 4000, add_special_tokens=False)["input_ids"][: context - 5]
    prompt = tokenizer.decode(ids)
    width = len(tokenizer(prompt, add_special_tokens=False)["input_ids"])
    found = continue_texts(model, tokenizer, [prompt], max_new_tokens=50, eos_token_id=-1)
    assert found.tokens == context - width
    assert found.ended == [False]


def test_a_prompt_without_room_is_refused(loaded):
    model, tokenizer = loaded
    with pytest.raises(BadInput, match="its reply included"):
        continue_texts(model, tokenizer, ["a " * 4000], max_new_tokens=5)


def test_a_long_prompt_leaves_the_others_their_room(loaded):
    model, tokenizer = loaded
    context = model.config.max_position_embeddings
    long = tokenizer.decode(
        tokenizer("a" * 4000, add_special_tokens=False)["input_ids"][: context - 5]
    )
    alone = continue_texts(model, tokenizer, ["Hello"], max_new_tokens=40, eos_token_id=-1)
    both = continue_texts(model, tokenizer, [long, "Hello"], max_new_tokens=40, eos_token_id=-1)
    assert both.texts[1] == alone.texts[0]
    assert len(tokenizer(both.texts[1], add_special_tokens=False)["input_ids"]) > 5
