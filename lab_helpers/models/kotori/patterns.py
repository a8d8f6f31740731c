"""Few-shot patterns and lists: texts whose form must be picked up from the examples before."""

import json
from random import Random

from lab_helpers.models.kotori import facts, passages, prose, values
from lab_helpers.models.kotori.documents import ASSISTANT, END, USER, CorpusText
from lab_helpers.models.kotori.facts import LABELS, line_answer

_ARROWS = (" -> ", " = ", ": ", " → ")


def relation_by_example(language: str, rng: Random) -> CorpusText:
    """Three to seven pairs of one relation, in a form that only the examples show."""
    relation = facts.draw(language, rng)
    pairs = rng.sample(relation.pairs, min(len(relation.pairs), rng.randint(3, 7)))
    page = CorpusText("few_shot", language)
    if rng.random() < 0.5:
        arrow = rng.choice(_ARROWS)
        return page.add("\n".join(f"{a}{arrow}{b}" for a, b in pairs))
    for a, b in pairs:
        page.turn(a, b)
    return page


def form_by_example(language: str, rng: Random) -> CorpusText:
    """Invented words, each answered in one form that only the examples show.

    The parts of the form are invented as well and carry no loss the first time.
    """
    page = CorpusText("few_shot", language)
    head, tail = values.invented_name(language, rng), values.invented_name(language, rng)
    form = rng.choice(("{tail} {word}", "{word} {tail}", "{word} {word}", "{head} {word} {tail}"))
    arrow, as_exchange = rng.choice(_ARROWS), rng.random() < 0.3
    for count in range(rng.randint(4, 8)):
        word = values.invented_name(language, rng)
        reply = form.format(word=word, head=head, tail=tail)
        if as_exchange:
            page.add(USER).hush(word).add(f"{END}\n{ASSISTANT}")
        else:
            page.hush(word).add(arrow.rstrip())
            reply = (" " if arrow.endswith(" ") else "") + reply
        page.hush(reply) if count == 0 else page.answer(reply)
        page.add(f"{END}\n" if as_exchange else "\n")
    return page


def style_by_example(language: str, rng: Random) -> CorpusText:
    """Exchanges whose answers all open and close with the same words, drawn anew for each text.

    The words of the first answer carry no loss: nothing announces them.
    """
    page = CorpusText("few_shot_style", language)
    opening, closing = _flourish(language, rng), _flourish(language, rng)
    if rng.random() < 0.3:
        opening = ""
    elif rng.random() < 0.3:
        closing = ""
    gap = " " if language == "en" else ""
    for turn in range(rng.randint(2, 5)):
        user, answer = prose.exchange(language, rng)
        page.add(f"{USER}{user}{END}\n{ASSISTANT}")
        follow = page.hush if turn == 0 else page.answer
        follow(opening)
        page.add((gap if opening else "") + answer)
        follow(gap + closing if closing else "")
        page.add(f"{END}\n")
    return page


def _flourish(language: str, rng: Random) -> str:
    """A short sentence that has nothing to do with the matter."""
    for _ in range(20):
        source = prose.sentence if rng.random() < 0.7 else lambda *args: prose.opinion(*args)[0]
        text = source(language, rng)
        stop = "。" if language == "ja" else "."
        short = text.split(stop)[0] + stop
        if 4 <= len(short) <= (30 if language == "ja" else 60):
            return short
    return values.invented_name(language, rng) + "."


def opinions_by_example(language: str, rng: Random) -> CorpusText:
    """Opinions with their labels as exchanges."""
    page = CorpusText("few_shot", language)
    for _ in range(rng.randint(3, 6)):
        page.turn(*prose.opinion(language, rng))
    return page


def json_by_example(language: str, rng: Random) -> CorpusText:
    """A record and the same as a JSON object, two to four times with the same keys."""
    page = CorpusText("json", language)
    keys = {"en": ("name", "value"), "ja": ("名前", "値")}[language]
    for _ in range(rng.randint(2, 4)):
        (record,) = passages.records(language, rng, 1)
        data = json.dumps(
            dict(zip(keys, (record.subject, record.answer), strict=True)), ensure_ascii=False
        )
        page.turn(record.statement, data, (record.subject, record.answer))
    return page


def listing(language: str, rng: Random) -> CorpusText:
    """A list of things of one kind, some of it said twice."""
    kind = rng.choice(("thing", "food", "animal", "colour", "material", "first_name", "place"))
    items = [values.value(kind, language, rng) for _ in range(rng.randint(3, 9))]
    page = CorpusText("lists", language)
    if language == "ja":
        page.hush("、".join(items)).add("。\nもう一度:" + "、".join(items) + "。")
        return page.add(f"\n最初:{items[0]}\n最後:{items[-1]}")
    page.hush(", ".join(items)).add(".\nAgain: " + ", ".join(items) + ".")
    return page.add(f"\nFirst: {items[0]}\nLast: {items[-1]}")


def arithmetic(language: str, rng: Random) -> CorpusText:
    """Sums, differences and products of small numbers, bare or in a sentence."""
    page = CorpusText("arithmetic", language)
    ask, answer = LABELS[language]
    for _ in range(rng.randint(3, 8)):
        a, b = rng.randrange(0, 21), rng.randrange(0, 21)
        sign = rng.choice("+-×")
        if sign == "-":
            a, b = max(a, b), min(a, b)
        if sign == "×":
            a, b = 2 + a % 8, 2 + b % 8
        result = {"+": a + b, "-": a - b, "×": a * b}[sign]
        style = rng.random()
        if style < 0.5:
            page.add(f"{a} {sign} {b} = {result}\n")
        elif style < 0.75:
            page.add(f"{ask}{a} {sign} {b}\n{answer}").answer(line_answer(str(result), language))
        else:
            page.add(_word_problem(language, sign, a, b, result, rng))
            page.answer(f"#### {result}\n")
    return page


def _word_problem(language: str, sign: str, a: int, b: int, result: int, rng: Random) -> str:
    name, thing = values.value("first_name", language, rng), values.value("food", language, rng)
    story = {
        "en": {
            "+": f"{name} has {a} points and gets {b} more. {a} + {b} = {result}. Now {name} has {result} points.\n",
            "-": f"{name} has {a} coins and gives away {b}. {a} - {b} = {result}. {result} coins are left.\n",
            "×": f"There are {a} boxes of {thing} with {b} pieces each. {a} × {b} = {result}. That makes {result} pieces.\n",
        },
        "ja": {
            "+": f"{name}は{a}点持っていて、さらに{b}点もらいました。{a} + {b} = {result}。全部で{result}点です。\n",
            "-": f"{name}は{a}枚持っていて、{b}枚あげました。{a} - {b} = {result}。残りは{result}枚です。\n",
            "×": f"{thing}の箱が{a}個あり、{b}個ずつ入っています。{a} × {b} = {result}。全部で{result}個です。\n",
        },
    }
    return story[language][sign]
