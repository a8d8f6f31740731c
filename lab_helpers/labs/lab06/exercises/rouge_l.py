"""Lab 06, exercise ``rouge_l``: planted wrong answers, check, hints."""

from collections import Counter

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab06.texts import rouge_l
from lab_helpers.runtime.language import Text


def _lcs(hypothesis, reference):
    row = [0] * (len(reference) + 1)
    for token in hypothesis:
        above = row.copy()
        for j, other in enumerate(reference, 1):
            row[j] = above[j - 1] + 1 if token == other else max(above[j], row[j - 1])
    return row[-1]


def _f1(shared, hypothesis, reference):
    return 2 * shared / (len(hypothesis) + len(reference)) if shared else 0.0


def _bag_of_words(hypothesis, reference):
    return _f1(sum((Counter(hypothesis) & Counter(reference)).values()), hypothesis, reference)


def _substring(hypothesis, reference):
    longest, row = 0, [0] * (len(reference) + 1)
    for token in hypothesis:
        above = row.copy()
        for j, other in enumerate(reference, 1):
            row[j] = above[j - 1] + 1 if token == other else 0
        longest = max(longest, *row)
    return _f1(longest, hypothesis, reference)


def _greedy(hypothesis, reference):
    shared, start = 0, 0
    for token in hypothesis:
        if token in reference[start:]:
            start, shared = reference.index(token, start) + 1, shared + 1
    return _f1(shared, hypothesis, reference)


def _recall(hypothesis, reference):
    return _lcs(hypothesis, reference) / len(reference)


def _precision(hypothesis, reference):
    return _lcs(hypothesis, reference) / len(hypothesis)


def _arithmetic_mean(hypothesis, reference):
    shared = _lcs(hypothesis, reference)
    return (shared / len(hypothesis) + shared / len(reference)) / 2


def _count(hypothesis, reference):
    return _lcs(hypothesis, reference)


def _divides_by_zero(hypothesis, reference):
    shared = _lcs(hypothesis, reference)
    precision, recall = shared / len(hypothesis), shared / len(reference)
    return 2 * precision * recall / (precision + recall)


_PAIRS = (
    (
        "tonight a warm lamp stands on the desk",
        "a warm old lamp stands on the desk in the hall tonight",
    ),
    ("we repair your heater in ten days", "your heater we repair within ten working days"),
    ("the lamp is not warm and bright", "the lamp is warm and not bright"),
)


def _test_rouge_l(answer) -> None:
    def results(function):
        return [function(a.split(), b.split()) for a, b in _PAIRS]

    got, wanted = results(answer), results(rouge_l)
    fingerprints = (
        (
            _bag_of_words,
            "you count shared words in any order: that is ROUGE-1. A subsequence keeps the order.",
            "順序を無視して共通の単語を数えています。それは ROUGE-1 です。部分列では順序が保たれます。",
        ),
        (
            _substring,
            "you look for the longest *unbroken* run; in a subsequence there may be gaps.",
            "「途切れのない」一致を探しています。部分列では、あいだが空いてもかまいません。",
        ),
        (
            _greedy,
            "you take the first match you meet; skipping it can lead to a longer subsequence. Compare both ways at each step.",
            "最初に見つけた一致を必ず使っています。見送ったほうが長い部分列になることもあります。各段階で両方を比べてください。",
        ),
        (
            _recall,
            "that is the recall (divided by the reference); return F1.",
            "それは再現率(参照文の長さで割った値)です。F1 を返してください。",
        ),
        (
            _precision,
            "that is the precision (divided by the hypothesis); return F1.",
            "それは適合率(出力文の長さで割った値)です。F1 を返してください。",
        ),
        (
            _arithmetic_mean,
            "F1 is the *harmonic* mean, 2PR / (P + R), not (P + R) / 2.",
            "F1 は (P + R) / 2 ではなく「調和」平均 2PR / (P + R) です。",
        ),
        (
            _count,
            "that is a length in tokens; return F1, between 0 and 1.",
            "それはトークン数です。0 から 1 までの F1 を返してください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, results(wrong)):
            raise Mistake(en, ja)
    for (a, b), found, right in zip(_PAIRS, got, wanted, strict=True):
        expect_close(
            found,
            right,
            f"for {a!r} and {b!r} the F1 of the longest common subsequence is {right:.3f}.",
            f"{a!r} と {b!r} では、最長共通部分列の F1 は {right:.3f} です。",
        )
    for said, wanted_words in ((["warm"], ["cold"]), ([], ["cold"])):
        try:
            nothing = answer(list(said), list(wanted_words))
        except ZeroDivisionError:
            nothing = None
        if not same(nothing, 0.0):
            raise Mistake(
                "with nothing in common P + R is 0: return 0 before dividing by it.",
                "共通部分がないと P + R が 0 になります。割り算の前に 0 を返してください。",
            )


EXERCISE = Exercise(
    name="rouge_l",
    prompt=Text(
        "ROUGE-L: F1 of the longest common subsequence (same order, gaps allowed) of two lists of tokens → a number from 0 to 1.",
        "ROUGE-L、つまり 2 つのトークンのリストの最長共通部分列(順序は同じ、あいだは空いてもよい)から求めた F1 を返してください → 0 から 1 までの数。",
    ),
    reference=rouge_l,
    test=_test_rouge_l,
    hints=(
        Text(
            "Let best[i][j] be the answer for the first i tokens of one and the first j of the other.",
            "一方の先頭 i 個と他方の先頭 j 個についての答えを best[i][j] とします。",
        ),
        Text(
            "Equal tokens: best[i-1][j-1] + 1. Otherwise the larger of best[i-1][j] and best[i][j-1].",
            "トークンが等しければ best[i-1][j-1] + 1、違えば best[i-1][j] と best[i][j-1] の大きいほうです。",
        ),
        Text(
            "With L = best[-1][-1]: P = L / len(hypothesis), R = L / len(reference); return 2 * P * R / (P + R) if L else 0.0",
            "L = best[-1][-1] として P = L / len(hypothesis)、R = L / len(reference)。return 2 * P * R / (P + R) if L else 0.0",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_bag_of_words, "that is ROUGE-1"),
        WrongAnswer(_substring, "*unbroken* run"),
        WrongAnswer(_greedy, "first match you meet"),
        WrongAnswer(_recall, "that is the recall"),
        WrongAnswer(_precision, "that is the precision"),
        WrongAnswer(_arithmetic_mean, "*harmonic* mean"),
        WrongAnswer(_count, "length in tokens"),
        WrongAnswer(_divides_by_zero, "nothing in common"),
    ),
)
