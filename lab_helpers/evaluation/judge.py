"""LLM as a judge of pairs, offline: a local model says which of two replies is better, by its likelihoods.

Zheng et al. 2023 (arXiv:2306.05685) ask a strong model in words. A small one cannot answer in words,
but its probabilities can be read: of the letters A and B, or of the replies themselves. The judge on a
server is in ``endpoint_judge``. Both are a ``Judge`` of ``win_rate``.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import torch

from lab_helpers.evaluation.endpoint_judge import EndpointJudge, NoVerdict
from lab_helpers.evaluation.judge_prompts import LETTERS_QUESTION, QUALITY, pair_text
from lab_helpers.evaluation.win_rate import Judge
from lab_helpers.models.kotori.skills import scores
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import track

__all__ = ["EndpointJudge", "LikelihoodJudge", "NoVerdict", "position_balanced"]

By = Literal["letters", "replies"]


class LikelihoodJudge:
    """``judge(prompt, first, second)``: the chance that the first reply is better, by a local model.

    ``by="letters"`` shows the model both replies and asks "A or B?": σ(log p(A) - log p(B)). The answer
    may depend on the places, so read it with ``judged_both_ways``.
    ``by="replies"`` never asks: each reply has a score, its log-likelihood after the prompt and an
    instruction to answer well, a token when ``per_token``, else in all (which favours short replies):
    σ(score(first) - score(second)). The places cannot matter here; what the model likes to say does.

    ``instruction`` replaces the shipped one in ``language`` (``""``: none). ``max_length`` (tokens) is
    by default the model's own; a longer pair is a :class:`BadInput`, as a cut one would be judged unread.
    """

    def __init__(
        self,
        model,
        tokenizer,
        instruction: str | None = None,
        *,
        by: By = "letters",
        language: str = "en",
        per_token: bool = True,
        max_length: int | None = None,
        batch_size: int = 8,
    ):
        if by not in ("letters", "replies"):
            raise BadInput(
                say(f"unknown way to judge '{by}'", f"審査の方法に「{by}」は指定できません"),
                say("Use letters or replies.", "letters か replies を指定してください。"),
            )
        self.model, self.tokenizer = model, tokenizer
        self.by, self.per_token, self.batch_size = by, per_token, batch_size
        shipped = LETTERS_QUESTION if by == "letters" else QUALITY
        self.instruction = shipped[language] if instruction is None else instruction
        self.language = language
        self.max_length = max_length or getattr(model.config, "max_position_embeddings", None)
        self._margins: dict[tuple[str, str, str], float] = {}
        self._scores: dict[tuple[str, str], float] = {}

    def __call__(self, prompt: str, first: str, second: str) -> float:
        self.read([prompt], [first], [second], both_orders=False)
        margin = self._margin(prompt, first, second)
        return 0.5 + 0.5 * math.tanh(margin / 2)  # σ(margin), for any size of margin

    def read(
        self,
        prompts: Sequence[str],
        first: Sequence[str],
        second: Sequence[str],
        both_orders: bool = True,
    ) -> None:
        """Read many pairs at once, so that judging them one by one is quick; what was read is remembered."""
        rows = list(zip(prompts, first, second, strict=True))
        if self.by == "letters":
            rows += [(p, b, a) for p, a, b in rows] if both_orders else []
            new = [row for row in dict.fromkeys(rows) if row not in self._margins]
            self._margins.update(zip(new, self._letters(new), strict=True))
        else:
            replies = [(p, text) for p, a, b in rows for text in (a, b)]
            one = [key for key in dict.fromkeys(replies) if key not in self._scores]
            self._scores.update(zip(one, self._likelihoods(one), strict=True))

    def _margin(self, prompt: str, first: str, second: str) -> float:
        if self.by == "letters":
            return self._margins[prompt, first, second]
        return self._scores[prompt, first] - self._scores[prompt, second]

    @torch.inference_mode()
    def _letters(self, rows: list[tuple[str, str, str]]) -> list[float]:
        """log p("A" | both replies) - log p("B" | both replies) of each row; one pass gives both."""
        a, b = (self._ids(letter)[0] for letter in "AB")
        asked = sorted(
            ((i, self._ids(self.prompt_of(*row))) for i, row in enumerate(rows)),
            key=lambda item: len(item[1]),
        )
        self._check_lengths([len(ids) + 1 for _, ids in asked])
        found = [0.0] * len(rows)
        for batch in self._batches(asked):
            ids = [{"input_ids": row} for _, row in batch]
            inputs = self.tokenizer.pad(ids, padding_side="left", return_tensors="pt").to(
                self.model.device
            )
            # Padding stands on the left, so that the last place is the answer's in every row.
            places = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0)
            logits = (
                self.model(**inputs, position_ids=places, logits_to_keep=1).logits[:, -1].float()
            )
            for (i, _), margin in zip(batch, (logits[:, a] - logits[:, b]).tolist(), strict=True):
                found[i] = margin
        return found

    def prompt_of(self, prompt: str, first: str, second: str) -> str:
        """The whole text that the judge reads before its letter."""
        return self._opened(self._question(prompt, first, second))

    def _question(self, prompt: str, first: str, second: str) -> str:
        return f"{pair_text(prompt, first, second, self.language)}\n\n{self.instruction}".strip()

    def _likelihoods(self, replies: list[tuple[str, str]]) -> list[float]:
        """log p(reply | instruction, prompt) of each, its end token included; a token if ``per_token``."""
        end = self.tokenizer.eos_token or ""
        rows = [
            (self._opened(f"{self.instruction}\n\n{prompt}".strip()), reply + end)
            for prompt, reply in replies
        ]
        sizes = [len(self._ids(reply)) for _, reply in rows]
        self._check_lengths([len(self._ids(rows[i][0])) + size for i, size in enumerate(sizes)])
        found: list[float] = []
        for batch in self._batches(rows):
            found += scores(self.model, self.tokenizer, batch, self.batch_size)[1].tolist()
        if not self.per_token:
            return found
        return [total / max(1, size) for total, size in zip(found, sizes, strict=True)]

    def _opened(self, message: str) -> str:
        """The user's message and the opening of the assistant's turn, as the model's template writes them."""
        return self.tokenizer.apply_chat_template(
            [{"role": "user", "content": message}], add_generation_prompt=True, tokenize=False
        )

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _check_lengths(self, lengths: list[int]) -> None:
        longest = max(lengths, default=0)
        if self.max_length and longest > self.max_length:
            raise BadInput(
                say(
                    f"a pair to judge has {longest} tokens, and the judge reads {self.max_length}",
                    f"審査する組は {longest} トークンありますが、審査員が読めるのは {self.max_length} トークンまでです",
                ),
                say(
                    "Take a judge with a longer context, or shorter replies.",
                    "より長く読める審査員を使うか、回答を短くしてください。",
                ),
            )

    def _batches(self, rows: list) -> Iterator[list]:
        starts = range(0, len(rows), self.batch_size)
        for start in track(starts, say("judge", "審査"), len(starts)):
            yield rows[start : start + self.batch_size]


def position_balanced(judge: Judge) -> Judge:
    """``judge`` read in both orders and averaged, so that a taste for one place cancels.

    Balanced position calibration, Wang et al. 2023 (arXiv:2305.17926, §4.2).
    """

    def balanced(prompt: str, first: str, second: str) -> float:
        return (judge(prompt, first, second) + 1 - judge(prompt, second, first)) / 2

    return balanced
