"""Lab 04, exercise ``accumulated_loss``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.masks import accumulated_loss


def _mean_of_means(sums, tokens):
    return sum(s / t for s, t in zip(sums, tokens, strict=True)) / len(sums)


def _by_batches(sums, tokens):
    return sum(sums) / len(sums)


def _sum_of_means(sums, tokens):
    return sum(s / t for s, t in zip(sums, tokens, strict=True))


def _only_sum(sums, tokens):
    return sum(sums)


def _test_accumulated(answer) -> None:
    sums, tokens = [12.0, 2.0, 30.0], [4, 1, 20]
    got = answer(list(sums), list(tokens))
    fingerprints = (
        (
            _mean_of_means,
            "that is the mean of means: the single token of the second batch weighs as much as the twenty of the third.",
            "それは平均の平均です。2 番目のバッチの 1 トークンが、3 番目の 20 トークンと同じ重さになります。",
        ),
        (
            _by_batches,
            "you divide by the number of micro-batches; divide by the number of tokens.",
            "マイクロバッチの数で割っています。トークンの数で割ってください。",
        ),
        (
            _sum_of_means,
            "you add the means up: more micro-batches would mean a larger loss.",
            "平均を足し合わせています。マイクロバッチを増やすほど損失が大きくなってしまいます。",
        ),
        (_only_sum, "divide by all heard tokens.", "対象となる全トークンの数で割ってください。"),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(sums, tokens)):
            raise Mistake(en, ja)
    expect_close(
        got,
        accumulated_loss(sums, tokens),
        "for sums 12, 2, 30 over 4, 1, 20 tokens it should be 44 / 25 = 1.76.",
        "合計 12、2、30、トークン数 4、1、20 なら 44 / 25 = 1.76 のはずです。",
    )


EXERCISE = Exercise(
    name="accumulated_loss",
    prompt=Text(
        "Micro-batches hand you the sum of their tokens' losses and the number of those tokens. What is the loss of the whole batch?",
        "マイクロバッチごとに、トークンの損失の合計と、そのトークン数が渡されます。バッチ全体の損失はいくつですか。",
    ),
    reference=accumulated_loss,
    test=_test_accumulated,
    hints=(
        Text(
            "It must be the same number as if all rows had been in one batch.",
            "すべての行が 1 つのバッチに入っていた場合と同じ値でなければなりません。",
        ),
        Text(
            "In one batch every token weighs the same, whichever row it is in.",
            "1 つのバッチでは、どの行のトークンも同じ重さです。",
        ),
        Text("sum(sums) / sum(tokens)", "sum(sums) / sum(tokens)"),
    ),
    wrong_answers=(
        WrongAnswer(_mean_of_means, "mean of means"),
        WrongAnswer(_by_batches, "number of micro-batches"),
        WrongAnswer(_sum_of_means, "add the means up"),
        WrongAnswer(_only_sum, "divide by all heard tokens"),
    ),
)
