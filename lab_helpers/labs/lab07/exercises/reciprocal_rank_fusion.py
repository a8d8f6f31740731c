"""Lab 07, exercise ``reciprocal_rank_fusion``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.rag.fusion import reciprocal_rank_fusion
from lab_helpers.runtime.language import Text


def _fused(rankings, value, join, weights=None, best_last=False):
    scores: dict = {}
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, item in enumerate(ranking, 1):
            new = weight * value(rank)
            scores[item] = join(scores[item], new) if item in scores else new
    return sorted(scores.items(), key=lambda pair: pair[1] if best_last else -pair[1])


def _without_k(rankings, k=60, weights=None):
    return _fused(rankings, lambda rank: 1 / rank, lambda a, b: a + b, weights)


def _best_rank_only(rankings, k=60, weights=None):
    return _fused(rankings, lambda rank: 1 / (k + rank), max, weights)


def _ranks_added(rankings, k=60, weights=None):
    return _fused(rankings, lambda rank: rank, lambda a, b: a + b, weights, best_last=True)


def _upside_down(rankings, k=60, weights=None):
    return reciprocal_rank_fusion(rankings, k, weights)[::-1]


def _in_both_only(rankings, k=60, weights=None):
    fused = reciprocal_rank_fusion(rankings, k, weights)
    return [(item, score) for item, score in fused if all(item in one for one in rankings)]


def _weights_forgotten(rankings, k=60, weights=None):
    return reciprocal_rank_fusion(rankings, k)


def _items_only(rankings, k=60, weights=None):
    return [item for item, _ in reciprocal_rank_fusion(rankings, k, weights)]


# c and e stand well in both; a is first once and far down; b and f stand in one ranking only.
_RANKINGS = [["a", "b", "e", "c"], ["f", "c", "e", "g", "h", "i", "a"]]
_WEIGHTS = (0.05, 1.0)


def _is_like(got, wanted) -> bool:
    try:
        pairs = [(item, float(score)) for item, score in got]
    except (TypeError, ValueError):
        return False
    return [item for item, _ in pairs] == [item for item, _ in wanted] and all(
        abs(a - b) < 1e-9 for (_, a), (_, b) in zip(pairs, wanted, strict=True)
    )


def _test(answer) -> None:
    got = answer([list(one) for one in _RANKINGS], 60)
    if not isinstance(got, list):
        raise Mistake(
            "return a list of (item, score), best first.",
            "（項目、スコア）を良い順に並べたリストを返してください。",
        )
    if got and not isinstance(got[0], tuple | list):
        raise Mistake(
            "that is the items alone: return (item, score), since the score is shown later.",
            "それは項目だけです。スコアもあとで使うので、（項目、スコア）の組を返してください。",
        )
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
        if _is_like(got, wrong(_RANKINGS, 60)):
            raise Mistake(en, ja)
    wanted = reciprocal_rank_fusion(_RANKINGS, 60)
    if not _is_like(got, wanted) or not _is_like(
        answer([list(one) for one in _RANKINGS], 2), reciprocal_rank_fusion(_RANKINGS, 2)
    ):
        raise Mistake(
            f"for {_RANKINGS} and k = 60 it is {wanted[:3]} …, not {got[:3]} …; does k count?",
            f"{_RANKINGS}、k = 60 のときは {wanted[:3]} … です（{got[:3]} … ではありません）。k を使っていますか。",
        )
    weighed = answer([list(one) for one in _RANKINGS], 60, _WEIGHTS)
    if not _is_like(weighed, reciprocal_rank_fusion(_RANKINGS, 60, _WEIGHTS)):
        raise Mistake(
            "the weights change nothing: each ranking's points are weight / (k + rank).",
            "重みが効いていません。ランキングごとの点は 重み / (k + 順位) です。",
        )


EXERCISE = Exercise(
    name="reciprocal_rank_fusion",
    prompt=Text(
        "rankings: lists of items, best first. An item's score is the sum of weight / (k + rank) over the rankings that have it, ranks from 1; weights: one a ranking, all 1 where None. Return (item, score), best first.",
        "rankings は、項目を良い順に並べたリストの集まりです。項目のスコアは、それが載っているランキングについて 重み / (k + 順位)（順位は 1 から）を足したものです。weights はランキングごとの重みで、None ならすべて 1 です。（項目、スコア）を良い順に返してください。",
    ),
    reference=reciprocal_rank_fusion,
    test=_test,
    hints=(
        Text(
            "Only ranks are used: cosine and BM25 have different scales.",
            "使うのは順位だけです。コサインと BM25 では尺度が違うからです。",
        ),
        Text(
            "Collect the sums in a dict: zip(rankings, weights), then enumerate(ranking, 1).",
            "zip(rankings, weights) と enumerate(ranking, 1) で回し、辞書に足していきます。",
        ),
        Text(
            "scores[item] = scores.get(item, 0) + weight / (k + rank); sorted(scores.items(), key=lambda pair: -pair[1])",
            "scores[item] = scores.get(item, 0) + weight / (k + rank); sorted(scores.items(), key=lambda pair: -pair[1])",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_items_only, "the items alone"),
        WrongAnswer(_without_k, "without k"),
        WrongAnswer(_best_rank_only, "keep the best score"),
        WrongAnswer(_ranks_added, "you add ranks"),
        WrongAnswer(_upside_down, "upside down"),
        WrongAnswer(_in_both_only, "are lost"),
        WrongAnswer(_weights_forgotten, "the weights change nothing"),
    ),
)
