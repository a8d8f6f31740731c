"""Lab 00, exercise ``keeps_tone``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab00.scoring import keeps_tone
from lab_helpers.runtime.language import Text


def _anywhere(reply, opening, closing):
    return opening in reply and closing in reply and "!" not in reply


def _only_opening(reply, opening, closing):
    return reply.startswith(opening) and "!" not in reply


def _shouting(reply, opening, closing):
    return reply.startswith(opening) and reply.endswith(closing)


def _one_of_two(reply, opening, closing):
    return (reply.startswith(opening) or reply.endswith(closing)) and "!" not in reply


def _text(reply, opening, closing):
    return "yes" if keeps_tone(reply, opening, closing) else "no"


def _test_keeps_tone(answer) -> None:
    opening, closing = "Good day.", "Yours, the shop"
    cases = {
        "Good day. It costs 5 yen. Yours, the shop": True,
        "Good day. It costs 5 yen! Yours, the shop": False,
        "Good day. It costs 5 yen.": False,
        "It costs 5 yen. Yours, the shop": False,
        "Well. Good day. It costs 5 yen. Yours, the shop, tomorrow": False,
        "Bye.": False,
    }
    got = {reply: answer(reply, opening, closing) for reply in cases}
    if any(value not in (True, False) for value in got.values()):
        raise Mistake(
            "return True or False: the result is counted, so it must be a truth value.",
            "True か False を返してください。あとで数えるため、真偽値である必要があります。",
        )
    wrong = [reply for reply, right in cases.items() if bool(got[reply]) != right]
    if not wrong:
        return
    if {"Good day. It costs 5 yen.", "It costs 5 yen. Yours, the shop"} <= set(wrong):
        raise Mistake(
            "one of the two is enough for you: join opening and closing with `and`, not with `or`.",
            "どちらか一方で合格にしています。書き出しと結びは `or` ではなく `and` でつないでください。",
        )
    reasons = {
        "Good day. It costs 5 yen! Yours, the shop": (
            "a reply with an exclamation mark in the middle passes: the third rule is missing.",
            "途中に感嘆符がある回答が合格しています。3 つめのルールが抜けています。",
        ),
        "Well. Good day. It costs 5 yen. Yours, the shop, tomorrow": (
            "the words may not stand just anywhere: the reply must *start* and *end* with them.",
            "決まり文句がどこにあってもよいわけではありません。回答が*その言葉で始まり*、*終わる*必要があります。",
        ),
        "Good day. It costs 5 yen.": (
            "a reply without the closing passes.",
            "結びのない回答が合格しています。",
        ),
        "It costs 5 yen. Yours, the shop": (
            "a reply without the opening passes.",
            "書き出しのない回答が合格しています。",
        ),
    }
    for reply, reason in reasons.items():
        if reply in wrong:
            raise Mistake(*reason)
    raise Mistake(f"wrong for the reply: {wrong[0]}", f"次の回答で誤りがあります: {wrong[0]}")


EXERCISE = Exercise(
    name="keeps_tone",
    prompt=Text(
        "Does a reply keep the house tone: the right opening, the right closing, no exclamation mark in between?",
        "回答が会社の口調を守っているかを判定してください。決まった書き出し、決まった結び、あいだに感嘆符がないこと、の 3 つです。",
    ),
    reference=keeps_tone,
    test=_test_keeps_tone,
    hints=(
        Text(
            "Three questions, each with yes or no; all three must be yes.",
            "3 つの問いに、それぞれ「はい」か「いいえ」で答えます。すべて「はい」でなければなりません。",
        ),
        Text(
            "A string has .startswith(...) and .endswith(...); `in` finds a character anywhere.",
            "文字列には .startswith(...) と .endswith(...) があります。`in` は文字がどこにあっても見つけます。",
        ),
        Text(
            'reply.startswith(opening) and reply.endswith(closing) and "!" not in reply',
            'reply.startswith(opening) and reply.endswith(closing) and "!" not in reply',
        ),
    ),
    wrong_answers=(
        WrongAnswer(_anywhere, "*start* and *end*"),
        WrongAnswer(_only_opening, "without the closing"),
        WrongAnswer(_shouting, "exclamation mark"),
        WrongAnswer(_one_of_two, "one of the two is enough"),
        WrongAnswer(_text, "True or False"),
    ),
)
