"""Answers from a store, with their sources; and when rather not to answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lab_helpers.data.languages import detect_language
from lab_helpers.rag.hits import Hit, check_score
from lab_helpers.rag.prompts import cited, with_sources
from lab_helpers.rag.store import Store
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

ABSTENTION = {
    "en": "I do not have this information in my sources.",
    "ja": "手元の資料には、その情報がありません。",
}


@dataclass
class Answer:
    """``text`` cites numbers into ``hits`` (from 1); ``sources`` are the hits it cites.

    An answer that cites nothing has no ``sources``: nobody vouches for it. ``abstained`` means that
    no model was asked, because no hit reached the threshold.
    """

    text: str
    sources: list[Hit]
    abstained: bool
    hits: list[Hit] = field(default_factory=list)


class Threshold(NamedTuple):
    """Answer at scores of ``value`` and above. Shares of the validation questions it decides right."""

    value: float
    answered: float
    abstained: float


def answer(
    question: str,
    store: Store,
    model,
    tokenizer,
    *,
    k: int = 3,
    mode: str = "hybrid",
    threshold: float | None = None,
    by: str = "vector",
    language: str | None = None,
    system: str | None = None,
    max_new_tokens: int = 96,
) -> Answer:
    """Search, and let a chat model answer from the ``k`` best chunks; abstain where none fits.

    ``threshold`` and ``by`` as in :meth:`Store.search`: it abstains when the best hit's score is
    below, or nothing is found. ``language`` ("en", "ja") is that of the question by default.
    """
    from lab_helpers.models.generation import generate

    spoken = language or ("ja" if detect_language(question) == "ja" else "en")
    hits = store.search(question, k, mode)
    if not hits or (threshold is not None and best_score(hits, by) < threshold):
        return Answer(ABSTENTION[spoken], [], True, hits)
    conversation = with_sources(question, hits, spoken, system)
    reply = generate(model, tokenizer, [conversation], max_new_tokens=max_new_tokens).texts[0]
    return Answer(reply, [hits[number - 1] for number in cited(reply, hits)], False, hits)


def best_score(hits: Sequence[Hit], by: str = "vector") -> float:
    """The highest ``"vector"`` (cosine) or ``"text"`` (BM25) score among ``hits``; -inf of none."""
    check_score(by)
    return max((getattr(hit, f"{by}_score") for hit in hits), default=-np.inf)


def choose_threshold(scores: Sequence[float], answerable: Sequence[bool]) -> Threshold:
    """The threshold that tells answerable from unanswerable validation questions best.

    ``scores`` are the best hits' scores, one a question. Maximises Youden's J = sensitivity +
    specificity - 1 (Youden 1950, Cancer 3, p. 32), which is 2 * balanced accuracy - 1: each kind of
    mistake counts by its rate, however many questions of each kind there are. Of equal ones the
    lowest is taken, and it lies halfway between the two scores that it separates.
    """
    values, right = np.asarray(scores, float), np.asarray(answerable, bool)
    if values.shape != right.shape or right.all() or not right.any():
        raise BadInput(
            say(
                "a threshold needs questions with and without an answer, and a score of each",
                "しきい値を決めるには、答えのある質問とない質問の両方と、それぞれのスコアが必要です",
            ),
            say(
                "Give validation questions of both kinds.",
                "検証用に、両方の種類の質問を用意してください。",
            ),
        )
    levels = np.unique(values[np.isfinite(values)])
    candidates = [-np.inf, *((levels[1:] + levels[:-1]) / 2), np.inf]
    found = [
        Threshold(float(c), float((values[right] >= c).mean()), float((values[~right] < c).mean()))
        for c in candidates
    ]
    return max(found, key=lambda one: one.answered + one.abstained)
