"""Lab 02, exercise ``merge``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab02.exercises.shared import matrices
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.lora import merge


def _merge_unscaled(W, A, B, alpha, r):
    return W + B @ A


def _merge_in_place(W, A, B, alpha, r):
    W += (alpha / r) * B @ A
    return W


def _merge_minus(W, A, B, alpha, r):
    return W - (alpha / r) * B @ A


def _merge_elementwise(W, A, B, alpha, r):
    return W + (alpha / r) * (A.T @ B.T)


def _test_merge(answer) -> None:
    _, W, A, B = matrices(2, d=5, k=5)
    given = W.clone()
    got = answer(given, A.clone(), B.clone(), 16, 2)
    if same(got, _merge_unscaled(W, A, B, 16, 2)):
        raise Mistake(
            "the scaling α/r is missing from the merged weight.",
            "マージした重みにスケーリング α/r がありません。",
        )
    if same(got, _merge_minus(W, A, B, 16, 2)):
        raise Mistake(
            "you subtract ΔW: that is unmerging.", "ΔW を引いています。それはマージの取り消しです。"
        )
    if same(got, _merge_elementwise(W, A, B, 16, 2)):
        raise Mistake(
            "that is (BA)ᵀ: multiply B (d, r) by A (r, k), in this order.",
            "それは (BA)ᵀ です。B (d, r) に A (r, k) をこの順で掛けます。",
        )
    expect_close(
        got,
        merge(W, A, B, 16, 2),
        "not W + (α/r) BA.",
        "W + (α/r) BA になっていません。",
    )
    if not torch.equal(given, W):
        raise Mistake(
            "you changed W itself (+= works in place): the base could not be restored. Return a new tensor.",
            "W そのものを書き換えています（+= はその場で変更します）。これではベースに戻せません。新しいテンソルを返してください。",
        )


EXERCISE = Exercise(
    name="merge",
    prompt=Text(
        "Return W' = W + (α/r) BA as a new tensor, so that inference needs no second path.",
        "推論時に第 2 の経路が要らなくなるように、W' = W + (α/r) BA を新しいテンソルとして返してください。",
    ),
    reference=merge,
    test=_test_merge,
    hints=(
        Text(
            "B is (d, r) and A is (r, k): which order gives (d, k)?",
            "B は (d, r)、A は (r, k)。どの順に掛けると (d, k) になりますか。",
        ),
        Text(
            "Do not use +=: it changes the caller's W.",
            "+= は使いません。呼び出し元の W が変わってしまいます。",
        ),
        Text("return W + (alpha / r) * B @ A", "return W + (alpha / r) * B @ A"),
    ),
    wrong_answers=(
        WrongAnswer(_merge_unscaled, "scaling α/r is missing"),
        WrongAnswer(_merge_in_place, "changed W itself"),
        WrongAnswer(_merge_minus, "unmerging"),
        WrongAnswer(_merge_elementwise, "in this order"),
    ),
)
