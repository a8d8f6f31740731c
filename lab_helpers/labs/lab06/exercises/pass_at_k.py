"""Lab 06, exercise ``pass_at_k``: planted wrong answers, check, hints."""

import math

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.evaluation.benchmarks.humaneval import pass_at_k
from lab_helpers.runtime.language import Text


def _biased(n, c, k):
    return 1 - (1 - c / n) ** k


def _pass_at_1(n, c, k):
    return c / n


def _added_up(n, c, k):
    return min(1.0, k * c / n)


def _all_fail(n, c, k):
    return math.comb(n - c, k) / math.comb(n, k)


def _all_pass(n, c, k):
    return math.comb(c, k) / math.comb(n, k)


def _any_of_all(n, c, k):
    return float(c > 0)


def _factorials(n, c, k):
    f = math.factorial
    return 1 - f(n - c) * f(n - k) / (f(n) * f(n - c - k))


_CASES = ((10, 3, 4), (20, 1, 5), (8, 4, 2), (50, 7, 10), (6, 0, 3))


def _test_pass_at_k(answer) -> None:
    got = [answer(*case) for case in _CASES]
    fingerprints = (
        (
            _biased,
            "1 - (1 - c/n)^k draws programs with replacement, the same one again and again: its expectation is too low. Draw k *different* ones of the n.",
            "1 - (1 - c/n)^k は、同じプログラムを何度も選べる（復元抽出の）式で、期待値が低めにずれます。n 個から「異なる」k 個を選んでください。",
        ),
        (
            _pass_at_1,
            "c/n is pass@1: use k, more attempts find more.",
            "c/n は pass@1 です。k を使ってください。試す回数が増えれば、見つかる確率も上がります。",
        ),
        (
            _added_up,
            "k·c/n adds chances that overlap: two of the k programs may be right at once.",
            "k·c/n は、重なりのある確率を足しています。k 個のうち 2 個以上が正しいこともあります。",
        ),
        (
            _all_fail,
            "that is the chance that *none* of the k passes; return 1 minus it.",
            "それは k 個が「1 つも」通らない確率です。1 から引いてください。",
        ),
        (
            _all_pass,
            "that is the chance that *all* k pass; one is enough.",
            "それは k 個が「すべて」通る確率です。1 つ通れば十分です。",
        ),
        (
            _any_of_all,
            "that asks whether any of all n passes, pass@n: only k are drawn.",
            "それは n 個のどれかが通るかどうか、つまり pass@n です。選ぶのは k 個だけです。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, [wrong(*case) for case in _CASES]):
            raise Mistake(en, ja)
    for (n, c, k), found in zip(_CASES, got, strict=True):
        right = pass_at_k(n, c, k)
        expect_close(
            found,
            right,
            f"for n = {n}, c = {c}, k = {k} the chance that at least one of k different programs passes is {right:.4f}.",
            f"n = {n}、c = {c}、k = {k} のとき、異なる k 個のうち少なくとも 1 つが通る確率は {right:.4f} です。",
        )
    _test_few_failures(answer)


def _test_few_failures(answer) -> None:
    """n - c < k: whoever draws k must draw one that passes."""
    for n, c, k in ((10, 8, 5), (5, 5, 1), (7, 3, 7)):
        try:
            found = answer(n, c, k)
        except (ValueError, ZeroDivisionError):
            found = None
        if not same(found, 1.0):
            raise Mistake(
                f"for n = {n}, c = {c}, k = {k} fewer than k programs fail, so one of the k surely passes: 1. (math.comb gives 0 there.)",
                f"n = {n}、c = {c}、k = {k} では不合格が k 個未満なので、必ず 1 つは通り、答えは 1 です（math.comb なら 0 になってくれます）。",
            )


EXERCISE = Exercise(
    name="pass_at_k",
    prompt=Text(
        "n programs were written for one problem and c of them pass. Return the unbiased estimate of pass@k: the chance that at least one of k different programs drawn from the n passes (Chen et al. 2021, eq. 1).",
        "1 つの問題に n 個のプログラムを書き、c 個がテストに通りました。pass@k の不偏推定値、つまり n 個から異なる k 個を選んだとき少なくとも 1 つが通る確率を返してください（Chen et al. 2021、式 1）。",
    ),
    reference=pass_at_k,
    test=_test_pass_at_k,
    hints=(
        Text(
            "The opposite is easier: in how many ways can all k be among the ones that fail?",
            "逆を考えると簡単です。k 個すべてが不合格になる選び方は何通りありますか。",
        ),
        Text(
            "math.comb(a, b) is the number of ways to choose b of a, and 0 where b > a.",
            "math.comb(a, b) は a 個から b 個を選ぶ組み合わせの数で、b > a なら 0 です。",
        ),
        Text(
            "return 1 - math.comb(n - c, k) / math.comb(n, k)",
            "return 1 - math.comb(n - c, k) / math.comb(n, k)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_biased, "with replacement"),
        WrongAnswer(_pass_at_1, "is pass@1"),
        WrongAnswer(_added_up, "chances that overlap"),
        WrongAnswer(_all_fail, "*none* of the k passes"),
        WrongAnswer(_all_pass, "*all* k pass"),
        WrongAnswer(_any_of_all, "pass@n"),
        WrongAnswer(_factorials, "fewer than k programs fail"),
    ),
)
