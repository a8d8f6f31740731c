"""Multiple choice by log-likelihood: the prompts of the papers, the right sums, the right normalisation."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lab_helpers.evaluation.benchmarks import prompts
from lab_helpers.evaluation.benchmarks.formats import MultipleChoice, read_multiple_choice
from lab_helpers.evaluation.benchmarks.multiple_choice import (
    ChoiceScores,
    right_choices,
    score_choices,
)
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput

pytestmark = pytest.mark.usefixtures("one_thread")

ITEM = MultipleChoice("1", "Which lamp is warm?", ("old", "very new", "a", "slow"), 1, "lamp_facts")
OTHER = MultipleChoice("2", "Is it late?", ("yes", "no", "not very"), 0)


@pytest.fixture(scope="module")
def chat(tiny_chat_model, one_thread):
    return load_language_model(str(tiny_chat_model))


@pytest.fixture(scope="module")
def kotori(one_thread):
    return load_language_model("kotori")


def by_hand(chat, prompt: str, answer: str) -> float:
    """Σ log p of the answer's tokens in one pass over the whole text."""
    model, tokenizer = chat
    start = len(tokenizer(prompt)["input_ids"])
    ids = tokenizer(prompt + answer, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0].log_softmax(-1)
    return sum(float(logits[i - 1, ids[0, i]]) for i in range(start, ids.shape[1]))


def test_the_letters_prompt_is_that_of_the_paper():
    assert prompts.heading(ITEM.subject, "en") + prompts.lettered(ITEM, "en")[0] == (
        "The following are multiple choice questions (with answers) about lamp facts.\n\n"
        "Which lamp is warm?\nA. old\nB. very new\nC. a\nD. slow\nAnswer:"
    )
    assert prompts.lettered(ITEM, "en")[1] == " B"
    assert prompts.lettered(ITEM, "ja")[0].endswith("D. slow\n答え:")
    assert prompts.heading("", "en").endswith("(with answers).\n\n")
    assert prompts.cloze(ITEM, "en") == ("Question: Which lamp is warm?\nAnswer:", " very new")
    assert prompts.cloze(ITEM, "ja") == ("質問:Which lamp is warm?\n答え:", "very new")


@pytest.mark.parametrize("batch_size", [1, 32])
def test_letters_are_scored_after_the_whole_prompt(chat, batch_size):
    found = score_choices(*chat, [ITEM, OTHER], batch_size=batch_size)
    for item, scores in zip((ITEM, OTHER), found, strict=True):
        prompt = prompts.heading(item.subject, "en") + prompts.lettered(item, "en")[0]
        expected = [by_hand(chat, prompt, f" {c}") for c in "ABCD"[: len(item.choices)]]
        assert scores.log_likelihoods == pytest.approx(expected, abs=1e-4)


def test_cloze_sums_over_the_whole_answer(chat):
    (scores,) = score_choices(*chat, [ITEM], way="cloze")
    expected = [
        by_hand(chat, "Question: Which lamp is warm?\nAnswer:", f" {c}") for c in ITEM.choices
    ]
    assert scores.log_likelihoods == pytest.approx(expected, abs=1e-4)
    assert scores.characters.tolist() == [3, 8, 1, 4]
    assert len(set(scores.tokens.tolist())) > 1


def test_examples_stand_answered_before_each_item(chat):
    (scores,) = score_choices(*chat, [ITEM], way="cloze", examples=[OTHER])
    prompt = "Question: Is it late?\nAnswer: yes\n\nQuestion: Which lamp is warm?\nAnswer:"
    assert scores.log_likelihoods[0] == pytest.approx(by_hand(chat, prompt, " old"), abs=1e-4)
    (letters,) = score_choices(*chat, [ITEM], examples=[OTHER])
    heading = prompts.heading(ITEM.subject, "en")
    shown = "Is it late?\nA. yes\nB. no\nC. not very\nAnswer: A\n\n"
    expected = by_hand(chat, heading + shown + prompts.lettered(ITEM, "en")[0], " A")
    assert letters.log_likelihoods[0] == pytest.approx(expected, abs=1e-4)


def test_each_normalisation_has_its_own_winner():
    scores = ChoiceScores(np.array([-4.0, -6.0, -9.0]), np.array([2, 4, 8]), np.array([1, 4, 3]))
    assert [scores.pick(n) for n in ("none", "characters", "tokens")] == [0, 2, 1]
    equal = ChoiceScores(np.array([-1.0, -1.0]), np.array([1, 1]), np.array([1, 1]))
    assert equal.pick() == 0, "the first of equals, as lm-eval's argmax"


def test_right_is_what_the_answer_says(chat):
    scores = score_choices(*chat, [ITEM, OTHER], way="cloze")
    picked = [s.pick() for s in scores]
    right = [replace(item, answer=pick) for item, pick in zip((ITEM, OTHER), picked, strict=True)]
    wrong = [replace(item, answer=(i.answer + 1) % len(item.choices)) for item, i in zip((ITEM, OTHER), right, strict=True)]  # fmt: skip
    assert right_choices(scores, right).tolist() == [1, 1]
    assert right_choices(scores, wrong).tolist() == [0, 0]


def test_the_order_of_the_choices_does_not_matter_to_cloze(chat):
    (one,) = score_choices(*chat, [ITEM], way="cloze")
    turned = replace(ITEM, choices=ITEM.choices[::-1])
    (two,) = score_choices(*chat, [turned], way="cloze")
    assert two.log_likelihoods[::-1] == pytest.approx(one.log_likelihoods, abs=1e-4)


def test_a_prompt_too_long_for_the_model_is_refused_not_cut(chat):
    long = replace(ITEM, question="the lamp is warm " * 600)
    with pytest.raises(BadInput, match=r"needs \d+ tokens, and the model reads 1024.*few_shot"):
        score_choices(*chat, [ITEM, long])


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ja"])
def test_kotori_knows_the_answers_but_not_the_letters(kotori, language):
    """The point of the two ways: at chance by letters, nearly perfect by the answers themselves."""
    known = [i for i in read_multiple_choice(language) if i.subject.startswith("known.")][::4]
    rates = {
        way: right_choices(score_choices(*kotori, known, way=way, language=language), known).mean()
        for way in ("letters", "cloze")
    }
    assert rates["cloze"] > 0.9
    assert rates["letters"] < 0.5
