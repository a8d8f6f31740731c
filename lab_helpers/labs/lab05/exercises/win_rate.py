"""Lab 05, exercise ``win_rate``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.evaluation.win_rate import win_rate
from lab_helpers.runtime.language import Text


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


EXERCISE = Exercise(
    name="win_rate",
    prompt=Text(
        "judge(prompt, first, second) is the chance that the first reply is better. Ask it in both orders: agreement is a win (1) or a loss (0), contradiction a tie (0.5). Return the mean.",
        "judge(prompt, first, second) は、1 番目の回答のほうが良い確率を返します。順番を入れ替えて 2 回聞き、一致すれば勝ち（1）か負け（0）、食い違えば引き分け（0.5）とします。平均を返してください。",
    ),
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
)
