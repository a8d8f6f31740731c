"""Lab 02, exercise ``init_lora``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, same
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.lora import init_lora


def _both_random(d, k, r):
    return torch.randn(r, k), torch.randn(d, r)


def _both_zero(d, k, r):
    return torch.zeros(r, k), torch.zeros(d, r)


def _swapped_shapes(d, k, r):
    return torch.randn(k, r), torch.zeros(r, d)


def _test_init(answer) -> None:
    d, k, r = 6, 4, 2
    got = answer(d, k, r)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Mistake("return two tensors: A, B.", "2 つのテンソル A, B を返してください。")
    A, B = got
    if tuple(A.shape) != (r, k) or tuple(B.shape) != (d, r):
        raise Mistake(
            f"the shapes are {tuple(A.shape)} and {tuple(B.shape)}; A is (r, k) = ({r}, {k}), B is (d, r) = ({d}, {r}).",
            f"形が {tuple(A.shape)} と {tuple(B.shape)} です。A は (r, k) = ({r}, {k})、B は (d, r) = ({d}, {r}) です。",
        )
    if not A.any() and not B.any():
        raise Mistake(
            "both are zero: the gradient of A is B's and the gradient of B is A's, so nothing would ever learn.",
            "両方ともゼロです。A の勾配は B に、B の勾配は A に比例するので、いつまでも学習が始まりません。",
        )
    if (B @ A).any():
        raise Mistake(
            "BA is not zero: at step 0 the model must be exactly the base model.",
            "BA がゼロではありません。ステップ 0 ではベースモデルと完全に一致しなければなりません。",
        )
    if same(A, answer(d, k, r)[0]):
        raise Mistake(
            "A must be random: equal rows would learn the same thing.",
            "A は乱数でなければなりません。同じ行は同じことしか学びません。",
        )


EXERCISE = Exercise(
    name="init_lora",
    prompt=Text(
        "Return A (r, k) and B (d, r) such that the adapted model starts exactly as the base and can still learn.",
        "学習開始時はベースと完全に一致し、しかも学習できるような A (r, k) と B (d, r) を返してください。",
    ),
    reference=init_lora,
    test=_test_init,
    hints=(
        Text("What must BA be at step 0?", "ステップ 0 で BA は何でなければなりませんか。"),
        Text(
            "Zero. But if both factors are zero, so are both gradients.",
            "ゼロです。ただし両方の因子がゼロだと、勾配も両方ゼロになります。",
        ),
        Text(
            "A random (torch.randn(r, k) will do), B = torch.zeros(d, r)",
            "A は乱数（torch.randn(r, k) で十分）、B = torch.zeros(d, r)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_both_random, "exactly the base model"),
        WrongAnswer(_both_zero, "both are zero"),
        WrongAnswer(_swapped_shapes, "the shapes are"),
        WrongAnswer(lambda d, k, r: (torch.ones(r, k), torch.zeros(d, r)), "must be random"),
    ),
)
