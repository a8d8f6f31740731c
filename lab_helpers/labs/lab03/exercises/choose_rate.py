"""Lab 03, exercise ``choose_rate``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab03.training import choose_rate
from lab_helpers.runtime.language import Text

# Pretended trainings: at which rate each split's loss is lowest is known.
_LOSSES = {
    "train": {1e-3: 2.5, 5e-3: 1.4, 2e-2: 0.2},
    "validation": {1e-3: 2.6, 5e-3: 1.9, 2e-2: 3.0},
    "test": {1e-3: 1.7, 5e-3: 2.0, 2e-2: 3.1},
}
_RATES = (1e-3, 5e-3, 2e-2)


class _Pretended:
    """``train`` and ``loss`` without a model; it notes what was asked of it."""

    def __init__(self):
        self.trained: list[float] = []
        self.read: list[str] = []

    def train(self, rate):
        self.trained.append(rate)
        return rate

    def loss(self, model, rows):
        self.read.append(rows)
        if not isinstance(model, float) or rows not in _LOSSES:
            raise Mistake(
                "loss takes a model and one split: loss(train(rate), rows['validation']).",
                "loss に渡すのは、モデルと 1 つの分割です: loss(train(rate), rows['validation'])。",
            )
        return _LOSSES[rows][model]


def _on_training_rows(rates, train, loss, rows):
    return min(rates, key=lambda rate: loss(train(rate), rows["train"]))


def _on_test_rows(rates, train, loss, rows):
    return min(rates, key=lambda rate: loss(train(rate), rows["test"]))


def _the_loss(rates, train, loss, rows):
    return min(loss(train(rate), rows["validation"]) for rate in rates)


def _the_worst(rates, train, loss, rows):
    return max(rates, key=lambda rate: loss(train(rate), rows["validation"]))


def _untrained(rates, train, loss, rows):
    return next(iter(rates))


def _trained_twice(rates, train, loss, rows):
    losses = [loss(train(rate), rows["validation"]) for rate in rates]
    best = choose_rate(rates, train, loss, rows)
    return best if losses else None


def _test(answer) -> None:
    asked = _Pretended()
    got = answer(_RATES, asked.train, asked.loss, {split: split for split in _LOSSES})
    if "test" in asked.read:
        raise Mistake(
            "you look at the test rows: they are for the report, once, after the choice.",
            "テスト用の行を見ています。テスト用の行は、選び終えたあとの報告で 1 度だけ使います。",
        )
    if "train" in asked.read:
        raise Mistake(
            "you choose on the rows that it trained on: there the largest rate looks best, because it has learned them by heart.",
            "学習に使った行で選んでいます。そこでは、行を丸暗記した最大の学習率がいちばん良く見えます。",
        )
    if set(asked.trained) != set(_RATES):
        raise Mistake(
            "train a model at every rate before you choose: train(rate).",
            "選ぶ前に、すべての学習率でモデルを学習させてください: train(rate)。",
        )
    if len(asked.trained) > len(_RATES):
        raise Mistake(
            "you train more than once at the same rate: each call costs a whole training.",
            "同じ学習率で 2 度以上学習させています。呼び出すたびに、学習がまるごと 1 回走ります。",
        )
    if got == min(_LOSSES["validation"].values()):
        raise Mistake("that is the lowest loss; return the *rate* that reached it.", "それは最小の損失です。その損失に達した「学習率」を返してください。")  # fmt: skip
    if got == max(_RATES, key=_LOSSES["validation"].__getitem__):
        raise Mistake("that rate has the *highest* validation loss.", "それは検証用の行での損失が最も「高い」学習率です。")  # fmt: skip
    if got != 5e-3:
        raise Mistake("not the rate with the lowest validation loss.", "検証用の行での損失が最も低い学習率になっていません。")  # fmt: skip


EXERCISE = Exercise(
    name="choose_rate",
    prompt=Text(
        "Train at every rate, and return the one with the lowest loss on the validation rows."
        " train(rate) gives a model, loss(model, rows[split]) a number; splits: train, validation, test.",
        "すべての学習率で学習させ、検証用の行での損失が最も低い学習率を返してください。"
        "train(rate) はモデルを、loss(model, rows[split]) は数値を返します。split は train、validation、test です。",
    ),
    reference=choose_rate,
    test=_test,
    hints=(
        Text(
            "Which of the three splits has neither taught the model nor will be reported?",
            "3 つの分割のうち、モデルの学習にも最後の報告にも使わないのはどれですか。",
        ),
        Text(
            "losses = {rate: loss(train(rate), rows['validation']) for rate in rates}",
            "losses = {rate: loss(train(rate), rows['validation']) for rate in rates}",
        ),
        Text("return min(losses, key=losses.get)", "return min(losses, key=losses.get)"),
    ),
    wrong_answers=(
        WrongAnswer(_on_training_rows, "learned them by heart"),
        WrongAnswer(_on_test_rows, "for the report"),
        WrongAnswer(_the_loss, "lowest loss"),
        WrongAnswer(_the_worst, "*highest*"),
        WrongAnswer(_untrained, "at every rate"),
        WrongAnswer(_trained_twice, "more than once"),
    ),
)
