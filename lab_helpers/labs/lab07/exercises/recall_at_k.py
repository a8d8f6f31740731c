"""Lab 07, exercise ``recall_at_k``: planted wrong answers, check, hints."""

import numpy as np

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.evaluation.retrieval import recall_at_k
from lab_helpers.runtime.language import Text


def _shares(ranked, gold, top):
    return [
        len(set(right) & set(top(found))) / len(right)
        for found, right in zip(ranked, gold, strict=True)
    ]


def _different(found):
    return list(dict.fromkeys(found))


def _chunks_counted(ranked, gold, k):
    return _shares(ranked, gold, lambda found: found[:k])


def _everything(ranked, gold, k):
    return _shares(ranked, gold, lambda found: found)


def _one_short(ranked, gold, k):
    return _shares(ranked, gold, lambda found: _different(found)[: k - 1])


def _precision(ranked, gold, k):
    return [
        len(set(right) & set(_different(found)[:k])) / k
        for found, right in zip(ranked, gold, strict=True)
    ]


def _any_counts_whole(ranked, gold, k):
    return [float(share > 0) for share in recall_at_k(ranked, gold, k)]


def _one_number(ranked, gold, k):
    return float(np.mean(recall_at_k(ranked, gold, k)))


_RANKED = [
    ["a", "a", "a", "b", "c"],
    ["b", "c", "d", "e", "a"],
    ["c", "c", "a", "d", "e"],
    ["d", "a", "b", "c", "e"],
    ["e", "b", "b", "b", "f"],
    ["f", "a", "b", "c", "d"],
]
_GOLD = [["b"], ["c"], ["a", "e"], ["d"], ["f"], ["f", "a"]]


def _test(answer) -> None:
    got = answer([list(found) for found in _RANKED], [list(right) for right in _GOLD], 2)
    fingerprints = (
        (
            _one_number,
            "that is the mean already: return one number a question, so that two searches can be compared question by question.",
            "それは平均です。2 つの検索を質問ごとに比べられるよう、質問ごとに 1 つの数を返してください。",
        ),
        (
            _chunks_counted,
            "several chunks of one page are one page found: let each count once.",
            "同じ文書のチャンクがいくつ並んでも、見つかった文書は 1 つです。重複を除いてから数えてください。",
        ),
        (
            _everything,
            "you search the whole ranking; only the first k count.",
            "順位全体を見ています。数えるのは先頭の k 件だけです。",
        ),
        (
            _one_short,
            "you look at k - 1 pages: a slice [:k] has k items.",
            "k - 1 件しか見ていません。スライス [:k] には k 件入ります。",
        ),
        (
            _precision,
            "you divided by k: that is precision. Divide by the number of right pages.",
            "k で割っています。それは適合率です。正解の文書の数で割ってください。",
        ),
        (
            _any_counts_whole,
            "one of two right pages is half of them, not all: divide by how many there are.",
            "2 つの正解のうち 1 つが見つかったときは、1 ではなく 0.5 です。正解の数で割ってください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(_RANKED, _GOLD, 2)):
            raise Mistake(en, ja)
    expect_close(
        got,
        recall_at_k(_RANKED, _GOLD, 2),
        "for each question it is the share of its right pages that are among the first k different ones.",
        "質問ごとに、異なる文書を上から k 件見たとき、正解の文書のうちどれだけの割合が入っているかです。",
    )


EXERCISE = Exercise(
    name="recall_at_k",
    prompt=Text(
        "ranked: for each question the page of each chunk found, best first (a page may come several times). gold: for each question a list of its right pages. Return for each question the share of its right pages among the first k different ones.",
        "ranked は、質問ごとに、見つかったチャンクの文書を良い順に並べたリストです（同じ文書が何度も出ることがあります）。gold は質問ごとの正解の文書のリストです。質問ごとに、異なる文書を上から k 件見たとき、正解の文書のうちどれだけの割合が入っているかを返してください。",
    ),
    reference=recall_at_k,
    test=_test,
    hints=(
        Text("Which pages come first, each once?", "重複を除くと、どの文書が上に来ますか。"),
        Text(
            "dict.fromkeys keeps the order and drops what comes again; & of two sets is what both have.",
            "dict.fromkeys は、順番を保ったまま重複を落とします。集合の & は、両方にあるものです。",
        ),
        Text(
            "[len(set(right) & set(list(dict.fromkeys(found))[:k])) / len(right) for found, right in zip(ranked, gold)]",
            "[len(set(right) & set(list(dict.fromkeys(found))[:k])) / len(right) for found, right in zip(ranked, gold)]",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_one_number, "one number a question"),
        WrongAnswer(_chunks_counted, "let each count once"),
        WrongAnswer(_everything, "only the first k"),
        WrongAnswer(_one_short, "k - 1 pages"),
        WrongAnswer(_precision, "that is precision"),
        WrongAnswer(_any_counts_whole, "half of them"),
    ),
)
