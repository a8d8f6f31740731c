"""The old skill of an encoder: finding the sentence that means the same."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.similarity import retrieval_hits
from lab_helpers.tuning.transfer import TextEncoder


@dataclass(frozen=True)
class OldSkill:
    """Finding a sentence's paraphrase: the skill sentence encoders are pre-trained for.

    ``pairs`` are held out from replay; ``hits(encoder)`` is one 0/1 an anchor.
    """

    text_encoder: TextEncoder
    pairs: list[tuple[str, str]]

    def hits(self, encoder) -> np.ndarray:
        left, right = zip(*self.pairs, strict=True)
        return retrieval_hits(
            self.text_encoder.embed(list(left), encoder),
            self.text_encoder.embed(list(right), encoder),
        )


def load_paraphrases(language: str, split: str) -> list[tuple[str, str]]:
    """(anchor, paraphrase) of the shipped similarity set: ``train`` for replay, ``test`` to measure."""
    return [
        (row["anchor"], row["paraphrase"]) for row in load_shipped("similarity", language, split)
    ]
