"""Lab 05: exercises on pairs and win rates, and all of the lab's in their order."""

import copy

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.course.exercises.lab05_losses import (
    DPO_LOSS,
    IPO_LOSS,
    REWARD_ACCURACY,
    SEQUENCE_LOGPS,
)
from lab_helpers.course.exercises.lab05_questions import PREDICTIONS, QUIZ
from lab_helpers.course.language import Text

__all__ = ["EXERCISES", "PREDICTIONS", "QUIZ"]

# --- length_matched ----------------------------------------------------------------------------


def length_matched(pairs, tolerance):
    kept = []
    for pair in pairs:
        sizes = sorted((len(pair["chosen"]), len(pair["rejected"])))
        if sizes[0] >= (1 - tolerance) * sizes[1]:
            kept.append(pair)
    return kept


def _matched_one_way(pairs, tolerance):
    return [p for p in pairs if len(p["chosen"]) <= (1 + tolerance) * len(p["rejected"])]


def _matched_fixed(pairs, tolerance):
    return [p for p in pairs if min(len(p["chosen"]), len(p["rejected"])) >= 0.9 * max(len(p["chosen"]), len(p["rejected"]))]  # fmt: skip


def _matched_characters(pairs, tolerance):
    return [p for p in pairs if abs(len(p["chosen"]) - len(p["rejected"])) <= 100 * tolerance]


def _matched_complement(pairs, tolerance):
    kept = length_matched(pairs, tolerance)
    return [pair for pair in pairs if pair not in kept]


def _matched_removes(pairs, tolerance):
    kept = length_matched(pairs, tolerance)
    pairs[:] = kept
    return kept


