"""Lab 04, exercise ``choose_rates``: planted wrong answers, check, hints."""

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab04.knowledge import choose_rates
from lab_helpers.runtime.language import Text


def _arm(method, rate, validation, train, skill):
    return {
        "method": method,
        "learning rate": rate,
        "validation loss": validation,
        "training loss": train,
        "old skill": skill,
    }


_ARMS = [
    _arm("full", 1e-4, 2.0, 1.9, 0.9),
    _arm("full", 1e-3, 1.1, 0.8, 0.7),
    _arm("full", 1e-2, 1.4, 0.3, 0.2),
    _arm("lora", 1e-4, 3.0, 2.9, 0.95),
    _arm("lora", 1e-3, 1.6, 1.2, 0.8),
    _arm("lora", 1e-2, 0.9, 0.7, 0.5),
    _arm("lora", 1e-1, 6.0, 0.6, 0.0),
]


def _by(key, best):
    def choose(arms):
        methods = dict.fromkeys(arm["method"] for arm in arms)
        return {
            method: best((a for a in arms if a["method"] == method), key=lambda a: a[key])[
                "learning rate"
            ]
            for method in methods
        }

    return choose


_by_training = _by("training loss", min)
_by_skill = _by("old skill", max)
_by_worst = _by("validation loss", max)


def _one_for_both(arms):
    best = min(arms, key=lambda arm: arm["validation loss"])
    return dict.fromkeys((arm["method"] for arm in arms), best["learning rate"])


def _whole_arms(arms):
    chosen = choose_rates(arms)
    return {arm["method"]: arm for arm in arms if chosen[arm["method"]] == arm["learning rate"]}


_FINGERPRINTS = (
    (
        _by_training,
        "you choose by the training loss: it only falls with the rate's appetite, and the arm that learned its rows by heart wins.",
        "学習データの損失で選んでいます。これでは、行を丸暗記した条件が勝ってしまいます。",
    ),
    (
        _by_skill,
        "you choose by the old skill: that is the very thing to be reported, and whoever learns nothing wins.",
        "元の技能で選んでいます。それはこれから報告する値そのもので、何も学ばなかった条件が勝ってしまいます。",
    ),
    (
        _by_worst,
        "the lowest validation loss, not the highest.",
        "最大ではなく、最小の検証損失です。",
    ),
    (
        _one_for_both,
        "one rate for both methods: each method gets the best of its own arms, or you compare a rate and not a method.",
        "両方の手法に同じ学習率を選んでいます。手法ごとに、自分の条件のうち最良のものを選んでください。そうしないと、手法ではなく学習率を比べることになります。",
    ),
    (
        _whole_arms,
        "return the learning rates, not whole arms.",
        "条件の辞書ではなく、学習率を返してください。",
    ),
)


def _test_rates(answer) -> None:
    got = answer([dict(arm) for arm in _ARMS])
    for wrong, en, ja in _FINGERPRINTS:
        if got == wrong(_ARMS):
            raise Mistake(en, ja)
    right = choose_rates(_ARMS)
    if got != right:
        raise Mistake(f"expected {right}.", f"{right} になるはずです。")


EXERCISE = Exercise(
    name="choose_rates",
    prompt=Text(
        "Each arm is a dict with 'method', 'learning rate' and 'validation loss' (among others). Return {method: learning rate}, for each method the rate of its arm with the lowest validation loss.",
        "各条件は 'method'、'learning rate'、'validation loss' などをもつ辞書です。手法ごとに、検証損失がいちばん小さい条件の学習率を選び、{method: 学習率} を返してください。",
    ),
    reference=choose_rates,
    test=_test_rates,
    hints=(
        Text(
            "Each method for itself: first gather its arms.",
            "手法ごとに考えます。まず、その手法の条件を集めます。",
        ),
        Text(
            "min(some_arms, key=lambda arm: arm['validation loss'])",
            "min(some_arms, key=lambda arm: arm['validation loss'])",
        ),
        Text(
            "{m: min((a for a in arms if a['method'] == m), key=lambda a: a['validation loss'])['learning rate'] for m in {a['method'] for a in arms}}",
            "{m: min((a for a in arms if a['method'] == m), key=lambda a: a['validation loss'])['learning rate'] for m in {a['method'] for a in arms}}",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_by_training, "training loss"),
        WrongAnswer(_by_skill, "whoever learns nothing wins"),
        WrongAnswer(_by_worst, "not the highest"),
        WrongAnswer(_one_for_both, "one rate for both"),
        WrongAnswer(_whole_arms, "not whole arms"),
    ),
)
