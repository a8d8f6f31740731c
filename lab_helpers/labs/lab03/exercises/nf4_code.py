"""Lab 03, exercise ``nf4_code``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab03.exercises.shared import refuse
from lab_helpers.runtime.language import Text
from lab_helpers.tuning import quantization as package
from lab_helpers.tuning.quantization import nf4_code


def _even_code(offset):
    return torch.linspace(-1, 1, 16)


def _code_without_zero(offset):
    code = torch.special.ndtri(torch.linspace(1 - offset, offset, 16).double())
    return (code / code.max()).float()


def _code_unscaled(offset):
    return nf4_code(offset) * torch.special.ndtri(torch.tensor(offset).double()).float()


def _code_mirrored(offset):
    return -nf4_code(offset).flip(0)


def _code_unsorted(offset):
    code = nf4_code(offset)
    return torch.cat([code[:8].flip(0), code[8:]])


def _code_fixed_offset(offset):
    return nf4_code(package.OFFSET)


def _test_code(answer) -> None:
    got = answer(package.OFFSET)
    refuse(
        got,
        (
            (
                _even_code(package.OFFSET),
                "these are evenly spaced steps, int4's grid; NF4 takes quantiles, dense where weights are.",
                "これは等間隔の目盛り、つまり int4 の格子です。NF4 は分位点を使い、重みの多い所を細かく刻みます。",
            ),
            (
                _code_without_zero(package.OFFSET),
                "sixteen symmetric quantiles contain no exact zero; take 8 above, 7 below, and 0 itself.",
                "対称な 16 個の分位点には、ちょうど 0 になる値がありません。上に 8 個、下に 7 個、そして 0 を取ってください。",
            ),
            (
                _code_unscaled(package.OFFSET),
                "divide by the largest value, so that the code ends at 1.",
                "最大値で割り、最後の値が 1 になるようにしてください。",
            ),
            (
                _code_mirrored(package.OFFSET),
                "mirrored: the eighth step belongs above zero, not below.",
                "左右が逆です。8 個目の段は 0 より上に置きます。下ではありません。",
            ),
            (
                _code_unsorted(package.OFFSET),
                "the values are right, the order is not: sort them.",
                "値は合っていますが、順番が違います。昇順に並べてください。",
            ),
        ),
    )
    expect_close(
        got,
        nf4_code(),
        "not the 16 normal quantiles with 0 among them.",
        "0 を含む 16 個の正規分位点になっていません。",
        1e-6,
    )
    if not same(answer(0.95), nf4_code(0.95), 1e-6):
        raise Mistake(
            "you do not use `offset`, the last quantile that is kept.",
            "引数 `offset`（残す最後の分位点）を使っていません。",
        )


EXERCISE = Exercise(
    name="nf4_code",
    prompt=Text(
        "Return NF4's 16 values, sorted: 8 normal quantiles above zero, 0 itself, 7 below, over the largest.",
        "NF4 の 16 個の値を昇順で返してください。0 より上の正規分位点 8 個、0、下の 7 個を、最大値で割ります。",
    ),
    reference=nf4_code,
    test=_test_code,
    hints=(
        Text(
            "torch.special.ndtri gives the quantile of a probability: ndtri(0.5) is 0.",
            "torch.special.ndtri は確率から分位点を返します。ndtri(0.5) は 0 です。",
        ),
        Text(
            "torch.linspace(offset, 0.5, 9)[:-1] are eight probabilities above one half; for the lower side take 8 points and a minus.",
            "torch.linspace(offset, 0.5, 9)[:-1] で 0.5 より上の確率が 8 個得られます。下側は 8 点で作り、符号を反転します。",
        ),
        Text(
            "code = torch.cat([below, torch.zeros(1), above]).float().sort().values; return code / code.max(), with .double() inside ndtri",
            "code = torch.cat([below, torch.zeros(1), above]).float().sort().values; return code / code.max()。ndtri の中は .double() にします",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_even_code, "int4's grid"),
        WrongAnswer(_code_without_zero, "no exact zero"),
        WrongAnswer(_code_unscaled, "ends at 1"),
        WrongAnswer(_code_mirrored, "mirrored"),
        WrongAnswer(_code_unsorted, "sort them"),
        WrongAnswer(_code_fixed_offset, "do not use `offset`"),
    ),
)
