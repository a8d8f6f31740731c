"""Lab 06, exercise ``extract_answer``: planted wrong answers, check, hints."""

import re

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.evaluation.benchmarks.numbers import extract_answer
from lab_helpers.runtime.language import Text

_NUMBER = r"-?\d[\d,]*(?:\.\d+)?"


def _first_number(reply):
    numbers = re.findall(_NUMBER, reply)
    return numbers[0].replace(",", "") if numbers else None


def _marker_ignored(reply):
    numbers = re.findall(_NUMBER, reply)
    return numbers[-1].replace(",", "") if numbers else None


def _marker_only(reply):
    marked = re.search(rf"#### ({_NUMBER})", reply)
    return marked.group(1).replace(",", "") if marked else None


def _commas_kept(reply):
    marked = re.search(rf"#### ({_NUMBER})", reply)
    numbers = re.findall(_NUMBER, reply)
    return marked.group(1) if marked else numbers[-1] if numbers else None


def _cut_at_comma(reply):
    marked = re.search(r"#### (-?\d+)", reply)
    numbers = re.findall(r"-?\d+", reply)
    return marked.group(1) if marked else numbers[-1] if numbers else None


def _sign_lost(reply):
    found = extract_answer(reply)
    return found.lstrip("-") if found else found


def _decimals_lost(reply):
    found = extract_answer(reply)
    return found.split(".")[0] if found else found


def _as_float(reply):
    found = extract_answer(reply)
    return float(found) if found else found


def _empty_text(reply):
    return extract_answer(reply) or ""


def _no_number_crashes(reply):
    marked = re.search(rf"#### ({_NUMBER})", reply)
    return (marked.group(1) if marked else re.findall(_NUMBER, reply)[-1]).replace(",", "")


_REPLIES = (
    "One filter costs 1,450 yen, six cost 8700.\n#### 8,700",
    "12 + 5 = 17 stickers.\n#### 17\nQuestion: Tom has 4 pens and",
    "She pays 3 times 20, so she pays 60 yen.",
    "It falls to 3 - 8 = -5 degrees.\n#### -5",
    "Half of 5 litres are 2.5 litres",
    "In all 118,000 yen",
    "答えは46個です。",
)


def _test_extract_answer(answer) -> None:
    got = [answer(reply) for reply in _REPLIES]
    wanted = [extract_answer(reply) for reply in _REPLIES]
    fingerprints = (
        (
            _first_number,
            "you take the *first* number; a solution ends in its answer, after '#### ' or at least last.",
            "「最初の」数を取っています。答えは解き方の終わり、つまり '#### ' の後ろか、いちばん最後にあります。",
        ),
        (
            _marker_ignored,
            "after '#### 17' this model went on to invent another question, and you took a number from that. What follows '#### ' comes first.",
            "'#### 17' のあと、モデルは次の問題まで作り出しています。そこから数を取ってしまいました。'#### ' の直後を優先してください。",
        ),
        (
            _marker_only,
            "a reply without '#### ' has an answer too: fall back on its last number. (Report both ways, as lm-eval does.)",
            "'#### ' のない回答にも答えはあります。そのときは最後の数を使ってください（lm-eval のように、両方の点数を示すのが親切です）。",
        ),
        (
            _commas_kept,
            "'8,700' and '8700' are the same number: take the commas out.",
            "'8,700' と '8700' は同じ数です。コンマを取り除いてください。",
        ),
        (
            _cut_at_comma,
            "'8,700' became '8' or '700': let the pattern run over commas and the decimal point.",
            "'8,700' が '8' や '700' に切れています。コンマと小数点もつながるパターンにしてください。",
        ),
        (
            _sign_lost,
            "the minus sign is gone: -5 degrees are not 5.",
            "マイナスが消えています。-5 度は 5 度ではありません。",
        ),
        (
            _decimals_lost,
            "2.5 became 2: keep what stands behind the point.",
            "2.5 が 2 になっています。小数点より後ろも残してください。",
        ),
        (
            _as_float,
            "return the number as text, as it was written without commas: '8700'. It is compared with text.",
            "数は、コンマを除いた文字列 '8700' のまま返してください。正解の文字列と比べるからです。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if got == [wrong(reply) for reply in _REPLIES] and _same_kinds(got, wrong):
            raise Mistake(en, ja)
    for reply, mine, right in zip(_REPLIES, got, wanted, strict=True):
        if mine != right:
            shown = reply.replace("\n", "⏎")
            raise Mistake(
                f"of “{shown}” you make {mine!r}; it is {right!r}.",
                f"「{shown}」から {mine!r} を取り出していますが、正しくは {right!r} です。",
            )
    _test_without_number(answer)


def _same_kinds(got, wrong) -> bool:
    """``8700.0 == 8700`` and the like must not hide which mistake it is."""
    return list(map(type, got)) == [type(wrong(reply)) for reply in _REPLIES]


def _test_without_number(answer) -> None:
    try:
        found = answer("I do not know.")
    except (IndexError, TypeError, AttributeError, ValueError):
        raise Mistake(
            "a reply without any number stops your code; return None.",
            "数が 1 つもない回答でエラーになります。None を返してください。",
        ) from None
    if found is not None:
        raise Mistake(
            f"a reply without any number has no answer: return None, not {found!r}.",
            f"数が 1 つもない回答に答えはありません。{found!r} ではなく None を返してください。",
        )


EXERCISE = Exercise(
    name="extract_answer",
    prompt=Text(
        "The answer of a GSM8K reply, as text without commas: the number after the first '#### ', else the last number of the reply, else None.",
        "GSM8K の回答から答えを取り出し、コンマのない文字列で返してください。最初の '#### ' の後ろの数、なければ回答の最後の数、数がなければ None です。",
    ),
    reference=extract_answer,
    test=_test_extract_answer,
    hints=(
        Text(
            "Look for the marker first. Only where it is missing does the last number count.",
            "まず目印の '#### ' を探します。見つからないときだけ、最後の数を使います。",
        ),
        Text(
            "re.search finds the first match, re.findall all of them. A number: r'-?\\d[\\d,]*(?:\\.\\d+)?'",
            "re.search は最初の一致を、re.findall はすべての一致を返します。数のパターンは r'-?\\d[\\d,]*(?:\\.\\d+)?' です。",
        ),
        Text(
            "m = re.search(r'#### (-?\\d[\\d,]*(?:\\.\\d+)?)', reply); if m: return m.group(1).replace(',', ''); then the same with findall and [-1]",
            "m = re.search(r'#### (-?\\d[\\d,]*(?:\\.\\d+)?)', reply); if m: return m.group(1).replace(',', '')。なければ findall の [-1] で同じことをします。",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_first_number, "the *first* number"),
        WrongAnswer(_marker_ignored, "invent another question"),
        WrongAnswer(_marker_only, "fall back on its last number"),
        WrongAnswer(_commas_kept, "take the commas out"),
        WrongAnswer(_cut_at_comma, "run over commas"),
        WrongAnswer(_sign_lost, "minus sign is gone"),
        WrongAnswer(_decimals_lost, "behind the point"),
        WrongAnswer(_as_float, "as text"),
        WrongAnswer(_empty_text, "return None, not"),
        WrongAnswer(_no_number_crashes, "stops your code"),
    ),
)
