"""Latency by a clock that the test turns: warm-up excluded, first token apart, percentiles as numpy's."""

import numpy as np
import pytest

from lab_helpers.evaluation import latency
from lab_helpers.evaluation.latency import Latency, latency_rows, measure_latency
from lab_helpers.models.generation import generate, make_conversation
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.progress import report_with

pytestmark = pytest.mark.usefixtures("one_thread")

QUESTIONS = [make_conversation(f"Is the {thing} warm?") for thing in ("lamp", "heater", "fan")]


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Timed:
    """Stands for ``generate``: reading the prompt and each token take a set time."""

    def __init__(self, clock, reading, per_token, tokens):
        self.clock, self.reading, self.per_token = clock, iter(reading), per_token
        self.tokens, self.calls = tokens, []

    def __call__(self, model, tokenizer, conversations, max_new_tokens, batch_size, streamer, **options):  # fmt: skip
        self.calls.append((conversations, max_new_tokens, batch_size, options))
        streamer.put("the prompt")
        self.clock.now += next(self.reading)
        for _ in range(self.tokens):
            self.clock.now += self.per_token
            streamer.put("a token")
        streamer.end()
        return type("Replies", (), {"tokens": self.tokens, "ended": [self.tokens < max_new_tokens]})


@pytest.fixture
def timed(monkeypatch):
    def make(reading, per_token=0.5, tokens=4):
        clock = Clock()
        stand_in = Timed(clock, reading, per_token, tokens)
        monkeypatch.setattr(latency, "generate", stand_in)
        return clock, stand_in

    return make


def test_reading_and_writing_are_timed_and_warm_up_is_not(timed):
    clock, stand_in = timed([100, 100, 1, 2, 3])
    found = measure_latency(None, None, QUESTIONS, warm_up=2, clock=clock, do_sample=False)
    assert found.reply_seconds.tolist() == [3, 4, 5]
    assert found.first_token_seconds.tolist() == [1.5, 2.5, 3.5]
    assert found.tokens == 12
    assert found.tokens_per_second == pytest.approx(1)
    assert [call[0] for call in stand_in.calls[2:]] == [[q] for q in QUESTIONS]
    assert {call[1:3] for call in stand_in.calls} == {(48, 1)}
    assert stand_in.calls[0][3] == {"do_sample": False}


def test_a_short_list_is_warmed_up_with_what_there_is(timed):
    clock, stand_in = timed([1] * 5)
    found = measure_latency(None, None, QUESTIONS[:1], warm_up=4, clock=clock)
    assert (len(stand_in.calls), len(found.reply_seconds)) == (5, 1)


def test_percentiles():
    seconds = np.arange(1, 102) / 10
    found = Latency(seconds, seconds / 2, 1010)
    assert (found.p50, found.p95) == (pytest.approx(5.1), pytest.approx(9.6))
    assert (found.first_token_p50, found.first_token_p95) == (pytest.approx(2.55), pytest.approx(4.8))  # fmt: skip
    (row,) = latency_rows({"base": found})
    assert row["model"] == "base"
    assert row["p95 ms"] == pytest.approx(9600)
    assert row["tokens a reply"] == 10
    assert row["cut off"] == 0


def test_a_real_model_is_heard_token_by_token(tiny_chat_model, one_thread):
    model, tokenizer = load_language_model(str(tiny_chat_model))
    ticks = iter(range(1000))
    found = measure_latency(model, tokenizer, QUESTIONS, 6, warm_up=1, clock=lambda: next(ticks))
    # The clock is read at the start, at the first token and at the end, and at no other time.
    assert found.first_token_seconds.tolist() == [1, 1, 1]
    assert found.reply_seconds.tolist() == [2, 2, 2]
    assert found.tokens == generate(model, tokenizer, QUESTIONS, 6).tokens


def test_progress_is_told_outside_the_timing_only(timed):
    clock, _ = timed([1] * 5)
    heard = []
    with report_with(lambda label, done, total: heard.append((label, done, total))):
        measure_latency(None, None, QUESTIONS, warm_up=2, clock=clock)
    assert heard == [("latency", done, 5) for done in range(6)]


def test_no_question_no_latency():
    with pytest.raises(BadInput, match="no conversation"):
        measure_latency(None, None, [])


def test_replies_that_the_limit_has_ended_are_counted(timed):
    clock, _ = timed([1] * 5)
    assert measure_latency(None, None, QUESTIONS, warm_up=2, clock=clock).cut == 0
    clock, _ = timed([1] * 5)
    found = measure_latency(None, None, QUESTIONS, max_new_tokens=4, warm_up=2, clock=clock)
    assert found.cut == 3
