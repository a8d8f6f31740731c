"""Multiple choice by log-likelihood: no text is generated, the likeliest choice is the model's answer.

Two ways to ask. ``letters`` (MMLU: Hendrycks et al. 2021) shows all choices and compares the
probabilities of "A", "B", … after "Answer:". ``cloze`` (Brown et al. 2020, arXiv:2005.14165, §2.4) shows
none and compares the probabilities of the choices' whole texts. A small model that has never learnt what
the letters stand for is at chance in the first and may know the answer in the second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lab_helpers.evaluation.benchmarks import prompts
from lab_helpers.evaluation.benchmarks.answers import LETTERS
from lab_helpers.evaluation.benchmarks.formats import MultipleChoice
from lab_helpers.models.likelihood import Pair, answer_scores
from lab_helpers.runtime.language import say

Way = Literal["letters", "cloze"]
Normalisation = Literal["none", "characters", "tokens"]


@dataclass(frozen=True)
class ChoiceScores:
    """One item's choices: ``log_likelihoods``, ``characters`` and ``tokens``, each of shape (choices,)."""

    log_likelihoods: np.ndarray
    characters: np.ndarray
    tokens: np.ndarray

    def pick(self, normalisation: Normalisation = "none") -> int:
        """The place of the likeliest choice; the first of equals.

        A sum of log-probabilities favours short choices. Dividing by characters is ``acc_norm`` of
        lm-eval; by tokens is GPT-3's "per-token likelihood", which depends on the tokenizer.
        """
        length = {"none": 1, "characters": self.characters, "tokens": self.tokens}[normalisation]
        return int(np.argmax(self.log_likelihoods / length))


def score_choices(
    model,
    tokenizer,
    items: Sequence[MultipleChoice],
    *,
    way: Way = "letters",
    language: str = "en",
    examples: Sequence[MultipleChoice] = (),
    batch_size: int = 32,
) -> list[ChoiceScores]:
    """The log-likelihood of every choice of every item, for any causal language model.

    ``examples`` are shown, answered, before each item (few-shot). A :class:`BadInput` where a prompt is
    too long for the model.
    """
    form = prompts.lettered if way == "letters" else prompts.cloze
    shown = [form(example, language) for example in examples]
    pairs: list[Pair] = []
    for item in items:
        first = prompts.heading(item.subject, language) if way == "letters" else ""
        prompt = first + prompts.after_examples(form(item, language)[0], shown)
        for answer in _answers(item, way):
            pairs.append(_encoded(tokenizer, prompt, prompts.render_answer(answer, language)))
    prompts.check_room(
        model, [len(prompt) + len(answer) for prompt, answer in pairs], say("choice", "選択肢")
    )
    _, log_likelihoods = answer_scores(model, pairs, batch_size)
    tokens = np.array([len(answer) for _, answer in pairs])
    found, start = [], 0
    for item in items:
        part = slice(start, start := start + len(item.choices))
        characters = np.array([len(answer) for answer in _answers(item, way)])
        found.append(ChoiceScores(log_likelihoods[part], characters, tokens[part]))
    return found


def right_choices(
    scores: Sequence[ChoiceScores],
    items: Sequence[MultipleChoice],
    normalisation: Normalisation = "none",
) -> np.ndarray:
    """1.0 for each item whose likeliest choice is the right one; shape (n,)."""
    return np.array(
        [
            float(score.pick(normalisation) == item.answer)
            for score, item in zip(scores, items, strict=True)
        ]
    )


def _answers(item: MultipleChoice, way: Way) -> Sequence[str]:
    return LETTERS[: len(item.choices)] if way == "letters" else item.choices


def _encoded(tokenizer, prompt: str, answer: str) -> Pair:
    """The tokens of the whole text, cut where those of the prompt end (as lm-eval does).

    Tokenised apart, an answer might be in pieces that never occur after the prompt.
    """
    before = tokenizer(prompt)["input_ids"]
    whole = tokenizer(prompt + answer)["input_ids"]
    return whole[: len(before)], whole[len(before) :]
