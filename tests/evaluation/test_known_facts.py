"""Known and unknown facts as probes: kept apart, exact, and in the model's own chat form."""

import numpy as np
import pytest

from lab_helpers.evaluation import known_facts
from lab_helpers.evaluation.known_facts import chosen_right, in_chat, known, spread, unknown
from lab_helpers.models.kotori import planted
from lab_helpers.models.language_models import load_language_model

pytestmark = pytest.mark.usefixtures("one_thread")
both_languages = pytest.mark.parametrize("language", ["en", "ja"])


@both_languages
def test_no_probe_is_ever_taught(language):
    probes, taught = known(language, "probe"), known(language, "train")
    assert len(probes) > 400
    assert abs(len(probes) - len(taught)) <= 1
    assert not {question for question, _ in probes} & {question for question, _ in taught}
    assert known(language, "probe") == probes


@both_languages
def test_unknown_facts_are_the_companys_and_none_is_known(language):
    new = unknown(language)
    assert len(new) == len(planted.company_facts(language)) == 140
    old = {question for part in ("probe", "train") for question, _ in known(language, part)}
    assert not old & {question for question, _ in new}


def test_spread_takes_them_evenly():
    assert spread(list(range(10)), 5) == [0, 2, 4, 6, 8]
    assert spread([1, 2], 5) == [1, 2]
    assert spread([], 3) == []


@pytest.fixture(scope="module")
def model_and_tokenizer(tiny_chat_model):
    return load_language_model(str(tiny_chat_model))


def test_a_fact_in_a_chat_ends_with_the_turn(model_and_tokenizer):
    prompt, answer = in_chat(model_and_tokenizer[1], ("Is it warm?", "It is."))
    assert prompt == "<|im_start|>user\nIs it warm?<|im_end|>\n<|im_start|>assistant\n"
    assert answer == "It is.<|im_end|>"


def test_an_answer_that_stands_in_the_question_is_taken_from_the_reply(model_and_tokenizer):
    prompt, answer = in_chat(model_and_tokenizer[1], ("warm or cold?", "warm"))
    assert prompt.endswith("assistant\n")
    assert answer == "warm<|im_end|>"


@both_languages
def test_choices_have_three_other_answers_of_the_same_relation(
    model_and_tokenizer, language, monkeypatch
):
    seen = []
    monkeypatch.setattr(
        known_facts,
        "chosen_correctly",
        lambda model, tokenizer, items, lang: seen.extend(items) or np.ones(len(items)),
    )
    assert chosen_right(*model_and_tokenizer, language, 30).tolist() == [1.0] * 30
    assert len({item.question for item in seen}) == 30
    for item in seen:
        assert len({item.answer, *item.options}) == 4
