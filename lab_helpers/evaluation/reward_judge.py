"""A small judge of replies: one linear reward on a frozen model's states, learned from pairs.

Bradley and Terry (1952), as in DPO eq. (1): P(a better than b) = σ(r(a) - r(b)). The reward is linear
in what the frozen language model holds at the end of the reply and on average over it, so that a
logistic regression on differences learns it in a second. Lab 09 trains a whole reward model.
"""

import numpy as np
import torch

from lab_helpers.models.logits import last_states
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import track
from lab_helpers.tuning.pairs import tokenize_pair


class RewardJudge:
    """``judge(prompt, first, second)``: the chance that the first reply is better.

    The reward of a reply does not depend on its place, so this judge cannot favour a position; it
    can favour whatever else the pairs favour, length for instance.
    """

    def __init__(self, model, tokenizer, max_length: int | None = None):
        self.model, self.tokenizer, self.max_length = model, tokenizer, max_length
        self._weights: np.ndarray | None = None
        self._scale: np.ndarray | None = None
        self._known: dict[tuple[str, str], np.ndarray] = {}

    def learn(self, pairs: list[dict], strength: float = 1.0) -> "RewardJudge":
        """Fit on pairs in TRL's conversational form; ``strength`` is scikit-learn's C."""
        from sklearn.linear_model import LogisticRegression

        prompts = [_words(pair["prompt"]) for pair in pairs]
        chosen, rejected = ([_words(pair[name]) for pair in pairs] for name in ("chosen", "rejected"))  # fmt: skip
        difference = self._states(prompts, chosen) - self._states(prompts, rejected)
        self._scale = difference.std(0) + 1e-6
        scaled = difference / self._scale
        fitted = LogisticRegression(C=strength, fit_intercept=False, max_iter=500).fit(
            np.concatenate([scaled, -scaled]), [1] * len(scaled) + [0] * len(scaled)
        )
        self._weights = fitted.coef_[0]
        return self

    def train_another(self, pairs: list[dict]) -> "RewardJudge":
        """Another judge who has learnt from other pairs; what was read once is read no more."""
        other = RewardJudge(self.model, self.tokenizer, self.max_length)
        other._known = self._known
        return other.learn(pairs)

    def rewards(self, prompts: list[str], replies: list[str]) -> np.ndarray:
        """r(prompt, reply), (n,); only differences mean anything."""
        return self._states(prompts, replies) / self._scale @ self._weights

    def read(self, prompts: list[str], *replies: list[str]) -> None:
        """Read many replies at once, so that judging them one by one is quick."""
        for texts in replies:
            self._states(prompts, texts)

    def __call__(self, prompt: str, first: str, second: str) -> float:
        a, b = self.rewards([prompt, prompt], [first, second])
        return float(1 / (1 + np.exp(b - a)))

    def agreement(self, pairs: list[dict]) -> np.ndarray:
        """1.0 for each pair whose chosen answer has the higher reward, (n,)."""
        prompts = [_words(pair["prompt"]) for pair in pairs]
        chosen, rejected = (self.rewards(prompts, [_words(pair[name]) for pair in pairs]) for name in ("chosen", "rejected"))  # fmt: skip
        return (chosen > rejected).astype(float)

    def _states(self, prompts: list[str], replies: list[str]) -> np.ndarray:
        """Last and mean state of each reply, (n, 2 · width); remembered, because replies come back."""
        keys = list(zip(prompts, replies, strict=True))
        new = list(dict.fromkeys(key for key in keys if key not in self._known))
        starts = range(0, len(new), 32)
        for start in track(starts, say("judge", "審査"), len(starts)):
            batch = new[start : start + 32]
            self._known.update(zip(batch, self._read(batch), strict=True))
        return np.stack([self._known[key] for key in keys])

    @torch.inference_mode()
    def _read(self, batch: list[tuple[str, str]]) -> np.ndarray:
        rows: list[tuple[list[int], list[int]]] = []
        for prompt, reply in batch:
            turn = [{"role": "assistant", "content": reply}]
            pair = {
                "prompt": [{"role": "user", "content": prompt}],
                "chosen": turn,
                "rejected": turn,
            }
            tokens = tokenize_pair(self.tokenizer, pair).cut(self.max_length)
            rows.append((tokens.prompt, tokens.chosen))
        width = max(len(prompt) + len(answer) for prompt, answer in rows)
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[*p, *a, *[pad] * (width - len(p) - len(a))] for p, a in rows])
        seen = torch.tensor([[1] * (len(p) + len(a)) + [0] * (width - len(p) - len(a)) for p, a in rows])  # fmt: skip
        device = self.model.device
        states = last_states(self.model, input_ids=ids.to(device), attention_mask=seen.to(device))
        states = states.float().cpu()
        found = []
        for state, (asked, said) in zip(states, rows, strict=True):
            end = len(asked) + len(said)
            part = state[len(asked) : end] if said else state[end - 1 : end]
            found.append(torch.cat([part[-1], part.mean(0)]).numpy())
        return np.stack(found)


def _words(turns: list[dict]) -> str:
    return "\n".join(turn["content"] for turn in turns)
