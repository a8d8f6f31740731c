"""Lab 07, exercise ``reciprocal_rank_fusion``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab07.scores import reciprocal_rank_fusion
from lab_helpers.runtime.language import Text


def _fused(rankings, value, join):
    scores: dict = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] = join(scores[item], value(rank)) if item in scores else value(rank)
    return scores


def _without_k(rankings, k=60):
    scores = _fused(rankings, lambda rank: 1 / rank, lambda a, b: a + b)
    return sorted(scores, key=lambda item: -scores[item])


def _best_rank_only(rankings, k=60):
    scores = _fused(rankings, lambda rank: 1 / (k + rank), max)
    return sorted(scores, key=lambda item: -scores[item])


def _ranks_added(rankings, k=60):
    scores = _fused(rankings, lambda rank: rank, lambda a, b: a + b)
    return sorted(scores, key=lambda item: scores[item])


def _upside_down(rankings, k=60):
    return reciprocal_rank_fusion(rankings, k)[::-1]


def _in_both_only(rankings, k=60):
    return [item for item in reciprocal_rank_fusion(rankings, k) if all(item in one for one in rankings)]  # fmt: skip


# c and e stand well in both; a is first once and far down; b and f stand in one ranking only.
_RANKINGS = [["a", "b", "e", "c"], ["f", "c", "e", "g", "h", "i", "a"]]


def _test(answer) -> None:
    got = answer([list(one) for one in _RANKINGS], 60)
    if not isinstance(got, list):
        raise Mistake(
            "return a list of the items, best first.",
            "項目を良い順に並べたリストを返してください。",
        )
    wanted = reciprocal_rank_fusion(_RANKINGS, 60)
    if got == wanted and answer([list(one) for one in _RANKINGS], 2) == reciprocal_rank_fusion(_RANKINGS, 2):  # fmt: skip
        return
    fingerprints = (
        (
            _without_k,
            "1 / rank without k: one first place then beats two good places. Divide by k + rank.",
            "k がなく 1 / 順位 になっています。これでは 1 位が 1 つあるだけで、上位が 2 つあるものに勝ちます。k + 順位 で割ってください。",
        ),
        (
            _best_rank_only,
            "you keep the best score of an item; add the scores of all rankings.",
            "項目ごとに最良のスコアだけを残しています。すべてのランキングのスコアを足してください。",
        ),
        (
            _ranks_added,
            "you add ranks, so whatever stands in one ranking only wins. Add 1 / (k + rank).",
            "順位を足しています。すると、片方にしか出ないものが有利になります。1 / (k + 順位) を足してください。",
        ),
        (
            _upside_down,
            "the order is upside down: the highest score comes first.",
            "順番が逆さまです。スコアの高いものを先にしてください。",
        ),
        (
            _in_both_only,
            "items of one ranking only are lost; they get the score of that one.",
            "片方のランキングにしかない項目が消えています。そのスコアだけで残してください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if got == wrong(_RANKINGS, 60):
            raise Mistake(en, ja)
    raise Mistake(
        f"for {_RANKINGS} and k = 60 the order is {wanted}, not {got}; does k count?",
        f"{_RANKINGS}、k = 60 のときの順番は {wanted} です（{got} ではありません）。k を使っていますか。",
    )


EXERCISE = Exercise(
    name="reciprocal_rank_fusion",
    prompt=Text(
        "rankings: lists of items, best first. An item's score is the sum of 1 / (k + rank) over the rankings that have it, ranks from 1. Return the items, best first.",
        "rankings は、項目を良い順に並べたリストの集まりです。項目のスコアは、それが載っているランキングについて 1 / (k + 順位)（順位は 1 から）を足したものです。項目を良い順に返してください。",
    ),
    reference=reciprocal_rank_fusion,
    test=_test,
    hints=(
        Text(
            "Only ranks are used: cosine and BM25 have different scales.",
            "使うのは順位だけです。コサインと BM25 では尺度が違うからです。",
        ),
        Text(
            "Collect the sums in a dict, with enumerate(ranking, 1).",
            "enumerate(ranking, 1) で回し、辞書に足していきます。",
        ),
        Text(
            "scores[item] = scores.get(item, 0) + 1 / (k + rank); sorted(scores, key=lambda i: -scores[i])",
            "scores[item] = scores.get(item, 0) + 1 / (k + rank); sorted(scores, key=lambda i: -scores[i])",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_without_k, "without k"),
        WrongAnswer(_best_rank_only, "keep the best score"),
        WrongAnswer(_ranks_added, "you add ranks"),
        WrongAnswer(_upside_down, "upside down"),
        WrongAnswer(_in_both_only, "are lost"),
    ),
)
