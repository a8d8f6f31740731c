"""Lab 02, exercise ``energy``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab02.exercises.shared import matrices
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.spectrum import energy


def _energy_not_squared(delta):
    values = torch.linalg.svdvals(delta)
    return values.cumsum(0) / values.sum()


def _energy_not_cumulative(delta):
    squares = torch.linalg.svdvals(delta) ** 2
    return squares / squares.sum()


def _energy_not_normalised(delta):
    return (torch.linalg.svdvals(delta) ** 2).cumsum(0)


def _test_energy(answer) -> None:
    delta = matrices(3, d=6, k=6)[1]
    got = answer(delta.clone())
    if same(got, _energy_not_squared(delta)):
        raise Mistake(
            "‖ΔW‖² is the sum of the *squared* singular values.",
            "‖ΔW‖² は特異値の 2 乗の和です。",
        )
    if same(got, _energy_not_cumulative(delta)):
        raise Mistake(
            "these are the shares of single directions; sum them up from the first (cumsum).",
            "それは方向ごとの割合です。先頭から足し上げてください（cumsum）。",
        )
    if same(got, _energy_not_normalised(delta)):
        raise Mistake(
            "divide by the total, so that the last entry is 1.",
            "合計で割り、最後の値が 1 になるようにしてください。",
        )
    expect_close(
        got,
        energy(delta),
        "not the cumulative share of the squared singular values.",
        "特異値の 2 乗の累積割合になっていません。",
    )


EXERCISE = Exercise(
    name="energy",
    prompt=Text(
        "The share of ‖ΔW‖² in the first 1, 2, 3, … singular directions. Return a vector that ends at 1.",
        "‖ΔW‖² のうち、最初の 1, 2, 3, … 個の特異方向が占める割合を返してください。最後は 1 になります。",
    ),
    reference=energy,
    test=_test_energy,
    hints=(
        Text(
            "torch.linalg.svdvals gives the singular values, largest first. How is ‖ΔW‖² made of them?",
            "torch.linalg.svdvals は特異値を大きい順に返します。‖ΔW‖² はそれらでどう表せますか。",
        ),
        Text(
            "‖ΔW‖² is the sum of their squares. cumsum(0) adds up from the first.",
            "‖ΔW‖² は特異値の 2 乗和です。cumsum(0) で先頭から足し上げます。",
        ),
        Text(
            "s = torch.linalg.svdvals(delta) ** 2; return s.cumsum(0) / s.sum()",
            "s = torch.linalg.svdvals(delta) ** 2; return s.cumsum(0) / s.sum()",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_energy_not_squared, "*squared* singular values"),
        WrongAnswer(_energy_not_cumulative, "cumsum"),
        WrongAnswer(_energy_not_normalised, "last entry is 1"),
    ),
)
