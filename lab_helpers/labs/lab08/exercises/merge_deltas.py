"""Lab 08, exercise ``merge_deltas``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close
from lab_helpers.labs.lab08.exercises.shared import random, refuse
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.peft_methods import merge_deltas

_WEIGHTS = [1.0, 0.5, -0.25]


def _unweighted(deltas, weights):
    return sum(deltas)


def _average(deltas, weights):
    return sum(deltas) / len(deltas)


def _weighted_average(deltas, weights):
    return merge_deltas(deltas, weights) / len(deltas)


def _normalised(deltas, weights):
    return merge_deltas(deltas, [weight / sum(weights) for weight in weights])


def _absolute(deltas, weights):
    return merge_deltas(deltas, [abs(weight) for weight in weights])


def _root(deltas, weights):
    return merge_deltas(deltas, [abs(w) ** 0.5 * (1 if w >= 0 else -1) for w in weights])


def _one_left_out(deltas, weights):
    return deltas[0] + weights[-1] * deltas[-1]


def _in_place(deltas, weights):
    merged = deltas[0]
    merged *= weights[0]
    for delta, weight in zip(deltas[1:], weights[1:], strict=True):
        merged += weight * delta
    return merged


_FINGERPRINTS = (
    (_unweighted, "the weights are not used: this is the plain sum.", "重みを使っていません。単なる和になっています。"),
    (_average, "this is the plain average: every adapter would work at a third of its strength, whatever its weight.", "単純な平均になっています。重みに関係なく、どのアダプターも 3 分の 1 の強さになってしまいます。"),
    (_weighted_average, "you divide the weighted sum by the number of adapters; a weight of 1 keeps an adapter at full strength.", "重み付きの和をアダプターの個数で割っています。重みが 1 なら、アダプターはそのままの強さで足します。"),
    (_normalised, "you normalise the weights to a sum of 1; take them as they are, so that 1 and 1 are both adapters in full.", "重みの和が 1 になるように正規化しています。重みはそのまま使います。1 と 1 なら、両方のアダプターをそのままの強さで足します。"),
    (_absolute, "you lose the sign: a negative weight takes away what an adapter has learned.", "符号が失われています。負の重みは、アダプターが学んだことを取り除くためのものです。"),
    (_root, "√w is for the two factors A and B, each of which gets one; here are whole ΔW.", "√w は、2 つの因子 A と B のそれぞれに掛けるときのものです。ここで足すのは ΔW 全体です。"),
    (_one_left_out, "you add up the first and the last only; there may be any number of adapters.", "最初と最後しか足していません。アダプターは何個でもありえます。"),
)  # fmt: skip


def _test_merge(answer) -> None:
    deltas = [random(4, 3, seed=seed) for seed in range(3)]
    given = [delta.clone() for delta in deltas]
    got = answer(given, list(_WEIGHTS))
    refuse(got, [(wrong(deltas, _WEIGHTS), en, ja) for wrong, en, ja in _FINGERPRINTS])
    expect_close(
        got,
        merge_deltas(deltas, _WEIGHTS),
        "not Σ wᵢ ΔWᵢ.",
        "Σ wᵢ ΔWᵢ になっていません。",
    )
    if not all(map(torch.equal, given, deltas)):
        raise Mistake(
            "you changed a ΔW that was handed in (+= and *= work in place): no second mixture could be made of it.",
            "渡された ΔW を書き換えています（+= や *= はその場で変更します）。これでは別の配合を試せません。",
        )


EXERCISE = Exercise(
    name="merge_deltas",
    prompt=Text(
        "deltas is a list of ΔW, all of shape (d, k), one per adapter; weights is a list of as many numbers, which may be negative and need not sum to 1. Return Σ wᵢ ΔWᵢ as a new tensor (d, k).",
        "deltas はアダプターごとの ΔW のリストで、形はすべて (d, k) です。weights は同じ個数の数のリストで、負の数もあり、和が 1 とは限りません。Σ wᵢ ΔWᵢ を新しいテンソル (d, k) として返してください。",
    ),
    reference=merge_deltas,
    test=_test_merge,
    hints=(
        Text(
            "One product for each adapter, then the sum of all of them.",
            "アダプターごとに積を 1 つ作り、それらをすべて足します。",
        ),
        Text(
            "zip(weights, deltas) gives the pairs; sum(…) adds tensors as it adds numbers.",
            "zip(weights, deltas) で組が得られます。sum(…) はテンソルも数と同じように足せます。",
        ),
        Text(
            "return sum(w * delta for w, delta in zip(weights, deltas))",
            "return sum(w * delta for w, delta in zip(weights, deltas))",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_unweighted, "plain sum"),
        WrongAnswer(_average, "plain average"),
        WrongAnswer(_weighted_average, "by the number of adapters"),
        WrongAnswer(_normalised, "normalise the weights"),
        WrongAnswer(_absolute, "lose the sign"),
        WrongAnswer(_root, "√w is for"),
        WrongAnswer(_one_left_out, "first and the last only"),
        WrongAnswer(_in_place, "changed a ΔW"),
    ),
)
