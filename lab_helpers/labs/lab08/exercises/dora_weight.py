"""Lab 08, exercise ``dora_weight``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close
from lab_helpers.labs.lab08.exercises.shared import random, refuse
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.peft_methods import dora_weight


def _no_magnitude(W, A, B, alpha, r, magnitude):
    V = W + (alpha / r) * B @ A
    return V / V.norm(dim=1, keepdim=True)


def _not_normalised(W, A, B, alpha, r, magnitude):
    return magnitude[:, None] * (W + (alpha / r) * B @ A)


def _no_scaling(W, A, B, alpha, r, magnitude):
    V = W + B @ A
    return magnitude[:, None] * V / V.norm(dim=1, keepdim=True)


def _norm_of_columns(W, A, B, alpha, r, magnitude):
    V = W + (alpha / r) * B @ A
    return magnitude[:, None] * V / V.norm(dim=0)


def _columns_throughout(W, A, B, alpha, r, magnitude):
    V = W + (alpha / r) * B @ A
    return magnitude * V / V.norm(dim=0)


def _norm_of_base(W, A, B, alpha, r, magnitude):
    return magnitude[:, None] * (W + (alpha / r) * B @ A) / W.norm(dim=1, keepdim=True)


def _norm_of_everything(W, A, B, alpha, r, magnitude):
    V = W + (alpha / r) * B @ A
    return magnitude[:, None] * V / V.norm()


def _magnitude_on_columns(W, A, B, alpha, r, magnitude):
    V = W + (alpha / r) * B @ A
    return magnitude * V / V.norm(dim=1, keepdim=True)


def _delta_only(W, A, B, alpha, r, magnitude):
    V = (alpha / r) * B @ A
    return magnitude[:, None] * V / V.norm(dim=1, keepdim=True)


def _in_place(W, A, B, alpha, r, magnitude):
    W += (alpha / r) * B @ A
    return magnitude[:, None] * W / W.norm(dim=1, keepdim=True)


_AXIS = (
    "you take the norm of each column; each output has its own length, so the norm runs over the inputs of a row (dim=1).",
    "列ごとのノルムを取っています。長さは出力ごとにあるので、行の中（入力の方向、dim=1）でノルムを取ります。",
)
_FINGERPRINTS = (
    (_no_magnitude, "the magnitude is missing: every row has length 1.", "magnitude が掛かっていません。どの行も長さが 1 になっています。"),
    (_not_normalised, "you do not divide by the norm: magnitude must be the length of the row, not a factor on it.", "ノルムで割っていません。magnitude は行の長さそのものであり、行に掛かる倍率ではありません。"),
    (_no_scaling, "the scaling α/r before BA is missing.", "BA の前のスケーリング α/r がありません。"),
    (_norm_of_columns, *_AXIS),
    (_columns_throughout, *_AXIS),
    (_norm_of_base, "you divide by the norm of W alone; divide by that of W + (α/r) BA, or the rows do not get the length magnitude.", "W だけのノルムで割っています。W + (α/r) BA のノルムで割らないと、行の長さが magnitude になりません。"),
    (_norm_of_everything, "you divide by one norm of the whole matrix; each row has its own.", "行列全体のノルム 1 つで割っています。ノルムは行ごとに違います。"),
    (_magnitude_on_columns, "magnitude * V multiplies the columns; magnitude[:, None] multiplies the rows.", "magnitude * V では列に掛かります。行に掛けるには magnitude[:, None] とします。"),
    (_delta_only, "the frozen W is missing: the direction is that of W + (α/r) BA.", "凍結した W がありません。方向は W + (α/r) BA の方向です。"),
)  # fmt: skip


def _test_weight(answer) -> None:
    # Square: a magnitude on the wrong axis would stop with an error otherwise.
    W, A, B = random(5, 5), random(2, 5, seed=1), random(5, 2, seed=2)
    arguments = (W, A, B, 16, 2, random(5, seed=3).abs())
    copies = [a.clone() if isinstance(a, torch.Tensor) else a for a in arguments]
    got = answer(*copies)
    refuse(got, [(wrong(*arguments), en, ja) for wrong, en, ja in _FINGERPRINTS])
    expect_close(
        got,
        dora_weight(*arguments),
        "not magnitude times (W + (α/r) BA) over the norms of its rows.",
        "W + (α/r) BA を行のノルムで割り、magnitude を掛けたものになっていません。",
    )
    if not torch.equal(copies[0], W):
        raise Mistake(
            "you changed W itself (+= works in place): return a new tensor.",
            "W そのものを書き換えています（+= はその場で変更します）。新しいテンソルを返してください。",
        )


EXERCISE = Exercise(
    name="dora_weight",
    prompt=Text(
        "Return DoRA's weight as a new tensor (d, k): the direction of each row is that of W + (α/r) BA, its length is that row's entry of magnitude. Shapes: W (d, k), A (r, k), B (d, r), magnitude (d,); alpha and r are numbers.",
        "DoRA の重みを新しいテンソル (d, k) として返してください。各行の方向は W + (α/r) BA の行の方向、長さは magnitude の対応する要素です。形: W (d, k)、A (r, k)、B (d, r)、magnitude (d,)。alpha と r は数です。",
    ),
    reference=dora_weight,
    test=_test_weight,
    hints=(
        Text(
            "First the merged LoRA weight. Then every row of it to length 1. Then to its own length.",
            "まず LoRA をマージした重みを作り、各行の長さを 1 にし、最後にそれぞれの長さにします。",
        ),
        Text(
            "V.norm(dim=1, keepdim=True) has shape (d, 1), and so has magnitude[:, None].",
            "V.norm(dim=1, keepdim=True) の形は (d, 1) で、magnitude[:, None] も同じです。",
        ),
        Text(
            "V = W + (alpha / r) * B @ A; return magnitude[:, None] * V / V.norm(dim=1, keepdim=True)",
            "V = W + (alpha / r) * B @ A; return magnitude[:, None] * V / V.norm(dim=1, keepdim=True)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_no_magnitude, "magnitude is missing"),
        WrongAnswer(_not_normalised, "do not divide by the norm"),
        WrongAnswer(_no_scaling, "scaling α/r before BA"),
        WrongAnswer(_norm_of_columns, "norm of each column"),
        WrongAnswer(_norm_of_base, "norm of W alone"),
        WrongAnswer(_norm_of_everything, "norm of the whole matrix"),
        WrongAnswer(_magnitude_on_columns, "multiplies the columns"),
        WrongAnswer(_delta_only, "frozen W is missing"),
        WrongAnswer(_in_place, "changed W itself"),
    ),
)
