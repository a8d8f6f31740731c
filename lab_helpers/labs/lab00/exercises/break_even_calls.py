"""Lab 00, exercise ``break_even_calls``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab00.costs import break_even_calls
from lab_helpers.runtime.language import Text


def _test_break_even(answer) -> None:
    p, t, g = 2.0, 500, 0.4
    got = answer(p, t, g)
    right = break_even_calls(p, t, g)
    if same(got, right / 1e6, 1e-9):
        raise Mistake(
            "the price is per million tokens: divide by 1,000,000.",
            "価格は 100 万トークンあたりです。1,000,000 で割ってください。",
        )
    if same(got, right / 730):
        raise Mistake(
            "that is one hour of GPU; an always-on GPU costs 730 hours a month.",
            "それは GPU 1 時間分です。常時稼働なら月 730 時間かかります。",
        )
    if same(got, 1 / right, 1e-9):
        raise Mistake(
            "your fraction is upside down: GPU cost a month over API cost a call.",
            "分数が逆です。「GPU の月額 ÷ API の 1 回あたりの費用」です。",
        )
    expect_close(
        got,
        right,
        f"for these prices it should be {right:,.0f} calls.",
        f"この価格なら {right:,.0f} 回のはずです。",
    )


EXERCISE = Exercise(
    name="break_even_calls",
    prompt=Text(
        "From how many calls a month is an always-on GPU (730 hours) cheaper than an API? Prices: API per million tokens, GPU per hour.",
        "常時稼働の GPU(月 730 時間)は、月に何回の呼び出しから API より安くなりますか。API は 100 万トークンあたり、GPU は 1 時間あたりの価格です。",
    ),
    reference=break_even_calls,
    test=_test_break_even,
    hints=(
        Text(
            "At the break-even point both bills are equal. Write down both.",
            "損益分岐点では両方の請求額が等しくなります。まず両方を書き出しましょう。",
        ),
        Text(
            "API: calls × price × tokens / 1,000,000. GPU: 730 × price an hour.",
            "API: 回数 × 価格 × トークン数 / 1,000,000。GPU: 730 × 時間単価。",
        ),
        Text(
            "Solve for calls: 730 * gpu_per_hour / (price_per_million * tokens_per_call / 1_000_000)",
            "回数について解きます: 730 * gpu_per_hour / (price_per_million * tokens_per_call / 1_000_000)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(lambda p, t, g: 730 * g / (p * t), "per million"),
        WrongAnswer(lambda p, t, g: g / (p * t / 1e6), "730 hours"),
        WrongAnswer(lambda p, t, g: (p * t / 1e6) / (730 * g), "upside down"),
    ),
)
