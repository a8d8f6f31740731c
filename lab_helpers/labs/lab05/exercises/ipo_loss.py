"""Lab 05, exercise ``ipo_loss``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.preference_losses import ipo_loss


def _ipo_sums(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    return (chosen_ratio - rejected_ratio - 1 / (2 * tau)) ** 2


def _ipo_target_tau(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    h = chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens
    return (h - tau / 2) ** 2


def _ipo_half(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    h = chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens
    return (h - 1 / tau) ** 2


def _ipo_not_squared(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    return (chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens) - 1 / (2 * tau)


def _ipo_one_length(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    return ((chosen_ratio - rejected_ratio) / chosen_tokens - 1 / (2 * tau)) ** 2


def _test_ipo(answer) -> None:
    chosen, rejected = torch.tensor([3.0, -2.0, 8.0]), torch.tensor([-1.0, -6.0, 9.0])
    tokens = torch.tensor([5, 8, 10]), torch.tensor([4, 10, 3])
    arguments = (chosen, rejected, *tokens, 0.2)
    got = answer(chosen.clone(), rejected.clone(), *(t.clone() for t in tokens), 0.2)
    fingerprints = (
        (
            _ipo_sums,
            "the ratios are sums over tokens; divide each by its answer's length first.",
            "比はトークンについての和です。まず、それぞれの回答の長さで割ってください。",
        ),
        (
            _ipo_one_length,
            "each side has its own length: divide the rejected ratio by the rejected answer's tokens.",
            "長さは回答ごとに違います。rejected の比は rejected のトークン数で割ってください。",
        ),
        (
            _ipo_target_tau,
            "the goal is 1/(2τ), not τ/2: a small τ allows a wide margin.",
            "目標は τ/2 ではなく 1/(2τ) です。τ が小さいほど大きな差が許されます。",
        ),
        (
            _ipo_half,
            "the factor 2 is missing: the goal is 1/(2τ).",
            "係数 2 が抜けています。目標は 1/(2τ) です。",
        ),
        (
            _ipo_not_squared,
            "the distance is not squared: less than the goal would be negative, and more would be punished only mildly.",
            "距離を 2 乗していません。このままでは、目標に届かないと損失が負になります。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(*arguments)):
            raise Mistake(en, ja)
    expect_close(
        got,
        ipo_loss(*arguments),
        "not (margin per token - 1/(2τ))².",
        "(トークンあたりの差 - 1/(2τ))² になっていません。",
    )


EXERCISE = Exercise(
    name="ipo_loss",
    prompt=Text(
        "IPO: the squared distance of the margin per token from 1/(2τ). Two log-ratios, two lengths in tokens (n,), τ → (n,).",
        "IPO の損失、つまりトークンあたりの差と 1/(2τ) との距離の 2 乗を返してください。2 つの対数比、2 つのトークン数 (n,)、τ → (n,)。",
    ),
    reference=ipo_loss,
    test=_test_ipo,
    hints=(
        Text(
            "What does each ratio become per token?",
            "それぞれの比は、トークンあたりではいくつになりますか。",
        ),
        Text(
            "h = chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens",
            "h = chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens",
        ),
        Text("return (h - 1 / (2 * tau)) ** 2", "return (h - 1 / (2 * tau)) ** 2"),
    ),
    wrong_answers=(
        WrongAnswer(_ipo_sums, "sums over tokens"),
        WrongAnswer(_ipo_one_length, "its own length"),
        WrongAnswer(_ipo_target_tau, "not τ/2"),
        WrongAnswer(_ipo_half, "factor 2"),
        WrongAnswer(_ipo_not_squared, "not squared"),
    ),
)
