"""Lab 07, exercise ``choose_threshold``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.rag.answer import choose_threshold
from lab_helpers.runtime.language import Text


def _decided(threshold, scores, answerable):
    kept = [s >= threshold for s, right in zip(scores, answerable, strict=True) if right]
    refused = [s < threshold for s, right in zip(scores, answerable, strict=True) if not right]
    return threshold, sum(kept) / len(kept), sum(refused) / len(refused)


def _accuracy(scores, answerable):
    def right(threshold):
        return sum((s >= threshold) == bool(a) for s, a in zip(scores, answerable, strict=True))

    return _decided(max(sorted(scores), key=right), scores, answerable)


def _refuses_nothing(scores, answerable):
    lowest = min(s for s, a in zip(scores, answerable, strict=True) if a)
    return _decided(lowest, scores, answerable)


def _refuses_everything(scores, answerable):
    highest = max(s for s, a in zip(scores, answerable, strict=True) if not a)
    return _decided(highest + 1e-9, scores, answerable)


def _mean_score(scores, answerable):
    return _decided(sum(scores) / len(scores), scores, answerable)


def _wrong_way(scores, answerable):
    return tuple(choose_threshold(scores, [not a for a in answerable]))


def _threshold_only(scores, answerable):
    return choose_threshold(scores, answerable).value


def _shares_of_all(scores, answerable):
    value, kept, refused = choose_threshold(scores, answerable)
    share = sum(answerable) / len(answerable)
    return value, kept * share, refused * (1 - share)


_ANSWERABLE = [0.90, 0.85, 0.80, 0.75, 0.70, 0.62, 0.58, 0.45, 0.35, 0.30, 0.10]
_UNANSWERABLE = [0.55, 0.50, 0.25, 0.20, 0.72]
_SCORES = _ANSWERABLE + _UNANSWERABLE
_LABELS = [True] * len(_ANSWERABLE) + [False] * len(_UNANSWERABLE)


def _test(answer) -> None:
    got = answer(list(_SCORES), list(_LABELS))
    if not isinstance(got, tuple | list) or len(got) != 3:
        raise Mistake(
            "return three numbers: (threshold, share answered, share refused).",
            "（しきい値、答えた割合、差し控えた割合）の 3 つを返してください。",
        )
    threshold, kept, refused = map(float, got)
    _, true_kept, true_refused = _decided(threshold, _SCORES, _LABELS)
    best = choose_threshold(_SCORES, _LABELS)
    if abs(true_kept + true_refused - best.answered - best.abstained) < 1e-9:
        if abs(kept - true_kept) + abs(refused - true_refused) > 1e-6:
            raise Mistake(
                f"the threshold is right, the shares are not: {true_kept:.2f} of the answerable are answered and {true_refused:.2f} of the others refused. Each share is of its own kind.",
                f"しきい値は正しいのですが、割合が違います。答えのある質問の {true_kept:.2f} に答え、ない質問の {true_refused:.2f} で差し控えます。それぞれ、同じ種類の質問のなかでの割合です。",
            )
        return
    fingerprints = (
        (
            _accuracy,
            "you maximise plain accuracy: with eleven answerable questions for five unanswerable ones it pays to answer everything. Add the two rates instead.",
            "ただの正解率を最大にしています。答えのある質問 11 問に対して、ない質問は 5 問なので、何にでも答えるほうが得になります。2 つの率を足してください。",
        ),
        (
            _refuses_nothing,
            "no answerable question is refused, but hardly any other is either; weigh both rates.",
            "答えのある質問では一度も差し控えませんが、答えのない質問でもほとんど差し控えません。両方の率を見てください。",
        ),
        (
            _refuses_everything,
            "that lies above every unanswerable question; one outlier decides it. Weigh both rates.",
            "それは答えのない質問すべてより高く、外れ値 1 つで決まってしまいます。両方の率を見てください。",
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
        if abs(threshold - wrong(_SCORES, _LABELS)[0]) < 1e-6:
            raise Mistake(en, ja)
    raise Mistake(
        f"at {threshold} the two rates add up to {true_kept + true_refused:.2f}; {best.value:.2f} reaches {best.answered + best.abstained:.2f}.",
        f"{threshold} では 2 つの率の和が {true_kept + true_refused:.2f} です。{best.value:.2f} なら {best.answered + best.abstained:.2f} になります。",
    )


EXERCISE = Exercise(
    name="choose_threshold",
    prompt=Text(
        "scores: the best hit's score of each validation question; answerable: whether it has an answer. Answer at scores >= threshold. Find the threshold with the largest sum of two shares: of the answerable ones answered, of the others refused. Return (threshold, share answered, share refused).",
        "scores は検証用の質問ごとの最良のスコア、answerable は答えがあるかどうかです。スコア >= しきい値なら答えます。「答えのある質問に答えた割合」と「答えのない質問で差し控えた割合」の和が最大になるしきい値を探し、（しきい値、答えた割合、差し控えた割合）を返してください。",
    ),
    reference=choose_threshold,
    test=_test,
    hints=(
        Text("Try every score as a threshold.", "すべてのスコアを、しきい値として試します。"),
        Text(
            "Two rates, each over its own kind of question, then their sum.",
            "2 つの率を、それぞれの種類の質問について求め、足します。",
        ),
        Text(
            "tried = [(t, rate of s >= t among answerable, rate of s < t among the others) for t in scores]; max(tried, key=lambda one: one[1] + one[2])",
            "tried = [(t, 答えのある質問での s >= t の率, ない質問での s < t の率) for t in scores] とし、max(tried, key=lambda one: one[1] + one[2])",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_threshold_only, "return three numbers"),
        WrongAnswer(_shares_of_all, "of its own kind"),
        WrongAnswer(_accuracy, "plain accuracy"),
        WrongAnswer(_refuses_nothing, "no answerable question is refused"),
        WrongAnswer(_refuses_everything, "one outlier decides"),
        WrongAnswer(_mean_score, "the mean score"),
        WrongAnswer(_wrong_way, "answer below the threshold"),
    ),
)
