"""Lab 01, exercise ``relative_change``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.spectrum import relative_change


def _test_relative_change(answer) -> None:
    generator = torch.Generator().manual_seed(1)
    before = 3 * torch.randn(4, 5, generator=generator)
    after = before + torch.randn(4, 5, generator=generator)
    got = answer(before.clone(), after.clone())
    delta = after - before
    if same(got, delta.norm()):
        raise Mistake(
            "that is ‖ΔW‖; divide by ‖W‖ so that large and small matrices compare.",
            "それは ‖ΔW‖ です。大きさの違う行列を比べるため ‖W‖ で割ってください。",
        )
    if same(got, delta.norm() / after.norm()):
        raise Mistake(
            "divide by the norm before training, not after.",
            "学習後ではなく、学習前のノルムで割ってください。",
        )
    if same(got, delta.norm() ** 2 / before.norm() ** 2):
        raise Mistake("the norms are squared.", "ノルムが 2 乗されています。")
    if same(got, (after.norm() - before.norm()) / before.norm()):
        raise Mistake(
            "a difference of norms is not the norm of the difference: a rotated matrix would count as unmoved.",
            "ノルムの差と、差のノルムは違います。回転しただけの行列が「動いていない」ことになります。",
        )
    expect_close(
        got,
        relative_change(before, after),
        "not ‖after − before‖ / ‖before‖.",
        "‖after − before‖ / ‖before‖ になっていません。",
    )


EXERCISE = Exercise(
    name="relative_change",
    prompt=Text(
        "How far a matrix moved, relative to its size: ‖after − before‖ / ‖before‖ (Frobenius).",
        "行列がその大きさに対してどれだけ動いたかを返してください。‖after − before‖ / ‖before‖（フロベニウスノルム）。",
    ),
    reference=relative_change,
    test=_test_relative_change,
    hints=(
        Text(
            "Which is larger, a big matrix that moved a little or a small one that moved a lot? Make them comparable.",
            "少し動いた大きな行列と、大きく動いた小さな行列。比べられる形にしましょう。",
        ),
        Text(
            "tensor.norm() is the Frobenius norm of a matrix.",
            "tensor.norm() は行列のフロベニウスノルムです。",
        ),
        Text("(after - before).norm() / before.norm()", "(after - before).norm() / before.norm()"),
    ),
    wrong_answers=(
        WrongAnswer(lambda b, a: (a - b).norm(), "large and small matrices"),
        WrongAnswer(lambda b, a: (a - b).norm() / a.norm(), "before training, not after"),
        WrongAnswer(lambda b, a: ((a - b).norm() / b.norm()) ** 2, "squared"),
        WrongAnswer(lambda b, a: (a.norm() - b.norm()) / b.norm(), "difference of norms"),
    ),
)
