"""How good is a judge? Agreement with gold, and how much place and length sway it.

Every pair is read in both orders. Position bias and consistency as in Zheng et al. 2023
(arXiv:2306.05685, §3.3); length control as in Dubois et al. 2024 (arXiv:2404.04475).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from lab_helpers.evaluation.win_rate import Judge
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.intervals import bootstrap_interval, interval_metrics
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import track


@dataclass(frozen=True)
class GoldPair:
    """A prompt, the reply that is better by gold, the other one, and why."""

    prompt: str
    better: str
    worse: str
    reason: str = ""


def gold_pairs(rows: list[dict]) -> list[GoldPair]:
    """Rows with texts in ``prompt``, ``chosen``, ``rejected`` (and ``reason``) as pairs."""
    try:
        return [GoldPair(r["prompt"], r["chosen"], r["rejected"], r.get("reason") or "") for r in rows]  # fmt: skip
    except KeyError as error:
        raise BadInput(say(f"a pair has no column {error}", f"組に {error} の列がありません"), say("Give prompt, chosen and rejected.", "prompt、chosen、rejected を渡してください。")) from None  # fmt: skip


@dataclass(frozen=True)
class Verdicts:
    """What a judge said of n pairs. ``first`` and ``second``: the verdict for the better reply when it
    stood first and second, 1 for a win, 0 for a loss, 1/2 for a tie; (n,) each."""

    pairs: list[GoldPair]
    first: np.ndarray
    second: np.ndarray

    @property
    def agreement(self) -> np.ndarray:
        """1 where both orders name the better reply, 0 where both name the worse one, else 1/2."""
        return np.where(self.first == self.second, self.first, 0.5)

    @property
    def first_wins(self) -> np.ndarray:
        """How often the reply in first place won, over both orders: 0, 1/2 or 1 where no verdict was a tie."""
        return (self.first + 1 - self.second) / 2

    @property
    def consistent(self) -> np.ndarray:
        """1 where the choice outlived the change of places."""
        return (self.first == self.second).astype(float)

    def one_order(self, seed: int = 0) -> np.ndarray:
        """Agreement when each pair is read once only, in places drawn by ``seed``."""
        rng = Random(seed)
        return np.array([rng.choice(both) for both in zip(self.first, self.second, strict=True)])


def read_both_orders(judge: Judge, pairs: list[GoldPair]) -> Verdicts:
    """Ask ``judge`` about each pair twice, with the better reply in either place."""
    if not pairs:
        raise BadInput(
            say("no pairs to judge", "審査する組がありません"),
            say(
                "Give at least one pair with a better and a worse reply.",
                "良いほうの回答と悪いほうの回答の組を 1 組以上渡してください。",
            ),
        )
    first, second = [], []
    for pair in track(pairs, say("judge", "審査"), len(pairs)):
        first.append(_verdict(judge(pair.prompt, pair.better, pair.worse)))
        second.append(1 - _verdict(judge(pair.prompt, pair.worse, pair.better)))
    return Verdicts(list(pairs), np.array(first), np.array(second))


def _verdict(chance: float) -> float:
    return 0.5 + 0.5 * float(np.sign(chance - 0.5))


# --- numbers --------------------------------------------------------------------------------------


def quality(verdicts: Verdicts, name: str = "judge") -> dict:
    """The judge's metrics, intervals beside them, keys beginning with ``name``.

    ``agreement`` after the swap (and ``agreement_one_order`` without), ``position_bias`` = P(first
    place wins) - 1/2 (0 is none, 1/2 is all), ``consistency``, ``length_controlled_agreement``.
    """
    bias = verdicts.first_wins - 0.5
    controlled = length_controlled(verdicts.agreement, *_lengths(verdicts.pairs))
    return {
        **interval_metrics(f"{name}_agreement", verdicts.agreement),
        f"{name}_agreement_one_order": float(verdicts.one_order().mean()),
        f"{name}_position_bias": float(bias.mean()),
        f"{name}_position_bias_ci": bootstrap_interval(bias),
        f"{name}_consistency": float(verdicts.consistent.mean()),
        f"{name}_length_controlled_agreement": controlled.win_rate,
    }


def by_reason(verdicts: Verdicts) -> list[dict]:
    """Agreement, its interval and the number of pairs for each reason of the gold."""
    return _groups(verdicts, [pair.reason or "-" for pair in verdicts.pairs], "reason")


def by_length(verdicts: Verdicts) -> list[dict]:
    """The same where the better reply is longer, shorter, or equal within 10 % (length bias)."""
    return _groups(verdicts, [_length_group(pair) for pair in verdicts.pairs], "better reply")


def _length_group(pair: GoldPair) -> str:
    ratio = max(1, len(pair.better)) / max(1, len(pair.worse))
    return "longer" if ratio > 1.1 else "shorter" if ratio < 1 / 1.1 else "as long"


def _groups(verdicts: Verdicts, labels: list[str], column: str) -> list[dict]:
    rows = []
    for label in sorted(set(labels)):
        found = verdicts.agreement[[other == label for other in labels]]
        low, high = bootstrap_interval(found)
        rows.append({column: label, "agreement": float(found.mean()), "low": low, "high": high, "pairs": len(found)})  # fmt: skip
    return rows


def _lengths(pairs: list[GoldPair]) -> tuple[list[int], list[int]]:
    return [len(pair.better) for pair in pairs], [len(pair.worse) for pair in pairs]


# --- length control -------------------------------------------------------------------------------


@dataclass(frozen=True)
class LengthControlled:
    """``win_rate``: what the wins would be at equal lengths; ``raw``: what they are.

    ``length_effect`` is φ: how much a longer reply raises the log-odds of winning, per unit of the
    squashed length difference. It is 0 where lengths or verdicts do not vary, and nothing is controlled.
    """

    win_rate: float
    raw: float
    length_effect: float


def length_controlled(
    won: Sequence[float] | np.ndarray,
    our_lengths: Sequence[int],
    their_lengths: Sequence[int],
    strength: float = 10.0,
) -> LengthControlled:
    """The win rate if both sides wrote equally long — Dubois et al. 2024 (arXiv:2404.04475) eq. (1), (2).

    A logistic regression explains each verdict by a constant θ and the difference of lengths:

        P(we win) = σ(θ + φ tanh((|ours| - |theirs|) / std(|ours| - |theirs|)))

    What length did is in φ; σ(θ), the prediction at a difference of 0, is the answer. ``won`` is 1, 0
    or 1/2 (n,); lengths are in characters. The paper's term for how hard a prompt is needs many models
    and is left out. ``strength`` is scikit-learn's C: mild, so that φ stays finite where length decides all.
    """
    from sklearn.linear_model import LogisticRegression

    share = np.asarray(won, dtype=float)
    difference = np.asarray(our_lengths, dtype=float) - np.asarray(their_lengths, dtype=float)
    if not len(share) == len(difference):
        raise BadInput(
            say("verdicts and lengths are not equally many", "判定と長さの数が一致しません"),
            say(
                "Give a pair of lengths for each verdict.",
                "判定 1 つごとに長さの組を 1 つ渡してください。",
            ),
        )
    if not len(share):
        raise BadInput(
            say("no verdicts to control for length", "長さの影響を調整する判定がありません"),
            say("Judge at least one pair first.", "先に 1 組以上を審査してください。"),
        )
    raw, spread = float(share.mean()), float(difference.std())
    if spread == 0 or raw in (0.0, 1.0):
        return LengthControlled(raw, raw, 0.0)
    squashed = np.tanh(difference / spread)[:, None]
    # Each verdict is a win with weight ``share`` and a loss with the rest: so a tie is half of both.
    model = LogisticRegression(C=strength, max_iter=1000).fit(
        np.concatenate([squashed, squashed]),
        [1] * len(share) + [0] * len(share),
        sample_weight=np.concatenate([share, 1 - share]),
    )
    return LengthControlled(
        float(model.predict_proba([[0.0]])[0, 1]), raw, float(model.coef_[0, 0])
    )
