"""Lab 00, exercise ``tokens_per_month``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab00.costs import tokens_per_month
from lab_helpers.runtime.language import Text


def _test_tokens(answer) -> None:
    q, e, n = 30, 900, 1000
    got = answer(q, e, n)
    if same(got, q * n + e):
        raise Mistake(
            "you count the examples once, but the model has no memory between calls: they travel with every call.",
            "例を 1 回しか数えていません。モデルは呼び出し間で何も覚えていないため、例は毎回送られます。",
        )
    if same(got, q * n):
        raise Mistake(
            "the examples are missing: the model reads them too.",
            "例の分が入っていません。モデルは例も読みます。",
        )
    if same(got, q + e):
        raise Mistake(
            "that is one call; multiply by the number of calls.",
            "それは 1 回分です。呼び出し回数を掛けてください。",
        )
    expect_close(
        got,
        tokens_per_month(q, e, n),
        f"for 30 + 900 tokens and 1,000 calls it should be {tokens_per_month(q, e, n):,}.",
        f"30 + 900 トークン、1,000 回なら {tokens_per_month(q, e, n):,} のはずです。",
    )


EXERCISE = Exercise(
    name="tokens_per_month",
    prompt=Text(
        "How many tokens does the model read in a month when the examples travel in every prompt?",
        "例を毎回プロンプトに入れるとき、モデルは月に何トークン読みますか。",
    ),
    reference=tokens_per_month,
    test=_test_tokens,
    hints=(
        Text(
            "What does the model remember of the last call?",
            "モデルは前回の呼び出しの何を覚えているでしょうか。",
        ),
        Text(
            "Nothing. So each call reads the question and all examples.",
            "何も覚えていません。毎回、質問とすべての例を読みます。",
        ),
        Text(
            "(question_tokens + example_tokens) * calls",
            "(question_tokens + example_tokens) * calls",
        ),
    ),
    wrong_answers=(
        WrongAnswer(lambda q, e, n: q * n + e, "every call"),
        WrongAnswer(lambda q, e, n: q * n, "examples are missing"),
        WrongAnswer(lambda q, e, n: q + e, "one call"),
    ),
)
