"""Lab 08, exercise ``ia3_forward``: planted wrong answers, check, hints."""

import copy

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close
from lab_helpers.labs.lab08.exercises.shared import random, refuse
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.peft_methods import ia3_forward


def _input_scaled(x, base, scale):
    return base(x * scale)


def _bias_unscaled(x, base, scale):
    return (x @ base.weight.T) * scale + base.bias


def _bias_lost(x, base, scale):
    return (x @ base.weight.T) * scale


def _added(x, base, scale):
    return base(x) + scale


def _one_plus(x, base, scale):
    return base(x) * (1 + scale)


def _weight_changed(x, base, scale):
    base.weight.data *= scale[:, None]
    base.bias.data *= scale
    return base(x)


def _test_forward(answer) -> None:
    # As many inputs as outputs: a scale on the wrong side would stop with an error otherwise.
    x, scale = random(3, 5), random(5, seed=1)
    base = torch.nn.Linear(5, 5).double()
    base.weight.data, base.bias.data = random(5, 5, seed=2), random(5, seed=3)
    with torch.no_grad():
        given = copy.deepcopy(base)
        got = answer(x.clone(), given, scale.clone())
        refuse(
            got,
            (
                (
                    _input_scaled(x, base, scale),
                    "you scale what goes into the layer; IA³ on keys and values scales what comes out.",
                    "層への入力に掛けています。キーとバリューの IA³ では、層の出力に掛けます。",
                ),
                (
                    _bias_unscaled(x, base, scale),
                    "you add the bias after scaling; PEFT scales the whole output, with the bias in it.",
                    "スケールを掛けた後でバイアスを足しています。PEFT はバイアスも含めた出力全体に掛けます。",
                ),
                (
                    _bias_lost(x, base, scale),
                    "the frozen layer's bias is lost: call base(x) in place of x Wᵀ.",
                    "凍結した層のバイアスが抜けています。x Wᵀ の代わりに base(x) を呼んでください。",
                ),
                (
                    _added(x, base, scale),
                    "you add the vector; IA³ multiplies by it, entry by entry.",
                    "ベクトルを足しています。IA³ では要素ごとに掛けます。",
                ),
                (
                    _one_plus(x, base, scale),
                    "you multiply by 1 + scale; the scale itself starts at 1.",
                    "1 + scale を掛けています。scale 自体が 1 から始まるので、そのまま掛けます。",
                ),
            ),
        )
        expect_close(got, ia3_forward(x, base, scale), "not base(x) * scale.", "base(x) * scale になっていません。")  # fmt: skip
    if not torch.equal(given.weight, base.weight) or not torch.equal(given.bias, base.bias):
        raise Mistake(
            "you changed the frozen layer itself: every further call would scale it once more.",
            "凍結した層そのものを書き換えています。呼ぶたびに、もう一度スケールが掛かってしまいます。",
        )


EXERCISE = Exercise(
    name="ia3_forward",
    prompt=Text(
        "Return what an IA³-adapted layer returns: the output of the frozen nn.Linear `base`, bias and all, each of its d numbers multiplied by its own entry of scale. Do not change base. Shapes: x (n, k), scale (d,) → (n, d).",
        "IA³ を付けた層の出力を返してください。凍結した nn.Linear である base の出力（バイアスも含む）の d 個の数それぞれに、scale の対応する要素を掛けます。base は書き換えません。形: x (n, k)、scale (d,) → (n, d)。",
    ),
    reference=ia3_forward,
    test=_test_forward,
    hints=(
        Text(
            "There is no second path as in LoRA: the layer's own output is made larger or smaller.",
            "LoRA のような第 2 の経路はありません。層の出力そのものを大きくしたり小さくしたりします。",
        ),
        Text(
            "base(x) has shape (n, d); a vector (d,) multiplies every row of it.",
            "base(x) の形は (n, d) です。形が (d,) のベクトルを掛けると、すべての行に掛かります。",
        ),
        Text("return base(x) * scale", "return base(x) * scale"),
    ),
    wrong_answers=(
        WrongAnswer(_input_scaled, "what goes into the layer"),
        WrongAnswer(_bias_unscaled, "bias after scaling"),
        WrongAnswer(_bias_lost, "bias is lost"),
        WrongAnswer(_added, "you add the vector"),
        WrongAnswer(_one_plus, "multiply by 1 + scale"),
        WrongAnswer(_weight_changed, "changed the frozen layer"),
    ),
)
