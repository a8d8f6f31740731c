"""Log-probabilities of answers: the same as one pass for each, whatever the batches."""

import numpy as np
import pytest
import torch

from lab_helpers.models import likelihood
from lab_helpers.models.language_models import load_language_model
from lab_helpers.models.likelihood import answer_scores

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(tiny_chat_model, one_thread):
    return load_language_model(str(tiny_chat_model))[0]


@pytest.fixture(scope="module")
def pairs():
    rng = np.random.default_rng(3)
    found = [
        (rng.integers(5, 300, size).tolist(), rng.integers(5, 300, length).tolist())
        for size, length in ((9, 3), (1, 1), (30, 2), (12, 7), (5, 1))
    ]
    return found + [(found[0][0], [letter]) for letter in (11, 12, 13)]


@torch.inference_mode()
def one_by_one(model, pair):
    prompt, answer = pair
    logits = model(input_ids=torch.tensor([prompt + answer])).logits[0].float().log_softmax(-1)
    steps = logits[len(prompt) - 1 : -1]
    total = sum(float(step[token]) for step, token in zip(steps, answer, strict=True))
    return float(steps.argmax(-1).tolist() == answer), total


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_each_answer_is_scored_as_if_alone(model, pairs, batch_size):
    hits, log_probabilities = answer_scores(model, pairs, batch_size)
    expected = [one_by_one(model, pair) for pair in pairs]
    assert hits.tolist() == [hit for hit, _ in expected]
    assert log_probabilities == pytest.approx([value for _, value in expected], abs=1e-3)


def test_greedy_answers_are_hits(model, pairs):
    prompt = pairs[0][0]
    ids = torch.tensor([prompt])
    with torch.inference_mode():
        for _ in range(4):
            ids = torch.cat([ids, model(input_ids=ids).logits[:, -1:].argmax(-1)], 1)
    answer = ids[0, len(prompt) :].tolist()
    wrong = [*answer[:-1], (answer[-1] + 1) % 300]
    assert answer_scores(model, [(prompt, answer), (prompt, wrong)])[0].tolist() == [1, 0]


def test_answers_that_differ_in_their_last_token_share_a_pass(model, pairs, monkeypatch):
    rows = []
    before = likelihood.last_logits
    monkeypatch.setattr(
        likelihood, "last_logits", lambda m, ids, n: (rows.append(len(ids)), before(m, ids, n))[1]
    )
    prompt = pairs[0][0]
    answer_scores(model, [(prompt, [letter]) for letter in (11, 12, 13, 14)])
    assert rows == [1]
    answer_scores(model, [(prompt, [5, letter]) for letter in (11, 12)] + [(prompt, [6, 11])])
    assert rows == [1, 2]


def test_a_model_that_cannot_keep_few_logits_gives_the_same(model, pairs):
    class Plain:
        device = model.device

        def __call__(self, input_ids):
            return model(input_ids=input_ids)

    assert answer_scores(Plain(), pairs)[1] == pytest.approx(answer_scores(model, pairs)[1])


def test_nothing_asked_is_nothing_scored(model):
    assert [len(values) for values in answer_scores(model, [])] == [0, 0]
