"""Lab 07, exercise ``abstain_threshold``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab07.scores import abstain_threshold
from lab_helpers.runtime.language import Text


def _accuracy(scores, answerable):
    def right(threshold):
        return sum((s >= threshold) == bool(a) for s, a in zip(scores, answerable, strict=True))

    return max(sorted(scores), key=right)


def _refuses_nothing(scores, answerable):
    return min(s for s, a in zip(scores, answerable, strict=True) if a)


def _refuses_everything(scores, answerable):
    return max(s for s, a in zip(scores, answerable, strict=True) if not a)


def _mean_score(scores, answerable):
    return sum(scores) / len(scores)


def _wrong_way(scores, answerable):
    return abstain_threshold(scores, [not a for a in answerable])


_ANSWERABLE = [0.90, 0.85, 0.80, 0.75, 0.70, 0.62, 0.58, 0.45, 0.35, 0.30, 0.10]
_UNANSWERABLE = [0.55, 0.50, 0.25, 0.20, 0.72]
_SCORES = _ANSWERABLE + _UNANSWERABLE
_LABELS = [True] * len(_ANSWERABLE) + [False] * len(_UNANSWERABLE)


def _test(answer) -> None:
    got = answer(list(_SCORES), list(_LABELS))
    if not isinstance(got, int | float):
        raise Mistake(
            "return one of the scores, a number.", "スコアの 1 つ（数）を返してください。"
        )
    wanted = abstain_threshold(_SCORES, _LABELS)
    if abs(got - wanted) < 1e-9:
        return
    fingerprints = (
        (
            _accuracy,
            "you maximise plain accuracy: with eleven answerable questions for five unanswerable ones it pays to answer everything. Average the two rates.",
            "ただの正解率を最大にしています。答えのある質問 11 問に対して、ない質問は 5 問なので、何にでも答えるほうが得になります。2 つの率を平均してください。",
        ),
        (
            _refuses_nothing,
            "no answerable question is refused, but hardly any other is either; weigh both rates.",
            "答えのある質問では一度も差し控えませんが、答えのない質問でもほとんど差し控えません。両方の率を見てください。",
        ),
        (
            _refuses_everything,
            "that is the highest score of an unanswerable question; one outlier decides it. Weigh both rates.",
            "それは答えのない質問の最高スコアで、外れ値 1 つで決まってしまいます。両方の率を見てください。",
        ),
        (
            _mean_score,
            "that is the mean score: it does not look at the labels.",
            "それはスコアの平均です。ラベルを見ていません。",
        ),
        (
            _wrong_way,
            "you answer below the threshold: high scores mean a good hit.",
            "しきい値より下で答えています。スコアが高いほど、質問によく合っています。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if abs(got - wrong(_SCORES, _LABELS)) < 1e-9:
            raise Mistake(en, ja)
    raise Mistake(
        f"the best of these scores is {wanted}, not {got}.",
        f"最良のしきい値は {wanted} です（{got} ではありません）。",
    )


EXERCISE = Exercise(
    name="abstain_threshold",
    prompt=Text(
        "scores: the best hit's score of each validation question; answerable: whether it has an answer. Answer at scores >= threshold. Return the score that makes (share of answerable ones answered + share of the others refused) largest as threshold.",
        "scores は検証用の質問ごとの最良のスコア、answerable は答えがあるかどうかです。スコア >= しきい値なら答えます。「答えのある質問に答えた割合 + 答えのない質問を見送った割合」が最大になるしきい値を、scores の中から選んで返してください。",
    ),
    reference=abstain_threshold,
    test=_test,
    hints=(
        Text("Try every score as a threshold.", "すべてのスコアを、しきい値として試します。"),
        Text(
            "Two rates, each over its own kind of question, then their sum.",
            "2 つの率を、それぞれの種類の質問について求め、足します。",
        ),
        Text(
            "max(sorted(scores), key=balanced), with balanced(t) = rate of s >= t among answerable + rate of s < t among the others",
            "balanced(t) =（答えのある質問での s >= t の率 + ない質問での s < t の率）とし、max(sorted(scores), key=balanced)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_accuracy, "plain accuracy"),
        WrongAnswer(_refuses_nothing, "no answerable question is refused"),
        WrongAnswer(_refuses_everything, "one outlier decides"),
        WrongAnswer(_mean_score, "the mean score"),
        WrongAnswer(_wrong_way, "answer below the threshold"),
    ),
)
