"""Lab 06, exercise ``clipped_precision``: planted wrong answers, check, hints."""

from collections import Counter

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.evaluation.text_metrics.bleu import clipped_precision
from lab_helpers.runtime.language import Text


def _grams(tokens, n):
    return Counter(tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def _divided(part, whole):
    return part / whole if whole else 0.0


def _not_clipped(hypothesis, references, n):
    said, known = _grams(hypothesis, n), {g for r in references for g in _grams(r, n)}
    return _divided(sum(count for g, count in said.items() if g in known), sum(said.values()))


def _references_added(hypothesis, references, n):
    said, allowed = _grams(hypothesis, n), sum((_grams(r, n) for r in references), Counter())
    return _divided(sum((said & allowed).values()), sum(said.values()))


def _recall(hypothesis, references, n):
    said = _grams(hypothesis, n)
    shared = [(said & _grams(r, n), _grams(r, n)) for r in references]
    return max(_divided(sum(s.values()), sum(r.values())) for s, r in shared)


def _distinct(hypothesis, references, n):
    said, known = set(_grams(hypothesis, n)), {g for r in references for g in _grams(r, n)}
    return _divided(len(said & known), len(said))


def _first_reference(hypothesis, references, n):
    return clipped_precision(hypothesis, references[:1], n)


def _words_only(hypothesis, references, n):
    return clipped_precision(hypothesis, references, 1)


def _by_length(hypothesis, references, n):
    said, allowed = _grams(hypothesis, n), Counter()
    for reference in references:
        allowed |= _grams(reference, n)
    return _divided(sum((said & allowed).values()), len(hypothesis))


def _divides_by_zero(hypothesis, references, n):
    said, allowed = _grams(hypothesis, n), Counter()
    for reference in references:
        allowed |= _grams(reference, n)
    return sum((said & allowed).values()) / sum(said.values())


_HYPOTHESIS = "the lamp is on and the lamp is old and the lamp hums and hums"
_REFERENCES = ("the lamp and the heater are on", "the old lamp is on the desk and the lamp hums")


def _test_clipped_precision(answer) -> None:
    def references():
        return [reference.split() for reference in _REFERENCES]

    def results(function):
        return [function(_HYPOTHESIS.split(), references(), n) for n in (1, 2, 3)]

    got, wanted = results(answer), results(clipped_precision)
    fingerprints = (
        (
            _not_clipped,
            "a repeated n-gram counts every time: repeating one right word would score 1. Count it at most as often as a reference has it.",
            "同じ n-gram が繰り返すたびに数えられています。これでは正しい単語を 1 つ繰り返すだけで満点です。数えるのは、参照文に現れる回数までです。",
        ),
        (
            _references_added,
            "you added the references together; an n-gram may count as often as in the *one* reference that has it most often.",
            "参照文どうしの回数を足しています。上限は、その n-gram がいちばん多い「1 つの」参照文での回数です。",
        ),
        (
            _recall,
            "you divided by the n-grams of the reference: that is recall. Precision divides by the hypothesis.",
            "参照文の n-gram 数で割っています。それは再現率です。適合率は出力文の n-gram 数で割ります。",
        ),
        (
            _distinct,
            "you count different n-grams (a set): one that is said three times stands three times in the denominator.",
            "n-gram を集合にして種類を数えています。3 回言ったものは、分母でも 3 回と数えます。",
        ),
        (
            _first_reference,
            "you read only the first reference; each n-gram may be taken from any of them.",
            "最初の参照文しか見ていません。n-gram は、どの参照文にあってもかまいません。",
        ),
        (
            _words_only,
            "the result does not depend on `n`: cut sequences of n tokens.",
            "`n` を変えても結果が同じです。n 個続きのトークンを切り出してください。",
        ),
        (
            _by_length,
            "you divided by the number of tokens; there are len - n + 1 n-grams.",
            "トークン数で割っています。n-gram の数は「長さ - n + 1」です。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, results(wrong)):
            raise Mistake(en, ja)
    for n, (found, right) in enumerate(zip(got, wanted, strict=True), 1):
        expect_close(
            found,
            right,
            f"for n = {n} not (clipped matches) / (n-grams of the hypothesis): {right:.3f} expected for {_HYPOTHESIS!r}.",
            f"n = {n} のとき「上限つきの一致数 ÷ 出力文の n-gram 数」になっていません。{_HYPOTHESIS!r} では {right:.3f} です。",
        )
    try:
        short = answer(["lamp"], references(), 2)
    except ZeroDivisionError:
        short = None
    if not same(short, 0.0):
        raise Mistake(
            "a text shorter than n has no n-grams at all: return 0 instead of dividing by nothing.",
            "n より短い文には n-gram が 1 つもありません。0 で割らずに 0 を返してください。",
        )


EXERCISE = Exercise(
    name="clipped_precision",
    prompt=Text(
        "BLEU's modified n-gram precision: the share of the hypothesis's n-grams that stand in a reference, each counted at most as often as in the reference that has it most often. hypothesis: list of tokens, references: list of lists of tokens, n → a number from 0 to 1.",
        "BLEU の修正 n-gram 適合率、つまり出力文の n-gram のうち参照文にもあるものの割合を返してください。ただし、同じ n-gram を数えるのは、それがいちばん多い参照文での回数までです。hypothesis はトークンのリスト、references はそのリスト、n → 0 から 1 までの数。",
    ),
    reference=clipped_precision,
    test=_test_clipped_precision,
    hints=(
        Text(
            "Count n-grams with collections.Counter. What would 'the the the' score if every 'the' counted?",
            "n-gram は collections.Counter で数えられます。すべての the を数えたら、the the the は何点になるでしょうか。",
        ),
        Text(
            "For Counters, a | b takes the larger count of each key, a & b the smaller one.",
            "Counter では、a | b はキーごとに大きいほうの回数、a & b は小さいほうの回数になります。",
        ),
        Text(
            "allowed |= ngrams(reference) for each reference; then sum((said & allowed).values()) / sum(said.values()), or 0.0 if there are none.",
            "参照文ごとに allowed |= ngrams(reference) とし、sum((said & allowed).values()) / sum(said.values()) を返します。n-gram がなければ 0.0 です。",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_not_clipped, "counts every time"),
        WrongAnswer(_references_added, "added the references together"),
        WrongAnswer(_recall, "that is recall"),
        WrongAnswer(_distinct, "different n-grams"),
        WrongAnswer(_first_reference, "only the first reference"),
        WrongAnswer(_words_only, "does not depend on `n`"),
        WrongAnswer(_by_length, "number of tokens"),
        WrongAnswer(_divides_by_zero, "shorter than n"),
    ),
)
