"""Lab 06, exercise ``paired_interval``: planted wrong answers, check, hints."""

import numpy as np

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.evaluation.significance import paired_interval
from lab_helpers.runtime.language import Text


def _separate(ours, theirs, draws):
    a, b = (np.percentile(scores[draws].mean(axis=1), [2.5, 97.5]) for scores in (ours, theirs))
    return np.array([a[0] - b[1], a[1] - b[0]])


def _not_paired(ours, theirs, draws):
    means = ours[draws].mean(axis=1) - theirs[draws[::-1]].mean(axis=1)
    return np.percentile(means, [2.5, 97.5])


def _no_resampling(ours, theirs, draws):
    return np.percentile(ours - theirs, [2.5, 97.5])


def _other_axis(ours, theirs, draws):
    return np.percentile((ours - theirs)[draws].mean(axis=0), [2.5, 97.5])


def _ninety(ours, theirs, draws):
    return np.percentile((ours - theirs)[draws].mean(axis=1), [5, 95])


def _range(ours, theirs, draws):
    means = (ours - theirs)[draws].mean(axis=1)
    return np.array([means.min(), means.max()])


def _fractions(ours, theirs, draws):
    return np.percentile((ours - theirs)[draws].mean(axis=1), [0.025, 0.975])


def _turned(ours, theirs, draws):
    return paired_interval(theirs, ours, draws)


def _test_paired_interval(answer) -> None:
    """Two systems whose scores rise and fall together: 40 hard and easy items, ours a little better."""
    rng = np.random.default_rng(6)
    ease = rng.random(40)
    ours, theirs = ease + 0.1 + 0.1 * rng.random(40), ease + 0.15 * rng.random(40)
    draws = rng.integers(0, 40, (500, 40))
    got = answer(ours.copy(), theirs.copy(), draws.copy())
    fingerprints = (
        (
            _separate,
            "two intervals, one a system, then subtracted: that forgets that hard items are hard for both. Take the difference of each item first.",
            "システムごとに区間を求めてから引いています。難しい問題は両方にとって難しい、ということが失われます。先に問題ごとの差を取ってください。",
        ),
        (
            _not_paired,
            "the two systems are scored on different draws: use the *same* items for both, in each resample.",
            "2 つのシステムを別々の標本で採点しています。標本ごとに、「同じ」問題を両方に使ってください。",
        ),
        (
            _no_resampling,
            "these are percentiles of the items themselves; the interval is that of the *mean*, over the resamples in `draws`.",
            "それは個々の問題の差のパーセンタイルです。求めるのは、`draws` の標本ごとの「平均」の区間です。",
        ),
        (
            _other_axis,
            "the mean runs over the wrong axis: each *row* of draws is one resample, so mean(axis=1).",
            "平均を取る軸が違います。draws の 1「行」が 1 つの標本なので、mean(axis=1) です。",
        ),
        (
            _ninety,
            "5 and 95 cut off a tenth in all: that is a 90 % interval.",
            "5 と 95 では合わせて 1 割を切り捨てるので、90 % 区間になります。",
        ),
        (
            _range,
            "smallest and largest of the resamples: they grow with their number. Cut off 2.5 % on each side.",
            "標本平均の最小値と最大値では、標本を増やすほど区間が広がります。両側を 2.5 % ずつ切り捨ててください。",
        ),
        (
            _fractions,
            "np.percentile counts from 0 to 100: 0.025 is a fortieth of one percent.",
            "np.percentile は 0 から 100 で指定します。0.025 は 0.025 % の意味になります。",
        ),
        (
            _turned,
            "the sign is turned: ours minus theirs is positive where ours is better.",
            "符号が逆です。こちらが優れているときに正になるよう、ours から theirs を引いてください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(ours, theirs, draws)):
            raise Mistake(en, ja)
    expect_close(
        got,
        paired_interval(ours, theirs, draws),
        "not the 2.5th and 97.5th percentile of the mean differences, one for each row of draws.",
        "draws の行ごとに差の平均を求め、その 2.5 と 97.5 パーセンタイルを取ったものになっていません。",
    )


EXERCISE = Exercise(
    name="paired_interval",
    prompt=Text(
        "The 95 % interval of the mean difference ours - theirs by paired bootstrap. ours, theirs: scores of the same n items, arrays (n,); draws: which items each resample takes, (resamples, n) → [low, high].",
        "平均の差 ours - theirs の 95 % 区間を、対応のあるブートストラップで求めてください。ours と theirs は同じ n 問の得点 (n,)、draws は各標本で使う問題の番号 (resamples, n) です → [下限, 上限]。",
    ),
    reference=paired_interval,
    test=_test_paired_interval,
    hints=(
        Text(
            "Both systems answered the same items. What single number does each item give?",
            "どちらのシステムも同じ問題に答えています。問題 1 つにつき、どんな数が 1 つ得られますか。",
        ),
        Text(
            "differences[draws] has the shape of draws: a resample in each row. Take the mean of every row.",
            "differences[draws] は draws と同じ形になり、1 行が 1 つの標本です。行ごとに平均を取ります。",
        ),
        Text(
            "return np.percentile((ours - theirs)[draws].mean(axis=1), [2.5, 97.5])",
            "return np.percentile((ours - theirs)[draws].mean(axis=1), [2.5, 97.5])",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_separate, "hard for both"),
        WrongAnswer(_not_paired, "different draws"),
        WrongAnswer(_no_resampling, "items themselves"),
        WrongAnswer(_other_axis, "wrong axis"),
        WrongAnswer(_ninety, "90 % interval"),
        WrongAnswer(_range, "smallest and largest"),
        WrongAnswer(_fractions, "from 0 to 100"),
        WrongAnswer(_turned, "sign is turned"),
    ),
)
