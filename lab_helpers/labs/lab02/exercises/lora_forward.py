"""Lab 02, exercise ``lora_forward``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab02.exercises.shared import matrices
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.lora import lora_forward


def _no_scaling(x, base, A, B, alpha, r):
    return base(x) + (x @ A.T) @ B.T


def _times_alpha(x, base, A, B, alpha, r):
    return base(x) + alpha * (x @ A.T) @ B.T


def _upside_down(x, base, A, B, alpha, r):
    return base(x) + (r / alpha) * (x @ A.T) @ B.T


def _scaled_base(x, base, A, B, alpha, r):
    return (alpha / r) * (base(x) + (x @ A.T) @ B.T)


def _delta_only(x, base, A, B, alpha, r):
    return (alpha / r) * (x @ A.T) @ B.T


def _bias_lost(x, base, A, B, alpha, r):
    return x @ base.weight.T + (alpha / r) * (x @ A.T) @ B.T


def _test_forward(answer) -> None:
    x, W, A, B = matrices()
    base = torch.nn.Linear(W.shape[1], W.shape[0]).double()
    base.weight.data = W
    alpha, r = 16, 2
    got = answer(x.clone(), base, A.clone(), B.clone(), alpha, r)
    fingerprints = (
        (_no_scaling, "the scaling α/r is missing.", "スケーリング α/r がありません。"),
        (
            _times_alpha,
            "you scale by α; it is α/r, so that r can change without changing the size of the update.",
            "α を掛けています。正しくは α/r です。r を変えても更新の大きさが変わらないようにするためです。",
        ),
        (
            _upside_down,
            "the scaling is upside down: α/r, not r/α.",
            "スケーリングが逆です。r/α ではなく α/r です。",
        ),
        (
            _scaled_base,
            "only the low-rank path is scaled, not the frozen layer.",
            "スケーリングするのは低ランクの経路だけです。凍結した層には掛けません。",
        ),
        (
            _delta_only,
            "the frozen path base(x) is missing.",
            "凍結した経路 base(x) がありません。",
        ),
        (
            _bias_lost,
            "the frozen layer's bias is lost: call base(x) in place of x Wᵀ.",
            "凍結した層のバイアスが抜けています。x Wᵀ の代わりに base(x) を呼んでください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(x, base, A, B, alpha, r).detach()):
            raise Mistake(en, ja)
    expect_close(
        got.detach() if isinstance(got, torch.Tensor) else got,
        lora_forward(x, base, A, B, alpha, r).detach(),
        "not base(x) + (α/r) x Aᵀ Bᵀ.",
        "base(x) + (α/r) x Aᵀ Bᵀ になっていません。",
    )


EXERCISE = Exercise(
    name="lora_forward",
    prompt=Text(
        "h = base(x) + (α/r) x Aᵀ Bᵀ; base is the frozen nn.Linear. Shapes: x (n, k), A (r, k), B (d, r) → (n, d).",
        "h = base(x) + (α/r) x Aᵀ Bᵀ。base は凍結した nn.Linear です。形: x (n, k)、A (r, k)、B (d, r) → (n, d)。",
    ),
    reference=lora_forward,
    test=_test_forward,
    hints=(
        Text(
            "Two paths from x to h: the frozen one, base(x), and the one through r numbers.",
            "x から h への経路は 2 本です。凍結した base(x) と、r 個の数を通る経路です。",
        ),
        Text(
            "x @ A.T has shape (n, r); times B.T it is (n, d). BA itself is never formed.",
            "x @ A.T の形は (n, r)。さらに B.T を掛けると (n, d) です。BA 自体は作りません。",
        ),
        Text(
            "return base(x) + (alpha / r) * (x @ A.T) @ B.T",
            "return base(x) + (alpha / r) * (x @ A.T) @ B.T",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_no_scaling, "scaling α/r is missing"),
        WrongAnswer(_times_alpha, "you scale by α"),
        WrongAnswer(_upside_down, "upside down"),
        WrongAnswer(_scaled_base, "not the frozen layer"),
        WrongAnswer(_delta_only, "frozen path"),
        WrongAnswer(_bias_lost, "bias is lost"),
    ),
)
