"""Lab 06, exercise ``position_swapped``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab06.judges import position_swapped
from lab_helpers.runtime.language import Text


def _one_order(judge, prompt, ours, theirs):
    return {"A": "win", "B": "loss"}.get(judge(prompt, ours, theirs), "tie")


def _same_order_twice(judge, prompt, ours, theirs):
    first, second = judge(prompt, ours, theirs), judge(prompt, ours, theirs)
    return {"A": "win", "B": "loss"}.get(first, "tie") if first == second else "tie"


def _letters_compared(judge, prompt, ours, theirs):
    first, second = judge(prompt, ours, theirs), judge(prompt, theirs, ours)
    return {"A": "win", "B": "loss"}.get(first, "tie") if first == second else "tie"


def _contradiction_lost(judge, prompt, ours, theirs):
    first, second = judge(prompt, ours, theirs), judge(prompt, theirs, ours)
    if first == "A" and second == "B":
        return "win"
    return "tie" if first not in ("A", "B") and second not in ("A", "B") else "loss"


def _half_is_enough(judge, prompt, ours, theirs):
    first, second = judge(prompt, ours, theirs), judge(prompt, theirs, ours)
    points = (first == "A") - (first == "B") + (second == "B") - (second == "A")
    return "win" if points > 0 else "loss" if points < 0 else "tie"


def _unreadable_lost(judge, prompt, ours, theirs):
    first, second = judge(prompt, ours, theirs), judge(prompt, theirs, ours)
    if first == "A" and second == "B":
        return "win"
    return "loss" if first not in ("A", "C") and second not in ("B", "C") else "tie"


def _turned(judge, prompt, ours, theirs):
    found = position_swapped(judge, prompt, ours, theirs)
    return {"win": "loss", "loss": "win"}.get(found, "tie")


_OURS, _THEIRS = "our reply", "their reply"
_ANSWERS = ("A", "B", "C", "")
_CASES = [(first, second) for first in _ANSWERS for second in _ANSWERS]


def _verdicts(function) -> list:
    """What ``function`` makes of each pair: the answer with our reply first, the answer with it second."""

    def judge_of(first, second):
        return lambda prompt, a, b: first if (a, b) == (_OURS, _THEIRS) else second

    return [function(judge_of(*case), "a question", _OURS, _THEIRS) for case in _CASES]


def _test_position_swapped(answer) -> None:
    got, wanted = _verdicts(answer), _verdicts(position_swapped)
    fingerprints = (
        (
            _letters_compared,
            'you compare the letters: twice "A" means the judge took whatever stood first. After the swap your reply is B.',
            '文字どうしを比べています。2 回とも "A" なら、先に置かれたほうを選んだだけです。入れ替えたあと、自分の回答は B です。',
        ),
        (
            _contradiction_lost,
            "where the answers contradict each other you call it a loss: the judge saw no difference, a tie.",
            "答えが食い違ったときを負けにしています。差が見えていないということなので、引き分けです。",
        ),
        (
            _half_is_enough,
            'you let one win and one "C" pass as a win: only the same choice in *both* orders counts, anything else is a tie.',
            '片方が勝ちでもう片方が "C" のときを勝ちにしています。「両方」の順番で同じほうが選ばれたときだけ勝ち負けとし、あとは引き分けです。',
        ),
        (
            _unreadable_lost,
            "an unreadable answer became a loss: a judge that says neither A nor B has not decided.",
            "読み取れない答えが負けになっています。A とも B とも言わない審査員は、何も決めていません。",
        ),
        (
            _turned,
            'win and loss are exchanged: "A" while our reply stands first is a vote for us.',
            '勝ちと負けが逆です。こちらの回答が先にあるときの "A" は、こちらへの票です。',
        ),
    )
    if got == _verdicts(_one_order):
        # Asked once, or twice in the same order: only the number of questions tells them apart.
        asked = []

        def judge(*shown):
            asked.append(shown)
            return "A"

        answer(judge, "a question", _OURS, _THEIRS)
        if len(asked) > 1:
            raise Mistake(
                "you ask twice in the same order: the second time the replies must change places.",
                "2 回とも同じ順番で聞いています。2 回目は回答を入れ替えてください。",
            )
        raise Mistake(
            'you ask in one order only: a judge that always says "A" would let you win everything.',
            '片方の順番でしか聞いていません。いつも "A" と答える審査員なら、全勝になってしまいます。',
        )
    for wrong, en, ja in fingerprints:
        if got == _verdicts(wrong):
            raise Mistake(en, ja)
    for (first, second), found, right in zip(_CASES, got, wanted, strict=True):
        if found != right:
            raise Mistake(
                f"where the judge says {first!r} with our reply first and {second!r} with it second, the verdict is {right!r}, not {found!r}.",
                f"こちらの回答が先のとき {first!r}、後のとき {second!r} なら、判定は {right!r} です({found!r} ではありません)。",
            )


EXERCISE = Exercise(
    name="position_swapped",
    prompt=Text(
        'judge(prompt, first, second) says "A" (the first is better), "B" (the second) or something else (no decision). Ask it in both orders. Return "win" or "loss" where both answers choose the same reply, otherwise "tie".',
        'judge(prompt, first, second) は、1 番目が良ければ "A"、2 番目が良ければ "B"、決められなければそれ以外を返します。順番を入れ替えて 2 回聞き、同じ回答が 2 回選ばれたら "win"(こちらの勝ち)か "loss"(負け)、それ以外は "tie" を返してください。',
    ),
    reference=position_swapped,
    test=_test_position_swapped,
    hints=(
        Text(
            "Which letter is our reply in each of the two questions?",
            "2 回の質問のそれぞれで、こちらの回答はどちらの文字になりますか。",
        ),
        Text(
            'We win with "A" the first time and "B" the second; we lose with "B" and "A".',
            '1 回目が "A" で 2 回目が "B" なら勝ち、"B" と "A" なら負けです。',
        ),
        Text(
            'votes = judge(prompt, ours, theirs), judge(prompt, theirs, ours); return {("A", "B"): "win", ("B", "A"): "loss"}.get(votes, "tie")',
            'votes = judge(prompt, ours, theirs), judge(prompt, theirs, ours) とし、return {("A", "B"): "win", ("B", "A"): "loss"}.get(votes, "tie")',
        ),
    ),
    wrong_answers=(
        WrongAnswer(_one_order, "in one order only"),
        WrongAnswer(_same_order_twice, "twice in the same order"),
        WrongAnswer(_letters_compared, "compare the letters"),
        WrongAnswer(_contradiction_lost, "contradict each other"),
        WrongAnswer(_half_is_enough, "pass as a win"),
        WrongAnswer(_unreadable_lost, "unreadable answer"),
        WrongAnswer(_turned, "win and loss are exchanged"),
    ),
)
