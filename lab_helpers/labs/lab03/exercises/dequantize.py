"""Lab 03, exercise ``dequantize``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, WrongAnswer, expect_close
from lab_helpers.labs.lab03.by_hand import dequantize
from lab_helpers.labs.lab03.exercises.quantize import quantize
from lab_helpers.labs.lab03.exercises.shared import BLOCK, numbers, refuse
from lab_helpers.runtime.language import Text
from lab_helpers.tuning import quantization as package


def _no_scale(indices, absmax, code, block):
    return code[indices]


def _divided(indices, absmax, code, block):
    return code[indices] / absmax.repeat_interleave(block)


def _tiled(indices, absmax, code, block):
    return code[indices] * absmax.repeat(block)


def _indices_scaled(indices, absmax, code, block):
    return indices * absmax.repeat_interleave(block)


def _test_dequantize(answer) -> None:
    code = package.nf4_code()
    indices, absmax = quantize(numbers(24, 2), code, BLOCK)
    got = answer(indices.clone(), absmax.clone(), code.clone(), BLOCK)
    arguments = (indices, absmax, code, BLOCK)
    refuse(
        got,
        (
            (_no_scale(*arguments), "multiply by the block's scale.", "ブロックのスケールを掛けてください。"),
            (
                _divided(*arguments),
                "you divide by the scale; quantizing divided, so going back multiplies.",
                "スケールで割っています。量子化で割ったのですから、戻すときは掛けます。",
            ),
            (
                _tiled(*arguments),
                "the scales are in the wrong order: absmax.repeat gives a, b, a, b; every block needs a, a, b, b.",
                "スケールの並びが違います。absmax.repeat は a, b, a, b になります。必要なのは a, a, b, b です。",
            ),
            (
                _indices_scaled(*arguments),
                "an index is only a place in the code book: look the value up with code[indices].",
                "番号はコードブックの中の位置にすぎません。code[indices] で値を引いてください。",
            ),
        ),
    )  # fmt: skip
    expect_close(got, dequantize(*arguments), "not code[indices] × the block's scale.", "code[indices] × ブロックのスケールになっていません。")  # fmt: skip


EXERCISE = Exercise(
    name="dequantize",
    prompt=Text(
        "Go back from indices and block scales to weights.",
        "番号とブロックのスケールから重みに戻してください。",
    ),
    reference=dequantize,
    test=_test_dequantize,
    hints=(
        Text("code[indices] looks 16 values up.", "code[indices] で 16 個の値から引けます。"),
        Text(
            "Every scale belongs to `block` neighbours: repeat_interleave.",
            "1 つのスケールは、隣り合う `block` 個のものです: repeat_interleave。",
        ),
        Text(
            "return code[indices] * absmax.repeat_interleave(block)",
            "return code[indices] * absmax.repeat_interleave(block)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_no_scale, "multiply by the block's scale"),
        WrongAnswer(_divided, "you divide by the scale"),
        WrongAnswer(_tiled, "wrong order"),
        WrongAnswer(_indices_scaled, "place in the code book"),
    ),
)
