"""Lab 07, exercise ``unsupported_numbers``: planted wrong answers, check, hints."""

import re

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.evaluation.hallucination import canonical_numbers, unsupported_numbers
from lab_helpers.runtime.language import Text

_CITED = re.compile(r"\[[\d,\s]+\]")


def _plain(reply):
    return canonical_numbers(_CITED.sub(" ", reply))


def _citations_counted(reply, sources):
    return canonical_numbers(reply) - {n for one in sources for n in canonical_numbers(one)}


def _must_be_in_all(reply, sources):
    in_all = set.intersection(*(canonical_numbers(one) for one in sources)) if sources else set()
    return _plain(reply) - in_all


def _supported(reply, sources):
    return _plain(reply) - unsupported_numbers(reply, sources)


def _as_written(reply, sources):
    def written(text):
        return set(re.findall(r"\d[\d,.]*", text))

    return written(_CITED.sub(" ", reply)) - {n for one in sources for n in written(one)}


def _inside_others(reply, sources):
    whole = " ".join(sources).replace(",", "")
    return {number for number in _plain(reply) if number not in whole}


_REPLY = "It weighs 47 kg and costs 118000 yen [1]; the warranty is 3 years, the cup 8 litres."
_SOURCES = ["It is sold for 118,000 yen. The machine weighs 47 kg and takes 38 litres.", "How heavy is it after 3 years?"]  # fmt: skip


def _test(answer) -> None:
    got = answer(_REPLY, list(_SOURCES))
    try:
        got = set(got)
    except TypeError:
        raise Mistake("return a set of numbers.", "数の集合を返してください。") from None
    fingerprints = (
        (
            _citations_counted,
            "[1] names a source, it is no number of the reply: take such marks out first.",
            "[1] は出典の印で、回答の数字ではありません。先に取り除いてください。",
        ),
        (
            _must_be_in_all,
            "a number is supported if any source holds it; you ask for all of them.",
            "どれか 1 つの資料にあれば裏づけがあります。すべての資料にあることを求めています。",
        ),
        (
            _supported,
            "those are the numbers that do stand in a source: return the others.",
            "それは資料にある数字です。ないほうを返してください。",
        ),
        (
            _as_written,
            "118000 and 118,000 are the same number: compare what canonical_numbers gives.",
            "118000 と 118,000 は同じ数です。canonical_numbers の結果どうしを比べてください。",
        ),
        (
            _inside_others,
            "8 stands inside 38, but it is another number: compare whole numbers, not letters.",
            "8 は 38 の中の文字ですが、別の数です。文字ではなく、数どうしを比べてください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if got == wrong(_REPLY, _SOURCES):
            raise Mistake(en, ja)
    wanted = unsupported_numbers(_REPLY, _SOURCES)
    if got != wanted or set(answer("4 kg", [])) != {"4"}:
        raise Mistake(
            f"for {_REPLY!r} and {_SOURCES} it is {wanted}, not {got}; without any source every number counts.",
            f"{_REPLY!r} と {_SOURCES} では {wanted} です（{got} ではありません）。資料が 1 つもなければ、すべての数が該当します。",
        )


EXERCISE = Exercise(
    name="unsupported_numbers",
    prompt=Text(
        "The numbers of reply that stand in none of the texts in sources, as a set. canonical_numbers(text) gives a text's numbers. Marks such as [2] name a source and do not count.",
        "reply にある数のうち、sources のどの文章にもないものを、集合で返してください。文章の数は canonical_numbers(text) で得られます。[2] のような出典の印は数えません。",
    ),
    reference=unsupported_numbers,
    test=_test,
    hints=(
        Text("Sets can be subtracted.", "集合は引き算できます。"),
        Text(
            r're.sub(r"\[[\d,\s]+\]", " ", reply) takes the marks out.',
            r're.sub(r"\[[\d,\s]+\]", " ", reply) で印を取り除けます。',
        ),
        Text(
            "canonical_numbers(said) - {n for source in sources for n in canonical_numbers(source)}",
            "canonical_numbers(said) - {n for source in sources for n in canonical_numbers(source)}",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_citations_counted, "names a source"),
        WrongAnswer(_must_be_in_all, "if any source holds it"),
        WrongAnswer(_supported, "do stand in a source"),
        WrongAnswer(_as_written, "the same number"),
        WrongAnswer(_inside_others, "stands inside 38"),
    ),
)
