"""Lab 01, exercise ``mean_pool``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.classifier import mean_pool


def _with_padding(hidden, mask):
    return hidden.mean(dim=1)


def _wrong_divisor(hidden, mask):
    return (hidden * mask.unsqueeze(-1)).sum(dim=1) / hidden.shape[1]


def _first_token(hidden, mask):
    return hidden[:, 0]


def _sum_only(hidden, mask):
    return (hidden * mask.unsqueeze(-1)).sum(dim=1)


def _test_mean_pool(answer) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(2, 4, 3, generator=generator)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    got = answer(hidden.clone(), mask.clone())
    if same(got, _with_padding(hidden, mask)):
        raise Mistake(
            "padding is averaged in: a short text would change with its neighbours in the batch. Use the mask.",
            "パディングまで平均しています。短い文のベクトルが、同じバッチの他の文に左右されてしまいます。マスクを使ってください。",
        )
    if same(got, _wrong_divisor(hidden, mask)):
        raise Mistake(
            "you divide by the padded length: divide by the number of real tokens of each text.",
            "パディング込みの長さで割っています。文ごとの実際のトークン数で割ってください。",
        )
    if same(got, _first_token(hidden, mask)):
        raise Mistake(
            "that is the first token's vector ([CLS]), not the mean.",
            "それは先頭トークン（[CLS]）のベクトルで、平均ではありません。",
        )
    if same(got, _sum_only(hidden, mask)):
        raise Mistake(
            "that is the sum: longer texts would get longer vectors. Divide.",
            "それは和です。長い文ほどベクトルも長くなります。割り算をしてください。",
        )
    expect_close(
        got,
        mean_pool(hidden, mask),
        "not the mean over the real tokens.",
        "実際のトークンの平均になっていません。",
    )


EXERCISE = Exercise(
    name="mean_pool",
    prompt=Text(
        "Average the token vectors of each text, padding left out. hidden (batch, tokens, width), mask (batch, tokens) of 0/1 → (batch, width).",
        "パディングを除いて、文ごとにトークンのベクトルを平均してください。hidden (batch, tokens, width)、mask (batch, tokens) は 0/1 → (batch, width)。",
    ),
    reference=mean_pool,
    test=_test_mean_pool,
    hints=(
        Text(
            "What would happen to a short text in a batch with a long one if you used hidden.mean(1)?",
            "hidden.mean(1) を使うと、長い文と同じバッチに入った短い文はどうなるでしょうか。",
        ),
        Text(
            "mask.unsqueeze(-1) has shape (batch, tokens, 1): multiply by it, sum over dim=1, then divide.",
            "mask.unsqueeze(-1) の形は (batch, tokens, 1) です。掛けて dim=1 で足し、割ります。",
        ),
        Text(
            "(hidden * m).sum(1) / m.sum(1), with m = mask.unsqueeze(-1)",
            "m = mask.unsqueeze(-1) として (hidden * m).sum(1) / m.sum(1)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_with_padding, "padding is averaged in"),
        WrongAnswer(_wrong_divisor, "padded length"),
        WrongAnswer(_first_token, "first token"),
        WrongAnswer(_sum_only, "that is the sum"),
    ),
)
