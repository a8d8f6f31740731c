"""Lab 02, exercise ``lora_forward``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab02.exercises.shared import matrices
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.lora import lora_forward


def _no_scaling(x, W, A, B, alpha, r):
    return x @ W.T + (x @ A.T) @ B.T


def _times_alpha(x, W, A, B, alpha, r):
    return x @ W.T + alpha * (x @ A.T) @ B.T


def _upside_down(x, W, A, B, alpha, r):
    return x @ W.T + (r / alpha) * (x @ A.T) @ B.T


def _scaled_base(x, W, A, B, alpha, r):
    return (alpha / r) * (x @ W.T + (x @ A.T) @ B.T)


def _delta_only(x, W, A, B, alpha, r):
    return (alpha / r) * (x @ A.T) @ B.T


def _test_forward(answer) -> None:
    x, W, A, B = matrices()
    alpha, r = 16, 2
    got = answer(x.clone(), W.clone(), A.clone(), B.clone(), alpha, r)
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
            "only the low-rank path is scaled, not the frozen W.",
            "スケーリングするのは低ランクの経路だけです。凍結した W には掛けません。",
        ),
        (_delta_only, "the frozen path x Wᵀ is missing.", "凍結した経路 x Wᵀ がありません。"),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(x, W, A, B, alpha, r)):
            raise Mistake(en, ja)
    expect_close(
        got,
        lora_forward(x, W, A, B, alpha, r),
        "not x Wᵀ + (α/r) x Aᵀ Bᵀ.",
        "x Wᵀ + (α/r) x Aᵀ Bᵀ になっていません。",
    )


EXERCISE = Exercise(
    name="lora_forward",
    prompt=Text(
        "h = x Wᵀ + (α/r) x Aᵀ Bᵀ. Shapes: x (n, k), W (d, k), A (r, k), B (d, r) → (n, d).",
        "h = x Wᵀ + (α/r) x Aᵀ Bᵀ。形: x (n, k)、W (d, k)、A (r, k)、B (d, r) → (n, d)。",
    ),
    reference=lora_forward,
    test=_test_forward,
    hints=(
        Text(
            "Two paths from x to h: the frozen one, and the one through r numbers.",
            "x から h への経路は 2 本。凍結した経路と、r 個の数を通る経路です。",
        ),
        Text(
            "x @ A.T has shape (n, r); times B.T it is (n, d). BA itself is never formed.",
            "x @ A.T の形は (n, r)。さらに B.T を掛けると (n, d) です。BA 自体は作りません。",
        ),
        Text(
            "return x @ W.T + (alpha / r) * (x @ A.T) @ B.T",
            "return x @ W.T + (alpha / r) * (x @ A.T) @ B.T",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_no_scaling, "scaling α/r is missing"),
        WrongAnswer(_times_alpha, "you scale by α"),
        WrongAnswer(_upside_down, "upside down"),
        WrongAnswer(_scaled_base, "not the frozen W"),
        WrongAnswer(_delta_only, "frozen path"),
    ),
)
