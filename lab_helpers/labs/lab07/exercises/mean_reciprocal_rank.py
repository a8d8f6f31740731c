"""Lab 07, exercise ``mean_reciprocal_rank``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab07.scores import mean_reciprocal_rank
from lab_helpers.runtime.language import Text


def _from_zero(ranked, gold):
    points = [1 / max(found.index(right), 1) if right in found else 0.0 for found, right in zip(ranked, gold, strict=True)]  # fmt: skip
    return sum(points) / len(points)


def _misses_left_out(ranked, gold):
    points = [1 / (found.index(right) + 1) for found, right in zip(ranked, gold, strict=True) if right in found]  # fmt: skip
    return sum(points) / len(points)


def _mean_rank_inverted(ranked, gold):
    ranks = [found.index(right) + 1 if right in found else len(found) + 1 for found, right in zip(ranked, gold, strict=True)]  # fmt: skip
    return len(ranks) / sum(ranks)


def _mean_rank(ranked, gold):
    ranks = [found.index(right) + 1 for found, right in zip(ranked, gold, strict=True) if right in found]  # fmt: skip
    return sum(ranks) / len(ranks)


def _first_only(ranked, gold):
    return sum(found[0] == right for found, right in zip(ranked, gold, strict=True)) / len(gold)


_RANKED = [["a", "b", "c"], ["b", "a", "c"], ["c", "b", "a"], ["d", "e", "f"], ["a", "c", "d"]]
_GOLD = ["a", "a", "a", "a", "c"]


def _test(answer) -> None:
    got = answer([list(found) for found in _RANKED], list(_GOLD))
    fingerprints = (
        (
            _from_zero,
            "ranks begin at 1, and list.index begins at 0.",
            "順位は 1 から始まりますが、list.index は 0 から始まります。",
        ),
        (
            _misses_left_out,
            "a question whose document was not found counts 0; you left it out.",
            "見つからなかった質問を除いています。その質問は 0 として数えます。",
        ),
        (
            _mean_rank_inverted,
            "you inverted the mean of the ranks; take the mean of the inverted ranks.",
            "順位の平均の逆数になっています。逆数を取ってから平均してください。",
        ),
        (
            _mean_rank,
            "that is the mean rank: take 1 / rank of each.",
            "それは順位の平均です。それぞれ 1 / 順位 にしてください。",
        ),
        (
            _first_only,
            "you count first places only; a second place is worth one half.",
            "1 位だけを数えています。2 位なら 0.5 です。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(_RANKED, _GOLD)):
            raise Mistake(en, ja)
    expect_close(
        got,
        mean_reciprocal_rank(_RANKED, _GOLD),
        "first place is worth 1, second 1/2, third 1/3, not found 0; return the mean.",
        "1 位は 1、2 位は 1/2、3 位は 1/3、見つからなければ 0 とし、平均を返してください。",
    )


EXERCISE = Exercise(
    name="mean_reciprocal_rank",
    prompt=Text(
        "ranked: for each question documents, best first; gold: the right one of each. Return the mean of 1 / rank of the right one (0 where it is not found).",
        "ranked は質問ごとの文書（良い順）、gold は正解の文書です。正解の順位の逆数（見つからなければ 0）を平均して返してください。",
    ),
    reference=mean_reciprocal_rank,
    test=_test,
    hints=(
        Text("One number a question, then the mean.", "質問ごとに 1 つの数を出し、平均します。"),
        Text(
            "The rank is found.index(right) + 1; ask first whether it is there.",
            "順位は found.index(right) + 1 です。先に、含まれているかどうかを確かめます。",
        ),
        Text(
            "1 / (found.index(right) + 1) if right in found else 0.0",
            "1 / (found.index(right) + 1) if right in found else 0.0",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_from_zero, "ranks begin at 1"),
        WrongAnswer(_misses_left_out, "you left it out"),
        WrongAnswer(_mean_rank_inverted, "mean of the inverted"),
        WrongAnswer(_mean_rank, "the mean rank"),
        WrongAnswer(_first_only, "first places only"),
    ),
)
