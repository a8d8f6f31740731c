"""Lab 05, exercise ``reward_accuracy``: planted wrong answers, check, hints."""

import torch

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.preference_losses import reward_accuracy


def _accuracy_without_reference(chosen, rejected, ref_chosen, ref_rejected):
    return (chosen > rejected).float().mean()


def _accuracy_with_ties(chosen, rejected, ref_chosen, ref_rejected):
    return ((chosen - ref_chosen) >= (rejected - ref_rejected)).float().mean()


def _accuracy_reversed(chosen, rejected, ref_chosen, ref_rejected):
    return ((chosen - ref_chosen) < (rejected - ref_rejected)).float().mean()


def _accuracy_count(chosen, rejected, ref_chosen, ref_rejected):
    return ((chosen - ref_chosen) > (rejected - ref_rejected)).float().sum()


def _accuracy_chosen_up(chosen, rejected, ref_chosen, ref_rejected):
    return (chosen > ref_chosen).float().mean()


def _test_accuracy(answer) -> None:
    logps = [
        torch.tensor(values)
        for values in (
            [-28.0, -15.0, -21.0, -24.0, -14.0, -19.0, -25.0, -27.0, -11.0],
            [-5.0, -17.0, -20.0, -21.0, -17.0, -13.0, -7.0, -21.0, -22.0],
            [-31.0, -16.0, -20.0, -22.0, -11.0, -20.0, -21.0, -28.0, -8.0],
            [-6.0, -12.0, -17.0, -15.0, -12.0, -14.0, -2.0, -22.0, -24.0],
        )
    ]
    got = answer(*(value.clone() for value in logps))
    fingerprints = (
        (
            _accuracy_without_reference,
            "you compare log-probabilities; a reward is the log-probability *minus the reference's*.",
            "対数確率どうしを比べています。報酬は、そこから「参照モデルの対数確率を引いた」値です。",
        ),
        (
            _accuracy_with_ties,
            "a tie counts as success for you: before any training every pair is a tie, and the accuracy would be 1.",
            "同点まで成功に数えています。学習前はすべて同点なので、正解率が 1 になってしまいます。",
        ),
        (
            _accuracy_reversed,
            "this is the share of pairs where the *rejected* answer has the higher reward.",
            "それは「rejected」のほうが報酬の高いペアの割合です。",
        ),
        (
            _accuracy_count,
            "that is a count; return the share, between 0 and 1.",
            "それは個数です。0 から 1 までの割合を返してください。",
        ),
        (
            _accuracy_chosen_up,
            "you never look at the rejected answers: both may rise, or fall, together.",
            "rejected を一度も見ていません。両方がそろって上がることも、下がることもあります。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(*logps)):
            raise Mistake(en, ja)
    expect_close(
        got,
        reward_accuracy(*logps),
        "not the share of pairs whose chosen answer has the higher implicit reward.",
        "chosen のほうが暗黙の報酬の高いペアの割合になっていません。",
    )


EXERCISE = Exercise(
    name="reward_accuracy",
    prompt=Text(
        "The share of pairs whose chosen answer has the higher implicit reward. Four log-probabilities (n,) → a number.",
        "chosen のほうが暗黙の報酬が高いペアの割合を返してください。4 つの対数確率 (n,) → 1 つの数。",
    ),
    reference=reward_accuracy,
    test=_test_accuracy,
    hints=(
        Text(
            "The reward is β times log π - log π_ref. Does β matter for the order?",
            "報酬は log π - log π_ref の β 倍です。順序に β は関係するでしょうか。",
        ),
        Text(
            "Compare (chosen - ref_chosen) with (rejected - ref_rejected), strictly.",
            "(chosen - ref_chosen) と (rejected - ref_rejected) を、等号なしで比べます。",
        ),
        Text(
            "return ((chosen - ref_chosen) > (rejected - ref_rejected)).float().mean()",
            "return ((chosen - ref_chosen) > (rejected - ref_rejected)).float().mean()",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_accuracy_without_reference, "minus the reference's"),
        WrongAnswer(_accuracy_with_ties, "a tie counts as success"),
        WrongAnswer(_accuracy_reversed, "*rejected* answer has the higher"),
        WrongAnswer(_accuracy_count, "that is a count"),
        WrongAnswer(_accuracy_chosen_up, "never look at the rejected"),
    ),
)
