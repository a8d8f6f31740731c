"""Lab 06, exercise ``position_swapped``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.evaluation.win_rate import position_swapped
from lab_helpers.runtime.language import Text


def _verdict(first, second):
    """From whether the judge chose us in each order: True, False, or None where it did not decide."""
    return 0.5 if first is None or first != second else float(first)


def _chose_us(chance, ours_first=True):
    return None if chance == 0.5 else (chance > 0.5) == ours_first


def _one_order(judge, prompt, ours, theirs):
    first = _chose_us(judge(prompt, ours, theirs))
    return _verdict(first, first)


def _same_order_twice(judge, prompt, ours, theirs):
    first, second = (_chose_us(judge(prompt, ours, theirs)) for _ in range(2))
    return _verdict(first, second)


def _places_compared(judge, prompt, ours, theirs):
    first, second = judge(prompt, ours, theirs), judge(prompt, theirs, ours)
    return _verdict(_chose_us(first), _chose_us(second))


def _contradiction_lost(judge, prompt, ours, theirs):
    first, second = judge(prompt, ours, theirs), judge(prompt, theirs, ours)
    if first > 0.5 and second < 0.5:
        return 1.0
    return 0.5 if first == second == 0.5 else 0.0


def _half_is_enough(judge, prompt, ours, theirs):
    first, second = judge(prompt, ours, theirs), judge(prompt, theirs, ours)
    points = (first > 0.5) - (first < 0.5) + (second < 0.5) - (second > 0.5)
    return 1.0 if points > 0 else 0.0 if points < 0 else 0.5


def _averaged(judge, prompt, ours, theirs):
    return (judge(prompt, ours, theirs) + 1 - judge(prompt, theirs, ours)) / 2


def _turned(judge, prompt, ours, theirs):
    return 1.0 - position_swapped(judge, prompt, ours, theirs)


_OURS, _THEIRS = "our reply", "their reply"
_CHANCES = (0.9, 0.6, 0.5, 0.2)
_CASES = [(first, second) for first in _CHANCES for second in _CHANCES]


def _verdicts(function) -> list:
    """What ``function`` makes of each pair: the chance with our reply first, the chance with it second."""

    def judge_of(first, second):
        return lambda prompt, a, b: first if (a, b) == (_OURS, _THEIRS) else second

    return [function(judge_of(*case), "a question", _OURS, _THEIRS) for case in _CASES]


def _test_position_swapped(answer) -> None:
    got, wanted = _verdicts(answer), _verdicts(position_swapped)
    fingerprints = (
        (
            _places_compared,
            "twice above one half means that the judge took whatever stood first. After the swap, below one half is a vote for us.",
            "2 回とも 0.5 を超えるのは、先に置かれたほうを選んだだけです。入れ替えたあとは、0.5 未満がこちらへの票です。",
        ),
        (
            _contradiction_lost,
            "where the answers contradict each other you call it a loss: the judge saw no difference, a tie.",
            "答えが食い違ったときを負けにしています。差が見えていないということなので、引き分けです。",
        ),
        (
            _half_is_enough,
            "you let one vote and one 0.5 pass as a decision: only the same choice in *both* orders counts, anything else is a tie.",
            "片方が票、もう片方が 0.5 のときを勝ち負けにしています。「両方」の順番で同じほうが選ばれたときだけ勝ち負けとし、あとは引き分けです。",
        ),
        (
            _averaged,
            "you average the chances, so that a judge which is very sure of its favourite seat still moves the score. Count votes: 1, 0 or 0.5.",
            "確率を平均しています。これでは、好みの位置に強い自信をもつ審査員が点数を動かしてしまいます。票として数え、1、0、0.5 のどれかを返してください。",
        ),
        (
            _turned,
            "win and loss are exchanged: above one half while our reply stands first is a vote for us.",
            "勝ちと負けが逆です。こちらの回答が先にあるときに 0.5 を超えれば、こちらへの票です。",
        ),
    )
    if got == _verdicts(_one_order):
        # Asked once, or twice in the same order: only the number of questions tells them apart.
        asked = []

        def judge(*shown):
            asked.append(shown)
            return 0.9

        answer(judge, "a question", _OURS, _THEIRS)
        if len(asked) > 1:
            raise Mistake(
                "you ask twice in the same order: the second time the replies must change places.",
                "2 回とも同じ順番で聞いています。2 回目は回答を入れ替えてください。",
            )
        raise Mistake(
            "you ask in one order only: a judge that always prefers the first place would let you win everything.",
            "片方の順番でしか聞いていません。いつも先のほうを選ぶ審査員なら、全勝になってしまいます。",
        )
    for wrong, en, ja in fingerprints:
        if got == _verdicts(wrong):
            raise Mistake(en, ja)
    for (first, second), found, right in zip(_CASES, got, wanted, strict=True):
        if found != right:
            raise Mistake(
                f"where the judge says {first} with our reply first and {second} with it second, the verdict is {right}, not {found!r}.",
                f"こちらの回答が先のとき {first}、後のとき {second} なら、判定は {right} です（{found!r} ではありません）。",
            )


EXERCISE = Exercise(
    name="position_swapped",
    prompt=Text(
        "judge(prompt, first, second) is the chance that the first reply is better: above 0.5 a vote for it, below 0.5 for the second, exactly 0.5 no vote. Ask it in both orders. Return 1.0 where both votes are for ours, 0.0 where both are for theirs, otherwise 0.5, a tie.",
        "judge(prompt, first, second) は、1 番目の回答のほうが良い確率です。0.5 を超えれば 1 番目、下回れば 2 番目への票、ちょうど 0.5 なら票なしとします。順番を入れ替えて 2 回聞き、両方の票が ours なら 1.0、両方が theirs なら 0.0、それ以外は引き分けの 0.5 を返してください。",
    ),
    reference=position_swapped,
    test=_test_position_swapped,
    hints=(
        Text(
            "In which place does our reply stand in each of the two questions?",
            "2 回の質問のそれぞれで、こちらの回答は何番目にありますか。",
        ),
        Text(
            "We win with more than 0.5 the first time and less the second; we lose the other way round.",
            "1 回目が 0.5 より大きく 2 回目が小さければ勝ち、その逆なら負けです。",
        ),
        Text(
            "first, second = judge(prompt, ours, theirs), judge(prompt, theirs, ours); 1.0 if first > 0.5 > second, 0.0 if first < 0.5 < second, else 0.5",
            "first, second = judge(prompt, ours, theirs), judge(prompt, theirs, ours) とし、first > 0.5 > second なら 1.0、first < 0.5 < second なら 0.0、それ以外は 0.5 です。",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_one_order, "in one order only"),
        WrongAnswer(_same_order_twice, "twice in the same order"),
        WrongAnswer(_places_compared, "whatever stood first"),
        WrongAnswer(_contradiction_lost, "contradict each other"),
        WrongAnswer(_half_is_enough, "pass as a decision"),
        WrongAnswer(_averaged, "average the chances"),
        WrongAnswer(_turned, "win and loss are exchanged"),
    ),
)
