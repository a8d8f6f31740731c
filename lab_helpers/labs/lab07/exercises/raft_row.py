"""Lab 07, exercise ``raft_row``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.rag.raft import raft_row
from lab_helpers.runtime.language import Text


def _number_from_zero(oracle, distractors, answer, place, declining):
    sources, _ = raft_row(oracle, distractors, answer, place, declining)
    return sources, declining if oracle is None else f"{answer} [{place}]"


def _always_first(oracle, distractors, answer, place, declining):
    return raft_row(oracle, distractors, answer, 0, declining)


def _replaces(oracle, distractors, answer, place, declining):
    if oracle is None:
        return list(distractors), declining
    sources = list(distractors)
    sources[min(place, len(sources) - 1)] = oracle
    return sources, f"{answer} [{place + 1}]"


def _by_heart(oracle, distractors, answer, place, declining):
    return raft_row(oracle, distractors, answer, place, answer)


def _no_source(oracle, distractors, answer, place, declining):
    sources, _ = raft_row(oracle, distractors, answer, place, declining)
    return sources, declining if oracle is None else answer


_CASES = (
    ("O", ["x", "y"], "3 kg", 1, "no"),
    ("O", ["x", "y"], "3 kg", 0, "no"),
    ("O", ["x"], "3 kg", 1, "no"),
    (None, ["x", "y"], "3 kg", 0, "no"),
)
_FINGERPRINTS = (
    (
        _by_heart,
        "without an oracle you still give the answer: that teaches to answer by heart (the paper does it). Here the reply is declining.",
        "正解の資料がないのに答えています。それでは丸暗記を教えることになります（論文ではそうします）。ここでは declining を返してください。",
    ),
    (
        _number_from_zero,
        "sources are numbered from 1, place counts from 0.",
        "資料の番号は 1 から、place は 0 から数えます。",
    ),
    (
        _always_first,
        "the oracle always comes first: then the model learns to read the first source only. Put it at place.",
        "正解の資料がいつも先頭にあります。これでは、先頭だけを読むことを覚えてしまいます。place の位置に入れてください。",
    ),
    (
        _replaces,
        "a distractor is lost: put the oracle between them, not over one.",
        "紛らわしい資料が 1 件消えています。上書きせず、間に入れてください。",
    ),
    (
        _no_source,
        "the reply names no source: end it with its number in square brackets.",
        "出典の番号がありません。最後に [番号] を付けてください。",
    ),
)


def _test(answer) -> None:
    got = [answer(oracle, list(rest), *more) for oracle, rest, *more in _CASES]
    if not all(isinstance(one, tuple | list) and len(one) == 2 for one in got):
        raise Mistake(
            "return two things: the list of sources, and the reply.",
            "資料のリストと回答の 2 つを返してください。",
        )
    plain = [(list(sources), reply) for sources, reply in got]
    if plain == [raft_row(*case) for case in _CASES]:
        return
    for wrong, en, ja in _FINGERPRINTS:
        if plain == [wrong(*case) for case in _CASES]:
            raise Mistake(en, ja)
    for case, one in zip(_CASES, plain, strict=True):
        wanted = raft_row(*case)
        if one != wanted:
            raise Mistake(
                f"for {case} it is {wanted}, not {one}.",
                f"{case} のときは {wanted} です（{one} ではありません）。",
            )


EXERCISE = Exercise(
    name="raft_row",
    prompt=Text(
        'oracle: the source with the answer, or None; distractors: a list of other sources. Return (sources, reply): the oracle among the distractors at place (from 0), and the reply "<answer> [<its number from 1>]". Where oracle is None, the distractors alone, and declining.',
        "oracle は答えの書かれた資料（ない場合は None）、distractors はほかの資料のリストです。（資料のリスト、回答）を返してください。資料は、distractors の place 番目（0 から）に oracle を入れたもの、回答は「答え [1 から数えた資料の番号]」です。oracle が None なら、distractors と declining を返します。",
    ),
    reference=raft_row,
    test=_test,
    hints=(
        Text("Two cases: with an oracle, and without.", "oracle がある場合とない場合に分けます。"),
        Text(
            "distractors[:place], then the oracle, then distractors[place:].",
            "distractors[:place]、oracle、distractors[place:] の順です。",
        ),
        Text(
            'return [*distractors[:place], oracle, *distractors[place:]], f"{answer} [{place + 1}]"',
            'return [*distractors[:place], oracle, *distractors[place:]], f"{answer} [{place + 1}]"',
        ),
    ),
    wrong_answers=(
        WrongAnswer(_by_heart, "by heart"),
        WrongAnswer(_number_from_zero, "numbered from 1"),
        WrongAnswer(_always_first, "always comes first"),
        WrongAnswer(_replaces, "a distractor is lost"),
        WrongAnswer(_no_source, "names no source"),
    ),
)
