"""The likelihood judge: letters and replies, by the model's own probabilities."""

import math

import numpy as np
import pytest
import torch

from lab_helpers.evaluation.judge import LikelihoodJudge, position_balanced
from lab_helpers.evaluation.judge_prompts import QUALITY, verdict
from lab_helpers.evaluation.win_rate import judged_both_ways
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput

pytestmark = pytest.mark.usefixtures("one_thread")

PROMPTS = ["Is the lamp warm?", "Where is the filter made?", "ヒーターが動きません。"]
FIRST = [
    "The lamp is warm.",
    "The filter is made in Tokisawa.",
    "お問い合わせありがとうございます。",
]
SECOND = ["no", "It is a good filter and a very quiet one, my love.", "lol"]


@pytest.fixture(scope="module")
def loaded(tiny_chat_model, one_thread):
    return load_language_model(str(tiny_chat_model))


def by_hand(loaded, text: str, answer: str) -> float:
    """log p(answer | text), token by token, one row without padding."""
    model, tokenizer = loaded
    prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
    ids = prompt + tokenizer(answer, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        chances = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
    return sum(float(chances[i - 1, ids[i]]) for i in range(len(prompt), len(ids)))


@pytest.mark.parametrize("language", ["en", "ja"])
def test_letters_are_the_models_chances_of_a_and_b(loaded, language):
    judge = LikelihoodJudge(*loaded, by="letters", language=language)
    judge.read(PROMPTS, FIRST, SECOND)  # rows of unequal length: padded
    for prompt, a, b in zip(PROMPTS, FIRST, SECOND, strict=True):
        text = judge._opened(judge._question(prompt, a, b))
        margin = by_hand(loaded, text, "A") - by_hand(loaded, text, "B")
        assert judge(prompt, a, b) == pytest.approx(1 / (1 + math.exp(-margin)), abs=1e-4)


def test_the_letters_question_shows_everything_in_order(loaded):
    text = LikelihoodJudge(*loaded)._question("PROMPT", "ONE", "TWO")
    assert text.index("PROMPT") < text.index("ONE") < text.index("TWO")


@pytest.mark.parametrize("per_token", [True, False])
def test_replies_are_scored_by_their_likelihood_after_the_prompt(loaded, per_token):
    _, tokenizer = loaded
    judge = LikelihoodJudge(*loaded, by="replies", per_token=per_token)
    judge.read(PROMPTS, FIRST, SECOND)
    for prompt, a, b in zip(PROMPTS, FIRST, SECOND, strict=True):
        scores = []
        for reply in (a, b):
            text, whole = judge._opened(f"{QUALITY['en']}\n\n{prompt}"), reply + tokenizer.eos_token
            total = by_hand(loaded, text, whole)
            scores.append(total / len(tokenizer(whole)["input_ids"]) if per_token else total)
        wanted = 0.5 + 0.5 * math.tanh((scores[0] - scores[1]) / 2)
        assert judge(prompt, a, b) == pytest.approx(wanted, abs=1e-4)


def test_scored_replies_know_no_position(loaded):
    judge = LikelihoodJudge(*loaded, by="replies")
    for prompt, a, b in zip(PROMPTS, FIRST, SECOND, strict=True):
        assert judge(prompt, a, b) + judge(prompt, b, a) == pytest.approx(1)
    assert judged_both_ways(judge, PROMPTS, FIRST, SECOND)[1] == 1


def test_the_instruction_may_be_left_out_and_matters(loaded):
    with_it, without = (LikelihoodJudge(*loaded, text, by="replies")(PROMPTS[0], FIRST[0], SECOND[0]) for text in (None, ""))  # fmt: skip
    assert with_it != without


def test_reading_ahead_changes_nothing_and_asks_the_model_no_more(loaded, monkeypatch):
    for by in ("letters", "replies"):
        ahead, alone = (LikelihoodJudge(*loaded, by=by) for _ in range(2))
        ahead.read(PROMPTS, FIRST, SECOND)
        fresh = [alone(*row) for row in zip(PROMPTS, FIRST, SECOND, strict=True)]
        monkeypatch.setattr(ahead, "model", None)
        read = [ahead(*row) for row in zip(PROMPTS, FIRST, SECOND, strict=True)]
        swapped = [ahead(*row) for row in zip(PROMPTS, SECOND, FIRST, strict=True)]
        assert read == pytest.approx(fresh, abs=1e-4)
        assert np.isfinite(swapped).all()


def test_a_pair_beyond_the_context_is_refused_unread(loaded):
    judge = LikelihoodJudge(*loaded, max_length=60)
    with pytest.raises(BadInput, match="tokens, and the judge reads 60"):
        judge("?", "The lamp is warm. " * 20, "no")


def test_an_unknown_way_to_judge_is_refused(loaded):
    with pytest.raises(BadInput, match="letters or replies"):
        LikelihoodJudge(*loaded, by="tea leaves")


def test_an_empty_reply_can_be_judged(loaded):
    for by in ("letters", "replies"):
        assert 0 <= LikelihoodJudge(*loaded, by=by)("?", "", "no") <= 1


def test_balancing_cancels_a_taste_for_a_place():
    place_and_quality = position_balanced(lambda p, a, b: 0.6 + 0.2 * (len(a) > len(b)))
    assert place_and_quality("?", "aa", "a") == pytest.approx(0.6)
    assert place_and_quality("?", "a", "aa") == pytest.approx(0.4)
    assert position_balanced(lambda p, a, b: 0.9)("?", "a", "b") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("Reply A is honest. [[A]]", 1.0),
        ("[[B]]", 0.0),
        ("同じくらいです。[[C]]", 0.5),
        ("Reply A says 'choose [[A]]', which is no reason. [[ B ]]", 0.0),
        ("A", None),
        ("[A]", None),
        ("[[D]]", None),
        ("", None),
    ],
)
def test_verdicts_are_read_from_the_last_brackets(answer, wanted):
    assert verdict(answer) == wanted
