"""Lab 05, exercise ``choose_rate``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab05.replies import choose_rate
from lab_helpers.runtime.language import Text


def _test_rows(rows):
    fit = [r for r in rows if r["split"] == "test" and r["ended"] >= 0.9]
    return max(fit, key=lambda r: r["score"])["rate"]


def _lowest_loss(rows):
    fit = [r for r in rows if r["split"] == "validation"]
    return min(fit, key=lambda r: r["loss"])["rate"]


def _endless_allowed(rows):
    return max((r for r in rows if r["split"] == "validation"), key=lambda r: r["score"])["rate"]


def _lowest_score(rows):
    fit = [r for r in rows if r["split"] == "validation" and r["ended"] >= 0.9]
    return min(fit, key=lambda r: r["score"])["rate"]


def _whole_row(rows):
    fit = [r for r in rows if r["split"] == "validation" and r["ended"] >= 0.9]
    return max(fit, key=lambda r: r["score"])


def _rows() -> list[dict]:
    """Rates whose order differs by split, by loss, by score, and by whether the replies end."""
    table = {
        # rate: loss, validation (score, ended), test (score, ended)
        1e-4: (0.66, (1.20, 1.00), (1.30, 1.00)),
        3e-4: (0.58, (1.55, 0.97), (1.40, 0.98)),
        1e-3: (0.41, (1.45, 0.93), (1.65, 0.95)),
        3e-3: (0.22, (1.70, 0.70), (1.60, 0.75)),
        1e-2: (0.05, (0.40, 0.30), (0.45, 0.35)),
    }
    return [
        {"rate": rate, "split": split, "loss": loss, "score": score, "ended": ended}
        for rate, (loss, *both) in table.items()
        for split, (score, ended) in zip(("validation", "test"), both, strict=True)
    ]


def _test_choose_rate(answer) -> None:
    got = answer(_rows())
    if isinstance(got, dict):
        raise Mistake(
            "that is the whole row: return its rate.",
            "行がそのまま返っています。返すのはその学習率です。",
        )
    fingerprints = (
        (
            _test_rows,
            "you chose on the test rows: what reports must not choose. Take the validation rows.",
            "テスト用の行で選んでいます。報告に使うものを選択に使ってはいけません。検証用の行を使ってください。",
        ),
        (
            _lowest_loss,
            "the lowest training loss belongs to the highest rate, whatever it does to the replies.",
            "学習の損失がいちばん低いのは、回答がどうなろうと、いちばん大きな学習率です。",
        ),
        (
            _endless_allowed,
            "that rate's replies do not end in three of ten cases: leave out what ends in fewer than nine of ten.",
            "その学習率では、10 件に 3 件の回答が終わりません。終わる割合が 0.9 に届かないものは除いてください。",
        ),
        (
            _lowest_score,
            "you took the lowest score: more points are better.",
            "点のいちばん低いものを選んでいます。点は高いほど良いのです。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if got == wrong(_rows()):
            raise Mistake(en, ja)
    if got != choose_rate(_rows()):
        raise Mistake(
            f"not the best validation score among rates whose replies end ({choose_rate(_rows())}).",
            f"回答が終わる学習率のうち、検証用の点がいちばん高いもの（{choose_rate(_rows())}）ではありません。",
        )


EXERCISE = Exercise(
    name="choose_rate",
    prompt=Text(
        "rows: dicts with rate, split ('validation' or 'test'), loss, score (higher is better) and ended (share of replies that end). Return the rate with the best validation score among those with ended ≥ 0.9. Example: → 0.001",
        "rows は rate、split（'validation' か 'test'）、loss、score（高いほど良い）、ended（終わった回答の割合）をもつ dict のリストです。ended が 0.9 以上のもののうち、検証用の score が最も高い rate を返してください。例: → 0.001",
    ),
    reference=choose_rate,
    test=_test_choose_rate,
    hints=(
        Text(
            "Which rows may you look at when you choose, and which only when you report?",
            "選ぶときに見てよい行はどれで、報告のときだけ見る行はどれでしょうか。",
        ),
        Text(
            "Filter first: row['split'] == 'validation' and row['ended'] >= 0.9",
            "まず絞り込みます: row['split'] == 'validation' and row['ended'] >= 0.9",
        ),
        Text(
            "return max(fit, key=lambda row: row['score'])['rate']",
            "return max(fit, key=lambda row: row['score'])['rate']",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_test_rows, "chose on the test rows"),
        WrongAnswer(_lowest_loss, "lowest training loss"),
        WrongAnswer(_endless_allowed, "do not end"),
        WrongAnswer(_lowest_score, "lowest score"),
        WrongAnswer(_whole_row, "whole row"),
    ),
)
