"""Lab 06, exercise ``rouge_l``: planted wrong answers, check, hints."""

from collections import Counter

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.evaluation.text_metrics.rouge import lcs_length, rouge_l
from lab_helpers.runtime.language import Text


def _parts(shared, hypothesis, reference):
    """Precision, recall and F1 of ``shared`` tokens, without fear of dividing by zero."""
    precision, recall = shared / max(1, len(hypothesis)), shared / max(1, len(reference))
    return precision, recall, 2 * precision * recall / (precision + recall) if shared else 0.0


def _bag_of_words(hypothesis, reference, tokenize):
    said, wanted = tokenize(hypothesis), tokenize(reference)
    return _parts((Counter(said) & Counter(wanted)).total(), said, wanted)


def _substring(hypothesis, reference, tokenize):
    said, wanted = tokenize(hypothesis), tokenize(reference)
    longest, row = 0, [0] * (len(wanted) + 1)
    for token in said:
        above = row.copy()
        for j, other in enumerate(wanted, 1):
            row[j] = above[j - 1] + 1 if token == other else 0
        longest = max(longest, *row)
    return _parts(longest, said, wanted)


def _greedy(hypothesis, reference, tokenize):
    said, wanted = tokenize(hypothesis), tokenize(reference)
    shared, start = 0, 0
    for token in said:
        if token in wanted[start:]:
            start, shared = wanted.index(token, start) + 1, shared + 1
    return _parts(shared, said, wanted)


def _turned(hypothesis, reference, tokenize):
    return rouge_l(reference, hypothesis, tokenize)


def _arithmetic_mean(hypothesis, reference, tokenize):
    precision, recall, _ = rouge_l(hypothesis, reference, tokenize)
    return precision, recall, (precision + recall) / 2


def _f1_only(hypothesis, reference, tokenize):
    return rouge_l(hypothesis, reference, tokenize).f1


def _characters(hypothesis, reference, tokenize):
    return rouge_l(hypothesis, reference, list)


def _split_at_spaces(hypothesis, reference, tokenize):
    return rouge_l(hypothesis, reference, str.split)


def _divides_by_zero(hypothesis, reference, tokenize):
    said, wanted = tokenize(hypothesis), tokenize(reference)
    shared = lcs_length(said, wanted)
    precision, recall = shared / len(said), shared / len(wanted)
    return precision, recall, 2 * precision * recall / (precision + recall)


def _commas(text):
    """A tokenizer that ``str.split`` is not: the check hands it over."""
    return text.replace(" ", ",").split(",")


_PAIRS = (
    (
        "tonight a warm lamp stands on the desk",
        "a warm old lamp stands on the desk in the hall tonight",
    ),
    ("we repair your heater,in ten days", "your heater we repair within ten,working days"),
    ("the lamp is not warm and bright", "the lamp is warm and not bright"),
)


def _test_rouge_l(answer) -> None:
    def results(function):
        return [function(a, b, _commas) for a, b in _PAIRS]

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
            _turned,
            "precision and recall are exchanged: precision divides by the hypothesis, recall by the reference.",
            "適合率と再現率が逆です。適合率は出力文の長さ、再現率は参照文の長さで割ります。",
        ),
        (
            _arithmetic_mean,
            "F1 is the *harmonic* mean, 2PR / (P + R), not (P + R) / 2.",
            "F1 は (P + R) / 2 ではなく「調和」平均 2PR / (P + R) です。",
        ),
        (
            _f1_only,
            "that is one number; return all three, (precision, recall, f1), as reports want them.",
            "数値が 1 つだけです。(precision, recall, f1) の 3 つを返してください。",
        ),
        (
            _characters,
            "you compared characters: cut both texts with `tokenize` first.",
            "文字どうしを比べています。先に、両方の文を `tokenize` で切り分けてください。",
        ),
        (
            _split_at_spaces,
            "you cut at spaces by yourself; Japanese has none. Use the `tokenize` that is handed to you.",
            "自分で空白で切っています。日本語に空白はありません。渡された `tokenize` を使ってください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, results(wrong)):
            raise Mistake(en, ja)
    for (a, b), found, right in zip(_PAIRS, got, wanted, strict=True):
        expect_close(
            found,
            right,
            f"for {a!r} and {b!r} precision, recall and F1 are {tuple(round(x, 3) for x in right)}.",
            f"{a!r} と {b!r} では、適合率・再現率・F1 は {tuple(round(x, 3) for x in right)} です。",
        )
    for said, other in (("warm", "cold"), ("", "cold")):
        try:
            nothing = answer(said, other, str.split)
        except ZeroDivisionError:
            nothing = None
        if not same(nothing, (0.0, 0.0, 0.0)):
            raise Mistake(
                "with nothing in common P + R is 0: return zeros before dividing by it.",
                "共通部分がないと P + R が 0 になります。割り算の前に 0 を 3 つ返してください。",
            )


EXERCISE = Exercise(
    name="rouge_l",
    prompt=Text(
        "ROUGE-L of two texts: precision, recall and F1 of their longest common subsequence (same order, gaps allowed). hypothesis, reference: texts; tokenize(text) → list of tokens. Return (precision, recall, f1), each from 0 to 1.",
        "2 つの文の ROUGE-L、つまり最長共通部分列（順序は同じ、あいだは空いてもよい）の適合率・再現率・F1 を返してください。hypothesis と reference は文字列、tokenize(text) はトークンのリストを返します → (precision, recall, f1)、それぞれ 0 から 1 まで。",
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
            "With L = best[-1][-1]: P = L / len(tokenize(hypothesis)), R = L / len(tokenize(reference)); return P, R, 2 * P * R / (P + R), or three zeros where L is 0.",
            "L = best[-1][-1] として P = L / len(tokenize(hypothesis))、R = L / len(tokenize(reference))。return P, R, 2 * P * R / (P + R)。L が 0 なら 0 を 3 つ返します。",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_bag_of_words, "that is ROUGE-1"),
        WrongAnswer(_substring, "*unbroken* run"),
        WrongAnswer(_greedy, "first match you meet"),
        WrongAnswer(_turned, "are exchanged"),
        WrongAnswer(_arithmetic_mean, "*harmonic* mean"),
        WrongAnswer(_f1_only, "that is one number"),
        WrongAnswer(_characters, "compared characters"),
        WrongAnswer(_split_at_spaces, "cut at spaces"),
        WrongAnswer(_divides_by_zero, "nothing in common"),
    ),
)
