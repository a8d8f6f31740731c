"""Lab 07, exercise ``reciprocal_rank``: planted wrong answers, check, hints."""

import numpy as np

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.evaluation.retrieval import reciprocal_rank
from lab_helpers.runtime.language import Text


def _ranks(ranked, gold):
    """The place of each question's first right page from 1; 0 where there is none."""
    return [
        next((rank for rank, page in enumerate(found, 1) if page in right), 0)
        for found, right in zip(ranked, gold, strict=True)
    ]


def _from_zero(ranked, gold):
    return [1 / max(rank - 1, 1) if rank else 0.0 for rank in _ranks(ranked, gold)]


def _misses_left_out(ranked, gold):
    return [1 / rank for rank in _ranks(ranked, gold) if rank]


def _rank_itself(ranked, gold):
    return [float(rank) for rank in _ranks(ranked, gold)]


def _first_only(ranked, gold):
    return [float(found[0] in right) for found, right in zip(ranked, gold, strict=True)]


def _last_right(ranked, gold):
    ranks = [
        max((rank for rank, page in enumerate(found, 1) if page in right), default=0)
        for found, right in zip(ranked, gold, strict=True)
    ]
    return [1 / rank if rank else 0.0 for rank in ranks]


def _one_number(ranked, gold):
    return float(np.mean(reciprocal_rank(ranked, gold)))


_RANKED = [["a", "b", "c"], ["b", "a", "c"], ["c", "b", "a"], ["d", "e", "f"], ["a", "c", "d"]]
_GOLD = [["a"], ["a", "c"], ["a"], ["a"], ["c"]]


def _test(answer) -> None:
    got = answer([list(found) for found in _RANKED], [list(right) for right in _GOLD])
    fingerprints = (
        (
            _one_number,
            "that is the mean already: return one number a question.",
            "それは平均です。質問ごとに 1 つの数を返してください。",
        ),
        (
            _from_zero,
            "ranks begin at 1, and list.index begins at 0.",
            "順位は 1 から始まりますが、list.index は 0 から始まります。",
        ),
        (
            _rank_itself,
            "that is the rank: return 1 / rank.",
            "それは順位です。1 / 順位 を返してください。",
        ),
        (
            _first_only,
            "you count first places only; a second place is worth one half.",
            "1 位だけを数えています。2 位なら 0.5 です。",
        ),
        (
            _last_right,
            "of several right pages the first one found counts, not the last.",
            "正解が複数あるときは、最後ではなく、最初に見つかったものの順位を使います。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(_RANKED, _GOLD)):
            raise Mistake(en, ja)
    if hasattr(got, "__len__") and len(got) < len(_GOLD):
        raise Mistake(
            "a question whose page was not found counts 0; you left it out.",
            "見つからなかった質問を除いています。その質問は 0 として数えます。",
        )
    expect_close(
        got,
        reciprocal_rank(_RANKED, _GOLD),
        "first place is worth 1, second 1/2, third 1/3, not found 0; one number a question.",
        "1 位は 1、2 位は 1/2、3 位は 1/3、見つからなければ 0 です。質問ごとに 1 つの数を返してください。",
    )


EXERCISE = Exercise(
    name="reciprocal_rank",
    prompt=Text(
        "ranked: for each question pages, best first, each once; gold: for each a list of its right pages. Return for each question 1 / rank of the first right one (0 where none is found).",
        "ranked は質問ごとの文書（良い順、重複なし）、gold は質問ごとの正解の文書のリストです。質問ごとに、最初に出てくる正解の順位の逆数（見つからなければ 0）を返してください。",
    ),
    reference=reciprocal_rank,
    test=_test,
    hints=(
        Text("One number a question; the mean comes later.", "質問ごとに 1 つの数です。平均はあとで取ります。"),
        Text(
            "enumerate(found, 1) counts ranks from 1; the first page that is in right decides.",
            "enumerate(found, 1) なら順位が 1 から数えられます。right に入っている最初の文書で決まります。",
        ),
        Text(
            "next((1 / rank for rank, page in enumerate(found, 1) if page in right), 0.0)",
            "next((1 / rank for rank, page in enumerate(found, 1) if page in right), 0.0)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_one_number, "one number a question"),
        WrongAnswer(_from_zero, "ranks begin at 1"),
        WrongAnswer(_misses_left_out, "you left it out"),
        WrongAnswer(_rank_itself, "that is the rank"),
        WrongAnswer(_first_only, "first places only"),
        WrongAnswer(_last_right, "not the last"),
    ),
)  # fmt: skip