def _test_length_matched(answer) -> None:
    sizes = [(100, 95), (100, 60), (60, 100), (1000, 960), (20, 17), (50, 50), (10, 40), (100, 82)]
    pairs = [{"chosen": "a" * c, "rejected": "b" * r, "id": i} for i, (c, r) in enumerate(sizes)]
    given = copy.deepcopy(pairs)
    found = {tolerance: _ids(answer(given, tolerance)) for tolerance in (0.1, 0.2)}
    if given != pairs:
        raise Mistake(
            "the list you were given has lost pairs: they are needed for comparison. Return a new list.",
            "渡されたリストからペアが消えています。比較に使うので、新しいリストを返してください。",
        )
    wanted = {tolerance: _ids(length_matched(pairs, tolerance)) for tolerance in (0.1, 0.2)}
    if found == wanted:
        return
    fingerprints = (
        (
            _matched_one_way,
            "pairs whose *rejected* answer is far longer pass: that is a bias too, to the short side.",
            "「rejected」のほうがはるかに長いペアが通っています。それも偏りです(短いほうへの)。",
        ),
        (
            _matched_fixed,
            "the result does not change with `tolerance`: use the argument.",
            "`tolerance` を変えても結果が変わりません。引数を使ってください。",
        ),
        (
            _matched_characters,
            "you compare characters; 40 more are nothing for 1,000 and a lot for 20. Compare with the longer answer.",
            "文字数の差で比べています。40 文字は 1,000 文字なら誤差でも、20 文字なら大差です。長いほうに対する割合で比べてください。",
        ),
        (
            _matched_complement,
            "you kept the pairs that do *not* match.",
            "長さの「そろっていない」ペアが残っています。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if all(found[t] == _ids(wrong(copy.deepcopy(pairs), t)) for t in found):
            raise Mistake(en, ja)
    raise Mistake(
        f"for lengths {sizes} and a tolerance of 0.1 the pairs {wanted[0.1]} match, not {found[0.1]}.",
        f"長さが {sizes} で許容差 0.1 のとき、そろっているのは {wanted[0.1]} 番です({found[0.1]} ではありません)。",
    )


def _ids(pairs) -> list[int]:
    try:
        return [pair["id"] for pair in pairs]
    except (TypeError, KeyError):
        raise Mistake("return a list of the pairs.", "ペアのリストを返してください。") from None


# --- win_rate ----------------------------------------------------------------------------------


def win_rate(judge, prompts, ours, theirs):
    points = []
    for prompt, mine, other in zip(prompts, ours, theirs, strict=True):
        first = judge(prompt, mine, other) > 0.5
        second = judge(prompt, other, mine) < 0.5
        points.append(float(first) if first == second else 0.5)
    return sum(points) / len(points)


def _one_order(judge, prompts, ours, theirs):
    return sum(judge(p, a, b) > 0.5 for p, a, b in zip(prompts, ours, theirs, strict=True)) / len(ours)  # fmt: skip


def _ties_lost(judge, prompts, ours, theirs):
    both = [judge(p, a, b) > 0.5 and judge(p, b, a) < 0.5 for p, a, b in zip(prompts, ours, theirs, strict=True)]  # fmt: skip
    return sum(both) / len(both)


def _second_order_unread(judge, prompts, ours, theirs):
    points = []
    for prompt, mine, other in zip(prompts, ours, theirs, strict=True):
        first, second = judge(prompt, mine, other) > 0.5, judge(prompt, other, mine) > 0.5
        points.append(float(first) if first == second else 0.5)
    return sum(points) / len(points)


def _ties_left_out(judge, prompts, ours, theirs):
    points = []
    for prompt, mine, other in zip(prompts, ours, theirs, strict=True):
        first, second = judge(prompt, mine, other) > 0.5, judge(prompt, other, mine) < 0.5
        if first == second:
            points.append(float(first))
    return sum(points) / len(points)


def _wins_counted(judge, prompts, ours, theirs):
    return win_rate(judge, prompts, ours, theirs) * len(ours)


def _test_win_rate(answer) -> None:
    """A judge that likes length, and the first place where lengths are close: 4 wins, 1 loss, 2 ties."""

    def judge(prompt, first, second):
        gap = len(first) - len(second)
        return 0.9 if gap > 2 or abs(gap) <= 2 else 0.1

    prompts = [f"question {i}" for i in range(7)]
    ours = ["aaaaaa", "aaaaaaa", "aaaaaa", "a", "aa", "aaa", "aaaaaaaaa"]
    theirs = ["a", "aa", "b", "bbbbbb", "bbb", "bb", "b"]
    arguments = (judge, prompts, ours, theirs)
    got = answer(judge, list(prompts), list(ours), list(theirs))
    fingerprints = (
        (
            _one_order,
            "this judge likes whatever stands first; ask it in both orders.",
            "この審査員は先に見せた回答をひいきします。順番を入れ替えて、もう一度聞いてください。",
        ),
        (
            _ties_lost,
            "where the judge contradicts itself you count a loss; it is a tie, one half.",
            "審査員の答えが食い違ったときを負けに数えています。引き分け、つまり 0.5 です。",
        ),
        (
            _second_order_unread,
            "in the second order your reply stands second: a chance *below* 0.5 is then your win.",
            "入れ替えたあとは自分の回答が 2 番目です。確率が 0.5「未満」なら自分の勝ちです。",
        ),
        (
            _ties_left_out,
            "you left the ties out and divided by the rest; a tie counts one half.",
            "引き分けを除いた数で割っています。引き分けは 0.5 と数えます。",
        ),
        (
            _wins_counted,
            "that is a number of wins: divide by the number of prompts.",
            "それは勝ちの数です。プロンプトの数で割ってください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(*arguments)):
            raise Mistake(en, ja)
    expect_close(
        got,
        win_rate(*arguments),
        "a win is 1, a tie one half, a loss 0, and the rate is their mean.",
        "勝ちは 1、引き分けは 0.5、負けは 0 とし、その平均を返してください。",
    )


WIN_RATE = Exercise(
    name="win_rate",
    prompt=Text(
        "judge(prompt, first, second) is the chance that the first reply is better. Ask it in both orders: agreement is a win (1) or a loss (0), contradiction a tie (0.5). Return the mean.",
        "judge(prompt, first, second) は、1 番目の回答のほうが良い確率を返します。順番を入れ替えて 2 回聞き、一致すれば勝ち (1) か負け (0)、食い違えば引き分け (0.5) とします。平均を返してください。",
    ),
    stub="def win_rate(judge, prompts, ours, theirs):\n    ...",
    reference=win_rate,
    test=_test_win_rate,
    hints=(
        Text(
            "Two questions a prompt: judge(p, ours, theirs) and judge(p, theirs, ours).",
            "プロンプトごとに 2 回聞きます。judge(p, ours, theirs) と judge(p, theirs, ours) です。",
        ),
        Text(
            "We win the first if it is above 0.5, the second if it is below 0.5.",
            "1 回目は 0.5 より大きければ、2 回目は 0.5 より小さければ、こちらの勝ちです。",
        ),
        Text(
            "first = judge(p, a, b) > 0.5; second = judge(p, b, a) < 0.5; points.append(float(first) if first == second else 0.5)",
            "first = judge(p, a, b) > 0.5; second = judge(p, b, a) < 0.5; points.append(float(first) if first == second else 0.5)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_one_order, "ask it in both orders"),
        WrongAnswer(_ties_lost, "contradicts itself"),
        WrongAnswer(_second_order_unread, "stands second"),
        WrongAnswer(_ties_left_out, "left the ties out"),
        WrongAnswer(_wins_counted, "number of wins"),
    ),
    minutes=8,
)

LENGTH_MATCHED = Exercise(
    name="length_matched",
    prompt=Text(
        "Keep the pairs whose two answers differ in length by at most `tolerance` of the longer one. pairs: a list of {'chosen': text, 'rejected': text, …} → a new list.",
        "2 つの回答の長さの差が、長いほうの `tolerance` 以内に収まるペアを残してください。pairs は {'chosen': 文字列, 'rejected': 文字列, …} のリストです → 新しいリスト。",
    ),
    stub="def length_matched(pairs, tolerance):\n    ...",
    reference=length_matched,
    test=_test_length_matched,
    hints=(
        Text(
            "Either answer may be the longer one.",
            "どちらの回答が長いかは、ペアによって違います。",
        ),
        Text(
            "The shorter one must have at least (1 - tolerance) of the longer one's characters.",
            "短いほうの文字数が、長いほうの (1 - tolerance) 倍以上であればよいのです。",
        ),
        Text(
            "short, long = sorted((len(p['chosen']), len(p['rejected']))); keep p if short >= (1 - tolerance) * long",
            "short, long = sorted((len(p['chosen']), len(p['rejected']))) として、short >= (1 - tolerance) * long なら残します",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_matched_one_way, "to the short side"),
        WrongAnswer(_matched_fixed, "use the argument"),
        WrongAnswer(_matched_characters, "you compare characters"),
        WrongAnswer(_matched_complement, "do *not* match"),
        WrongAnswer(_matched_removes, "has lost pairs"),
    ),
    minutes=5,
)

EXERCISES = (SEQUENCE_LOGPS, DPO_LOSS, REWARD_ACCURACY, WIN_RATE, IPO_LOSS, LENGTH_MATCHED)
