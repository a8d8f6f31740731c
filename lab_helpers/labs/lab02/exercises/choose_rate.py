"""Lab 02, exercise ``choose_rate``: planted wrong answers, check, hints."""

import math

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.shared.arms import choose_rate
from lab_helpers.runtime.language import Text

_NAN = float("nan")
_LOSSES = {1e-1: (1.9, _NAN, 7.0), 1e-3: (2.9, 3.0, 2.8), 1e-2: (2.5, 2.4, 2.6), 2e-2: (2.3, 2.9, 2.8)}  # fmt: skip


def _grid() -> list[dict]:
    return [
        {"learning_rate": rate, "seed": seed, "loss": loss, "train_loss": 3 - math.log10(rate) / 9 - 3 * rate}
        for rate, losses in _LOSSES.items()
        for seed, loss in enumerate(losses)
    ]  # fmt: skip


def _one_lucky_seed(rows):
    finite = [row for row in rows if row["loss"] == row["loss"] and row["learning_rate"] < 0.05]
    return min(finite, key=lambda row: row["loss"])["learning_rate"]


def _training_loss(rows):
    return min(rows, key=lambda row: row["train_loss"])["learning_rate"]


def _highest(rows):
    means = {rate: sum(losses) / 3 for rate, losses in _LOSSES.items()}
    return max((rate for rate in means if means[rate] == means[rate]), key=means.__getitem__)


def _test_choice(answer) -> None:
    got = answer(_grid())
    if got is None:
        raise Mistake(
            "the function returned None: is a `return` missing?",
            "None が返りました。`return` を忘れていませんか。",
        )
    reasons = {
        2e-2: (
            "that rate has the best single seed, not the best mean over its seeds.",
            "それは 1 つのシードだけが最良だった学習率です。シード全体の平均で選んでください。",
        ),
        1e-1: (
            "one seed of that rate diverged (its loss is NaN), and NaN compares with nothing: leave such rates out. Or did you choose by the training loss?",
            "その学習率では 1 つのシードが発散しています（損失が NaN）。NaN は大小を比べられないので、候補から外してください。学習損失で選んでいる場合も同じ結果になります。",
        ),
        1e-3: (
            "that is the highest loss; the lowest is wanted.",
            "それは損失が最も高い学習率です。最も低いものを選んでください。",
        ),
    }
    for rate, (en, ja) in reasons.items():
        if got == rate:
            raise Mistake(en, ja)
    if got != choose_rate(_grid()):
        raise Mistake(
            f"return one of the learning rates themselves (got {got!r}).",
            f"学習率の値そのものを返してください（返り値: {got!r}）。",
        )


EXERCISE = Exercise(
    name="choose_rate",
    prompt=Text(
        'rows are {"learning_rate", "seed", "loss"} with losses on validation rows, NaN where a training diverged. Return the learning rate with the lowest mean loss over its seeds.',
        'rows は {"learning_rate", "seed", "loss"} の並びで、loss は検証用の行で測った損失です（発散した学習では NaN）。シード平均の損失が最も低い学習率を返してください。',
    ),
    reference=choose_rate,
    test=_test_choice,
    hints=(
        Text(
            "Collect the losses of each rate first: three seeds make one mean.",
            "まず学習率ごとに損失を集めます。3 つのシードから 1 つの平均ができます。",
        ),
        Text(
            "math.isfinite(mean) is False for NaN: such a rate must not win.",
            "NaN に対して math.isfinite(mean) は False です。そのような学習率を選んではいけません。",
        ),
        Text(
            "min((rate for rate in means if math.isfinite(means[rate])), key=means.get)",
            "min((rate for rate in means if math.isfinite(means[rate])), key=means.get)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_one_lucky_seed, "best single seed"),
        WrongAnswer(_training_loss, "training loss"),
        WrongAnswer(_highest, "highest loss"),
        WrongAnswer(lambda rows: 0, "learning rates themselves"),
    ),
)
