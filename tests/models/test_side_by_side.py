"""Base and tuned model side by side: one adapter, switched off and on."""

import pytest
import torch
from peft import LoraConfig, get_peft_model

from lab_helpers.models.generation import generate, make_conversation
from lab_helpers.models.language_models import load_language_model
from lab_helpers.models.side_by_side import SideBySide
from lab_helpers.runtime.errors import BadInput


@pytest.fixture(scope="module")
def tuned(tiny_chat_model):
    """The tiny model with an adapter that changes every answer, and its tokenizer."""
    model, tokenizer = load_language_model(str(tiny_chat_model))
    torch.manual_seed(0)
    config = LoraConfig(
        r=8, lora_alpha=64, target_modules=["q_proj", "v_proj"], init_lora_weights=False
    )
    return get_peft_model(model, config), tokenizer


@pytest.fixture
def pair(tuned):
    return SideBySide(*tuned, max_new_tokens=8)


def test_the_base_answers_as_without_an_adapter_and_the_tuned_one_differently(
    pair, tiny_chat_model
):
    plain, tokenizer = load_language_model(str(tiny_chat_model))
    wanted = generate(
        plain, tokenizer, [make_conversation("Is the lamp cold?")], max_new_tokens=8
    ).texts[0]
    replies = pair.ask("  Is the lamp cold? ")
    assert replies["base"] == wanted
    assert replies["tuned"] != wanted
    assert pair.ask("Is the lamp cold?") == replies, "nothing remains of the message before"


def test_a_system_message_comes_first(tuned, pair):
    told = SideBySide(*tuned, system="The box is late.", max_new_tokens=8)
    assert told.ask("Is the lamp cold?") != pair.ask("Is the lamp cold?")


@pytest.mark.parametrize("message", ["", "   "])
def test_an_empty_message_is_refused(pair, message):
    with pytest.raises(BadInput, match="empty"):
        pair.ask(message)


def test_a_message_beyond_the_context_is_refused(pair):
    with pytest.raises(BadInput, match="tokens and the model has room for 1016"):
        pair.ask("warm " * 2000)
