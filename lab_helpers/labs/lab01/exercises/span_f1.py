"""Lab 01, exercise ``span_f1``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.evaluation.spans import span_f1
from lab_helpers.runtime.language import Text


def _right(predicted, gold):
    return sum(len(set(p) & set(g)) for p, g in zip(predicted, gold, strict=True))


def _precision_only(predicted, gold):
    return _right(predicted, gold) / sum(map(len, predicted)) if any(predicted) else 0.0


def _recall_only(predicted, gold):
    return _right(predicted, gold) / sum(map(len, gold))


def _ignores_kind(predicted, gold):
    strip = lambda rows: [[(s, e, "x") for s, e, _ in row] for row in rows]  # noqa: E731
    return span_f1(strip(predicted), strip(gold))


def _arithmetic_mean(predicted, gold):
    return (_precision_only(predicted, gold) + _recall_only(predicted, gold)) / 2


def _divides_by_zero(predicted, gold):
    precision = _right(predicted, gold) / sum(map(len, predicted))
    recall = _right(predicted, gold) / sum(map(len, gold))
    return 2 * precision * recall / (precision + recall)


_PREDICTED = [
    [(0, 4, "part"), (10, 14, "date")],
    [(3, 9, "drug")],
    [],
    [(5, 9, "money"), (11, 12, "money"), (20, 22, "part")],
]

_GOLD = [[(0, 4, "part"), (10, 14, "money")], [(3, 9, "drug")], [(0, 2, "date")], [(5, 9, "money")]]


def _test_span_f1(answer) -> None:
    try:
        empty = answer([[]], [[(0, 1, "part")]])
    except ZeroDivisionError:
        raise Mistake(
            "a tagger that finds nothing makes you divide by zero: its F1 is 0.",
            "何も見つけないタガーでゼロ除算になります。その F1 は 0 です。",
        ) from None
    got = answer(_PREDICTED, _GOLD)
    if same(got, _ignores_kind(_PREDICTED, _GOLD)):
        raise Mistake(
            "the kind is ignored: a date labelled as money is not right.",
            "種類を見ていません。日付を金額とした予測は正解ではありません。",
        )
    if same(got, _precision_only(_PREDICTED, _GOLD)):
        raise Mistake("that is precision alone.", "それは適合率だけです。")
    if same(got, _recall_only(_PREDICTED, _GOLD)):
        raise Mistake("that is recall alone.", "それは再現率だけです。")
    if same(got, _arithmetic_mean(_PREDICTED, _GOLD)):
        raise Mistake(
            "that is the arithmetic mean of precision and recall; F1 is the harmonic mean.",
            "それは適合率と再現率の算術平均です。F1 は調和平均です。",
        )
    expect_close(
        got,
        span_f1(_PREDICTED, _GOLD),
        f"for the test sentences it should be {span_f1(_PREDICTED, _GOLD):.4f}.",
        f"テスト用の文では {span_f1(_PREDICTED, _GOLD):.4f} のはずです。",
    )
    expect_close(empty, 0.0, "nothing found must give 0.", "何も見つからなければ 0 のはずです。")


EXERCISE = Exercise(
    name="span_f1",
    prompt=Text(
        "F1 over all sentences together. Each sentence is a list of spans (start, end, kind); a span counts only if all three agree. Nothing right gives 0.",
        "全文をまとめた F1 を計算してください。各文はスパン (start, end, kind) のリストで、3 つすべてが一致して初めて正解です。正解が 1 つもなければ 0 です。",
    ),
    reference=span_f1,
    test=_test_span_f1,
    hints=(
        Text(
            "Count three things over all sentences: right, predicted, gold.",
            "全文で 3 つの数を数えます。一致した数、予測の数、正解ラベルの数。",
        ),
        Text(
            "right is the size of set(p) & set(g), summed. Precision = right/predicted, recall = right/gold.",
            "一致した数は set(p) & set(g) の要素数の合計。適合率 = 一致/予測、再現率 = 一致/正解ラベル。",
        ),
        Text(
            "2 * precision * recall / (precision + recall), and 0.0 before any division when right == 0.",
            "2 * precision * recall / (precision + recall)。right == 0 なら割り算の前に 0.0 を返します。",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_ignores_kind, "kind is ignored"),
        WrongAnswer(_precision_only, "precision alone"),
        WrongAnswer(_recall_only, "recall alone"),
        WrongAnswer(_arithmetic_mean, "harmonic mean"),
        WrongAnswer(_divides_by_zero, "divide by zero"),
    ),
)
