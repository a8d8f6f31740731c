"""Lab 07, exercise ``recall_at_k``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.labs.lab07.scores import recall_at_k
from lab_helpers.runtime.language import Text


def _chunks_counted(ranked, gold, k):
    return sum(right in found[:k] for found, right in zip(ranked, gold, strict=True)) / len(gold)


def _everything(ranked, gold, k):
    return sum(right in found for found, right in zip(ranked, gold, strict=True)) / len(gold)


def _one_short(ranked, gold, k):
    return recall_at_k(ranked, gold, k - 1)


def _precision(ranked, gold, k):
    return recall_at_k(ranked, gold, k) / k


def _hits_counted(ranked, gold, k):
    return recall_at_k(ranked, gold, k) * len(gold)


_RANKED = [
    ["a", "a", "a", "b", "c"],
    ["b", "c", "d", "e", "a"],
    ["c", "c", "a", "d", "e"],
    ["d", "a", "b", "c", "e"],
    ["e", "b", "b", "b", "f"],
    ["f", "a", "b", "c", "d"],
]
_GOLD = ["b", "c", "a", "d", "f", "f"]


def _test(answer) -> None:
    got = answer([list(found) for found in _RANKED], list(_GOLD), 2)
    fingerprints = (
        (
            _chunks_counted,
            "several chunks of one document are one document found: let each count once.",
            "同じ文書のチャンクがいくつ並んでも、見つかった文書は 1 つです。重複を除いてから数えてください。",
        ),
        (
            _everything,
            "you search the whole ranking; only the first k count.",
            "順位全体を見ています。数えるのは先頭の k 件だけです。",
        ),
        (
            _one_short,
            "you look at k - 1 documents: a slice [:k] has k items.",
            "k - 1 件しか見ていません。スライス [:k] には k 件入ります。",
        ),
        (
            _precision,
            "you divided by k: that is precision. There is one right document a question.",
            "k で割っています。それは適合率です。正解の文書は質問ごとに 1 つだけです。",
        ),
        (
            _hits_counted,
            "that is a number of hits: divide by the number of questions.",
            "それは当たりの数です。質問の数で割ってください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(_RANKED, _GOLD, 2)):
            raise Mistake(en, ja)
    expect_close(
        got,
        recall_at_k(_RANKED, _GOLD, 2),
        "it is the share of questions whose document is among the first k different ones.",
        "異なる文書を上から k 件見たとき、正解の文書が入っている質問の割合です。",
    )


EXERCISE = Exercise(
    name="recall_at_k",
    prompt=Text(
        "ranked: for each question the document of each chunk found, best first (a document may come several times). gold: the right document of each. Return the share of questions whose right document is among the first k different ones.",
        "ranked は、質問ごとに、見つかったチャンクの文書を良い順に並べたリストです（同じ文書が何度も出ることがあります）。gold は質問ごとの正解の文書です。異なる文書を上から k 件見たとき、正解が入っている質問の割合を返してください。",
    ),
    reference=recall_at_k,
    test=_test,
    hints=(
        Text("Which documents come first, each once?", "重複を除くと、どの文書が上に来ますか。"),
        Text(
            "dict.fromkeys keeps the order and drops what comes again.",
            "dict.fromkeys は、順番を保ったまま重複を落とします。",
        ),
        Text(
            "hits.append(right in list(dict.fromkeys(documents))[:k]); then the mean",
            "hits.append(right in list(dict.fromkeys(documents))[:k]) とし、最後に平均を取ります",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_chunks_counted, "let each count once"),
        WrongAnswer(_everything, "only the first k"),
        WrongAnswer(_one_short, "k - 1 documents"),
        WrongAnswer(_precision, "that is precision"),
        WrongAnswer(_hits_counted, "number of hits"),
    ),
)
