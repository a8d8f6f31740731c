"""Lab 08, exercise ``is_behind``: planted wrong answers, check, hints."""

from statistics import mean, median

import numpy as np

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.sweep_pruning import is_behind


def _latest(seen, finished):
    step = max(seen)
    others = [losses[step] for losses in finished if step in losses]
    return bool(others) and seen[step] > median(others)


def _average(seen, finished):
    step = max(seen)
    others = [losses[step] for losses in finished if step in losses]
    return bool(others) and min(seen.values()) > mean(others)


def _their_best(seen, finished):
    return bool(finished) and min(seen.values()) > median(min(one.values()) for one in finished)


def _their_last(seen, finished):
    return bool(finished) and min(seen.values()) > median(one[max(one)] for one in finished)


def _best_of_all(seen, finished):
    step = max(seen)
    others = [losses[step] for losses in finished if step in losses]
    return bool(others) and min(seen.values()) > min(others)


def _upside_down(seen, finished):
    step = max(seen)
    others = [losses[step] for losses in finished if step in losses]
    return bool(others) and min(seen.values()) < median(others)


def _equal_too(seen, finished):
    step = max(seen)
    others = [losses[step] for losses in finished if step in losses]
    return bool(others) and min(seen.values()) >= median(others)


def _alone(seen, finished):
    step = max(seen)
    others = [losses[step] for losses in finished if step in losses]
    return not others or min(seen.values()) > median(others)


_FINISHED = [
    {10: 5.0, 20: 2.0, 30: 1.0},
    {10: 6.0, 20: 3.0, 30: 2.5},
    {10: 7.0, 20: 9.0, 30: 8.0},
]
_WORSE_LATER = [{10: 5.0, 20: 9.0}, {10: 6.0, 20: 9.0}, {10: 7.0, 20: 9.0}]
# What the trial has seen, what has finished, the mistake that decides otherwise there, and what it is called.
_CASES: tuple = (
    ({10: 4.0}, [], _alone, "with nothing to compare with nobody is behind: return False.",
     "比べる相手がないときは、遅れているとは言えません。False を返してください。"),
    ({10: 9.0}, _FINISHED, _upside_down, "losses are better when small: behind is who lies *above* the median.",
     "損失は小さいほど良い値です。遅れているのは、中央値より*上*にいる試行です。"),
    ({10: 5.5, 20: 2.5}, _FINISHED, _best_of_all, "you compare with the best of the others; the rule takes their median.",
     "ほかの試行の最良の値と比べています。この規則では中央値と比べます。"),
    ({10: 2.5, 20: 4.0}, _FINISHED, _latest, "compare the *best* loss so far, not the latest: losses go up and down.",
     "比べるのは最新の損失ではなく、それまでの*最良*の損失です。損失は上下するからです。"),
    ({10: 6.5, 20: 4.0}, _FINISHED, _average, "that is the mean; one trial that blew up would drag it along. Take the median.",
     "それは平均です。発散した試行が 1 つあるだけで引きずられます。中央値を使ってください。"),
    ({10: 6.0}, _WORSE_LATER, _equal_too, "who is level with the median is not behind: > and not >=.",
     "中央値と等しいなら、遅れてはいません。>= ではなく > です。"),
    ({10: 6.5}, _WORSE_LATER, _their_last, "compare at the *same step*: you take the others' last loss.",
     "比べるのは*同じステップ*です。ほかの試行の最後の損失を使っています。"),
    ({10: 6.0}, _FINISHED, _their_best, "compare at the *same step*: you take the others' best of all their steps.",
     "比べるのは*同じステップ*です。ほかの試行の、全ステップでの最良の値を使っています。"),
    ({10: 5.0, 40: 4.0}, _FINISHED, None, "who has stopped before this step has no loss there: leave it out.",
     "このステップより前に終わった試行には、比べる損失がありません。除いてください。"),
)  # fmt: skip


def _test_behind(answer) -> None:
    for seen, finished, _, en, ja in _CASES:
        expected = is_behind(dict(seen), [dict(one) for one in finished])
        got = answer(dict(seen), [dict(one) for one in finished])
        if not isinstance(got, bool | np.bool_):
            raise Mistake(
                f"return True or False, not {got!r}.",
                f"True か False を返してください（{got!r} が返りました）。",
            )
        if got != expected:
            raise Mistake(en, ja)


EXERCISE = Exercise(
    name="is_behind",
    prompt=Text(
        "seen is {step: validation loss} of the running trial, finished a list of the same of the finished ones (which may have fewer steps). Return True if the best loss in seen is above the median of the losses that the finished trials had at the latest step of seen; False otherwise, and where no finished trial has that step. Example: is_behind({10: 9.0}, [{10: 5.0}, {10: 6.0}, {10: 7.0}]) is True.",
        "seen は実行中の試行の {ステップ: 検証データの損失}、finished は完了した試行の同じ形のもののリストです（ステップが少ないものもあります）。seen の中で最良の損失が、seen の最新ステップでの完了した試行の損失の中央値より大きければ True、そうでなければ False を返します。そのステップのある完了した試行がないときも False です。例: is_behind({10: 9.0}, [{10: 5.0}, {10: 6.0}, {10: 7.0}]) は True。",
    ),
    reference=is_behind,
    test=_test_behind,
    hints=(
        Text(
            "Two numbers are compared: one from seen, one from the others.",
            "比べる数は 2 つです。1 つは seen から、もう 1 つはほかの試行から取ります。",
        ),
        Text(
            "The latest step is max(seen); the best loss is min(seen.values()); not every finished trial has that step.",
            "最新のステップは max(seen)、最良の損失は min(seen.values()) です。どの完了した試行にもそのステップがあるとは限りません。",
        ),
        Text(
            "others = [losses[max(seen)] for losses in finished if max(seen) in losses]; return bool(others) and min(seen.values()) > statistics.median(others)",
            "others = [losses[max(seen)] for losses in finished if max(seen) in losses]; return bool(others) and min(seen.values()) > statistics.median(others)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_alone, "nothing to compare with"),
        WrongAnswer(_upside_down, "above* the median"),
        WrongAnswer(_latest, "not the latest"),
        WrongAnswer(_average, "that is the mean"),
        WrongAnswer(_equal_too, "not >="),
        WrongAnswer(_best_of_all, "best of the others"),
        WrongAnswer(_their_best, "best of all their steps"),
        WrongAnswer(_their_last, "others' last loss"),
        WrongAnswer(lambda seen, finished: min(seen.values()), "True or False"),
    ),
)
