"""Lab 03, exercise ``merge``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close
from lab_helpers.labs.lab03.by_hand import merge
from lab_helpers.labs.lab03.exercises.dequantize import dequantize
from lab_helpers.labs.lab03.exercises.quantize import quantize
from lab_helpers.labs.lab03.exercises.shared import BLOCK, numbers, refuse
from lab_helpers.runtime.language import Text
from lab_helpers.tuning import quantization as package


def _merge_requantized(indices, absmax, code, block, delta):
    merged = merge(indices, absmax, code, block, delta)
    return dequantize(*quantize(merged, code, block), code, block)


def _merge_inside(indices, absmax, code, block, delta):
    return (code[indices] + delta) * absmax.repeat_interleave(block)


def _merge_forgotten(indices, absmax, code, block, delta):
    return dequantize(indices, absmax, code, block)


def _merge_in_place(indices, absmax, code, block, delta):
    delta += dequantize(indices, absmax, code, block)
    return delta


def _test_merge(answer) -> None:
    code = package.nf4_code()
    indices, absmax = quantize(numbers(24, 3), code, BLOCK)
    delta = 0.02 * numbers(24, 4)
    given = delta.clone()
    got = answer(indices.clone(), absmax.clone(), code.clone(), BLOCK, given)
    arguments = (indices, absmax, code, BLOCK, delta)
    refuse(
        got,
        (
            (
                _merge_requantized(*arguments),
                "you quantize the sum again: most of ΔW is smaller than a step and is rounded away. Return floats.",
                "和をもう一度量子化しています。ΔW の大半は 1 段より小さく、丸めで消えます。浮動小数点のまま返してください。",
            ),
            (
                _merge_inside(*arguments),
                "ΔW is added before the scale is multiplied in; add it to the finished weight.",
                "スケールを掛ける前に ΔW を足しています。元に戻した重みに足してください。",
            ),
            (_merge_forgotten(*arguments), "ΔW is missing.", "ΔW がありません。"),
        ),
    )  # fmt: skip
    expect_close(got, merge(*arguments), "not the dequantized weight plus ΔW.", "元に戻した重み + ΔW になっていません。")  # fmt: skip
    if not torch.equal(given, delta):
        raise Mistake(
            "you changed the caller's ΔW (+= works in place).",
            "呼び出し元の ΔW を書き換えています（+= はその場で変更します）。",
        )


EXERCISE = Exercise(
    name="merge",
    prompt=Text(
        "Merge ΔW into a quantized weight without losing it.",
        "量子化された重みに ΔW を、失わずにマージしてください。",
    ),
    reference=merge,
    test=_test_merge,
    hints=(
        Text(
            "ΔW is much smaller than a quantization step. Where is there room for it?",
            "ΔW は量子化の 1 段よりずっと小さい値です。どこなら入る余地がありますか。",
        ),
        Text(
            "In floats: dequantize first, then add.",
            "浮動小数点の中です。先に元へ戻してから足します。",
        ),
        Text(
            "return code[indices] * absmax.repeat_interleave(block) + delta",
            "return code[indices] * absmax.repeat_interleave(block) + delta",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_merge_requantized, "quantize the sum again"),
        WrongAnswer(_merge_inside, "before the scale"),
        WrongAnswer(_merge_forgotten, "ΔW is missing"),
        WrongAnswer(_merge_in_place, "the caller's ΔW"),
    ),
)
