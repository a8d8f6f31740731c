"""Lab 05, exercise ``length_matched``: planted wrong answers, check, hints."""

import copy

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.data.preferences import length_matched
from lab_helpers.runtime.language import Text


def _matched_one_way(pairs, tolerance):
    return [p for p in pairs if len(p["chosen"]) <= (1 + tolerance) * len(p["rejected"])]


def _matched_fixed(pairs, tolerance):
    return [p for p in pairs if min(len(p["chosen"]), len(p["rejected"])) >= 0.9 * max(len(p["chosen"]), len(p["rejected"]))]  # fmt: skip


def _matched_characters(pairs, tolerance):
    return [p for p in pairs if abs(len(p["chosen"]) - len(p["rejected"])) <= 100 * tolerance]


def _matched_complement(pairs, tolerance):
    kept = length_matched(pairs, tolerance)
    return [pair for pair in pairs if pair not in kept]


def _matched_removes(pairs, tolerance):
    kept = length_matched(pairs, tolerance)
    pairs[:] = kept
    return kept


def _test_length_matched(answer) -> None:
    sizes = [(100, 95), (100, 60), (60, 100), (1000, 960), (20, 17), (50, 50), (10, 40), (100, 82)]
    pairs = [{"chosen": "a" * c, "rejected": "b" * r, "id": i} for i, (c, r) in enumerate(sizes)]
    given = copy.deepcopy(pairs)
    found = {tolerance: _ids(answer(given, tolerance)) for tolerance in (0.1, 0.2)}
    if given != pairs:
        raise Mistake(
            "the list you were given has lost pairs: they are needed for comparison. Return a new list.",
            "渡されたリストからペアが消えています。比較に使うので、新しいリストを返してください。",
        )
    wanted = {tolerance: _ids(length_matched(pairs, tolerance)) for tolerance in (0.1, 0.2)}
    if found == wanted:
        return
    fingerprints = (
        (
            _matched_one_way,
            "pairs whose *rejected* answer is far longer pass: that is a bias too, to the short side.",
            "「rejected」のほうがはるかに長いペアが通っています。それも偏りです(短いほうへの)。",
        ),
        (
            _matched_fixed,
            "the result does not change with `tolerance`: use the argument.",
            "`tolerance` を変えても結果が変わりません。引数を使ってください。",
        ),
        (
            _matched_characters,
            "you compare characters; 40 more are nothing for 1,000 and a lot for 20. Compare with the longer answer.",
            "文字数の差で比べています。40 文字は 1,000 文字なら誤差でも、20 文字なら大差です。長いほうに対する割合で比べてください。",
        ),
        (
            _matched_complement,
            "you kept the pairs that do *not* match.",
            "長さの「そろっていない」ペアが残っています。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if all(found[t] == _ids(wrong(copy.deepcopy(pairs), t)) for t in found):
            raise Mistake(en, ja)
    raise Mistake(
        f"for lengths {sizes} and a tolerance of 0.1 the pairs {wanted[0.1]} match, not {found[0.1]}.",
        f"長さが {sizes} で許容差 0.1 のとき、そろっているのは {wanted[0.1]} 番です（{found[0.1]} ではありません）。",
    )


def _ids(pairs) -> list[int]:
    try:
        return [pair["id"] for pair in pairs]
    except (TypeError, KeyError):
        raise Mistake("return a list of the pairs.", "ペアのリストを返してください。") from None


EXERCISE = Exercise(
    name="length_matched",
    prompt=Text(
        "Keep the pairs whose two answers differ in length by at most `tolerance` of the longer one. pairs: a list of {'chosen': text, 'rejected': text, …} → a new list.",
        "2 つの回答の長さの差が、長いほうの `tolerance` 以内に収まるペアを残してください。pairs は {'chosen': 文字列, 'rejected': 文字列, …} のリストです → 新しいリスト。",
    ),
    reference=length_matched,
    test=_test_length_matched,
    hints=(
        Text(
            "Either answer may be the longer one.",
            "どちらの回答が長いかは、ペアによって違います。",
        ),
        Text(
            "The shorter one must have at least (1 - tolerance) of the longer one's characters.",
            "短いほうの文字数が、長いほうの (1 - tolerance) 倍以上であればよいのです。",
        ),
        Text(
            "short, long = sorted((len(p['chosen']), len(p['rejected']))); keep p if short >= (1 - tolerance) * long",
            "short, long = sorted((len(p['chosen']), len(p['rejected']))) として、short >= (1 - tolerance) * long なら残します",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_matched_one_way, "to the short side"),
        WrongAnswer(_matched_fixed, "use the argument"),
        WrongAnswer(_matched_characters, "you compare characters"),
        WrongAnswer(_matched_complement, "do *not* match"),
        WrongAnswer(_matched_removes, "has lost pairs"),
    ),
)
