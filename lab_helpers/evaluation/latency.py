"""How long a customer waits: whole replies one at a time, and the first token of each."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lab_helpers.models.generation import Conversation, generate
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import report_with, track


@dataclass(frozen=True)
class Latency:
    """Of n replies: ``reply_seconds`` and ``first_token_seconds``, (n,) each, and ``tokens`` written in all.

    ``cut`` replies were still being written at the limit: their length is the limit's, not the model's.

    Both clocks start when the question is handed over, so tokenising and reading it are included.
    """

    reply_seconds: np.ndarray
    first_token_seconds: np.ndarray
    tokens: int
    cut: int = 0

    @property
    def p50(self) -> float:
        """Half of the replies are done within so many seconds."""
        return float(np.percentile(self.reply_seconds, 50))

    @property
    def p95(self) -> float:
        """19 of 20 replies are done within so many seconds: what the unlucky customer sees."""
        return float(np.percentile(self.reply_seconds, 95))

    @property
    def first_token_p50(self) -> float:
        return float(np.percentile(self.first_token_seconds, 50))

    @property
    def first_token_p95(self) -> float:
        return float(np.percentile(self.first_token_seconds, 95))

    @property
    def tokens_per_second(self) -> float:
        """Tokens written over the seconds of whole replies, one reply at a time."""
        return self.tokens / float(self.reply_seconds.sum())

    def row(self) -> dict[str, float]:
        """One row of a table, times in milliseconds."""
        return {
            "p50 ms": 1000 * self.p50,
            "p95 ms": 1000 * self.p95,
            "first token p50 ms": 1000 * self.first_token_p50,
            "first token p95 ms": 1000 * self.first_token_p95,
            "tokens/s": self.tokens_per_second,
            "tokens a reply": self.tokens / len(self.reply_seconds),
            "cut off": self.cut,
        }


def measure_latency(
    model,
    tokenizer,
    conversations: list[Conversation],
    max_new_tokens: int = 48,
    warm_up: int = 2,
    clock: Callable[[], float] = time.perf_counter,
    **options,
) -> Latency:
    """Answer each conversation alone (batch size 1) after ``warm_up`` replies that do not count.

    The first replies pay for caches and memory that later ones find ready. ``options`` go to
    ``model.generate``; beams cannot be timed, as they write no token before the end.
    """
    if not conversations:
        raise BadInput(
            say("no conversation to time", "時間を測る会話がありません"),
            say(
                "Give at least one; for a p95 give twenty or more.",
                "1 件以上渡してください。p95 を見るには 20 件以上が必要です。",
            ),
        )
    warming = [conversations[i % len(conversations)] for i in range(warm_up)]
    replies, first_tokens, written, cut = [], [], 0, 0
    for number, conversation in enumerate(
        track([*warming, *conversations], say("latency", "応答時間"), warm_up + len(conversations))
    ):
        streamer = _FirstToken(clock)
        with report_with(None):  # a bar drawn between two tokens would be timed too
            started = clock()
            reply = generate(
                model, tokenizer, [conversation], max_new_tokens, 1, streamer=streamer, **options
            )
            ended = clock()
        if number >= warm_up:
            replies.append(ended - started)
            first_tokens.append(streamer.seconds - started)
            written += reply.tokens
            cut += reply.ended.count(False)
    return Latency(np.array(replies), np.array(first_tokens), written, cut)


class _FirstToken:
    """A ``transformers`` streamer that notes when the first token came.

    ``generate`` hands over the prompt first, then each token as soon as it is chosen (brought to the
    CPU, so that a GPU's work for it is over).
    """

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._handed = 0
        self.seconds = float("nan")

    def put(self, value) -> None:
        self._handed += 1
        if self._handed == 2:
            self.seconds = self._clock()

    def end(self) -> None:
        """Nothing is left to do; ``generate`` calls it."""


def latency_rows(found: dict[str, Latency]) -> list[dict]:
    """A row a model, for a table."""
    return [{"model": name, **latency.row()} for name, latency in found.items()]
