"""Lab 03, exercise ``quantize``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab03.by_hand import quantize
from lab_helpers.labs.lab03.exercises.shared import BLOCK, numbers, refuse
from lab_helpers.runtime.language import Text
from lab_helpers.tuning import quantization as package


def _one_scale(weights, code, block):
    absmax = weights.abs().max().repeat(len(weights) // block)
    return (weights[:, None] / absmax[0] - code).abs().argmin(-1), absmax


def _signed_scale(weights, code, block):
    absmax = weights.reshape(-1, block).amax(1)
    scaled = weights.reshape(-1, block) / absmax[:, None]
    return (scaled[..., None] - code).abs().argmin(-1).reshape(-1), absmax


def _not_scaled(weights, code, block):
    return (weights[:, None] - code).abs().argmin(-1), weights.reshape(-1, block).abs().amax(1)


def _rounds_down(weights, code, block):
    absmax = weights.reshape(-1, block).abs().amax(1)
    scaled = (weights.reshape(-1, block) / absmax[:, None]).reshape(-1)
    return torch.searchsorted(code, scaled.contiguous(), right=True) - 1, absmax


def _always_64(weights, code, block):
    return quantize(weights, code, 64 if len(weights) % 64 == 0 else BLOCK)


def _in_place(weights, code, block):
    blocks = weights.view(-1, block)
    absmax = blocks.abs().amax(1)
    blocks /= absmax[:, None]
    return (blocks[..., None] - code).abs().argmin(-1).reshape(-1), absmax


def _test_quantize(answer) -> None:
    code, weights = package.nf4_code(), numbers()
    given = weights.clone()
    got = answer(given, code.clone(), BLOCK)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Mistake("return two tensors: indices, absmax.", "2 つのテンソル indices, absmax を返してください。")  # fmt: skip
    indices, absmax = got
    refuse(
        absmax,
        (
            (
                _one_scale(weights, code, BLOCK)[1],
                "one scale for the whole tensor: a single outlier would flatten all other blocks. Take one per block.",
                "テンソル全体で 1 つのスケールになっています。外れ値が 1 つあるだけで、ほかのブロックがすべてつぶれます。ブロックごとに取ってください。",
            ),
            (
                _signed_scale(weights, code, BLOCK)[1],
                "that is the largest value, not the largest *absolute* value: a block may be ruled by a negative one.",
                "それは最大値であり、「絶対値」の最大ではありません。負の値がいちばん大きいブロックもあります。",
            ),
        ),
    )
    expect_close(absmax, quantize(weights, code, BLOCK)[1], "absmax is not the largest absolute value of each block.", "absmax が各ブロックの絶対値の最大になっていません。")  # fmt: skip
    refuse(
        indices,
        (
            (
                _not_scaled(weights, code, BLOCK)[0],
                "you compare the raw weights with the code; divide by the block's absmax first.",
                "元の重みのままコードと比べています。先にブロックの absmax で割ってください。",
            ),
            (
                _rounds_down(weights, code, BLOCK)[0],
                "you take the next lower code; take the *nearest* one.",
                "すぐ下のコードを選んでいます。「最も近い」コードを選んでください。",
            ),
        ),
    )
    expect_close(indices, quantize(weights, code, BLOCK)[0], "not the index of the nearest code.", "最も近いコードの番号になっていません。")  # fmt: skip
    if not torch.equal(given, weights):
        raise Mistake(
            "you changed the weights themselves (/= works in place).",
            "重みそのものを書き換えています（/= はその場で変更します）。",
        )
    longer = numbers(128, 1)
    if not same(answer(longer.clone(), code, 8)[1], quantize(longer, code, 8)[1]):
        raise Mistake("you do not use `block`.", "引数 `block` を使っていません。")


EXERCISE = Exercise(
    name="quantize",
    prompt=Text(
        "Return the index of the nearest code for every weight, and each block's largest absolute value.",
        "重みごとに最も近いコードの番号と、ブロックごとの絶対値の最大を返してください。",
    ),
    reference=quantize,
    test=_test_quantize,
    hints=(
        Text(
            "reshape(-1, block) puts one block on a row; what is its scale?",
            "reshape(-1, block) で 1 行が 1 ブロックになります。そのスケールは何でしょうか。",
        ),
        Text(
            "absmax = blocks.abs().amax(1); after dividing by it, all values lie between -1 and 1.",
            "absmax = blocks.abs().amax(1)。これで割ると、すべての値が -1 と 1 の間に入ります。",
        ),
        Text(
            "(scaled[..., None] - code).abs().argmin(-1) is the nearest code",
            "(scaled[..., None] - code).abs().argmin(-1) が最も近いコードです",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_one_scale, "one scale for the whole tensor"),
        WrongAnswer(_signed_scale, "largest *absolute* value"),
        WrongAnswer(_not_scaled, "raw weights"),
        WrongAnswer(_rounds_down, "next lower code"),
        WrongAnswer(_in_place, "changed the weights themselves"),
        WrongAnswer(_always_64, "do not use `block`"),
    ),
)
