"""Lab 05, exercise ``dpo_loss``: planted wrong answers, check, hints."""

import torch
from torch.nn.functional import logsigmoid

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.preference_losses import dpo_loss


def _no_reference(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -logsigmoid(beta * (chosen - rejected))


def _sides_swapped(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -logsigmoid(beta * ((rejected - ref_rejected) - (chosen - ref_chosen)))


def _no_beta(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -logsigmoid((chosen - ref_chosen) - (rejected - ref_rejected))


def _sign(chosen, rejected, ref_chosen, ref_rejected, beta):
    return logsigmoid(beta * ((chosen - ref_chosen) - (rejected - ref_rejected)))


def _no_log(chosen, rejected, ref_chosen, ref_rejected, beta):
    return 1 - torch.sigmoid(beta * ((chosen - ref_chosen) - (rejected - ref_rejected)))


def _mean_of_batch(*arguments):
    return dpo_loss(*arguments).mean()


def _unstable(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -torch.log(torch.sigmoid(beta * ((chosen - ref_chosen) - (rejected - ref_rejected))))


def _logps(seed: int = 1, n: int = 5):
    generator = torch.Generator().manual_seed(seed)
    return [-20 * torch.rand(n, generator=generator) for _ in range(4)]


def _test_dpo_loss(answer) -> None:
    logps = _logps()
    arguments: tuple = (*logps, 0.3)
    got = answer(*(value.clone() for value in logps), 0.3)
    fingerprints = (
        (
            _no_reference,
            "the reference is missing: each answer counts by how much likelier than *under the reference* it is.",
            "参照モデルが抜けています。それぞれの回答が「参照モデルより」どれだけ起こりやすくなったかで数えます。",
        ),
        (
            _sides_swapped,
            "chosen and rejected are exchanged: this loss would prefer the worse answer.",
            "chosen と rejected が逆です。この損失では悪いほうの回答が好まれてしまいます。",
        ),
        (
            _no_beta,
            "β is missing: it sets how far the policy may go from the reference.",
            "β がありません。参照モデルからどこまで離れてよいかを決める係数です。",
        ),
        (
            _sign,
            "the sign is wrong: log σ is negative, and a loss is minimised.",
            "符号が逆です。log σ は負の値で、損失は小さくするものです。",
        ),
        (
            _no_log,
            "that is 1 - σ, the weight of the gradient; the loss is -log σ.",
            "それは 1 - σ、つまり勾配の重みです。損失は -log σ です。",
        ),
        (
            _mean_of_batch,
            "you averaged over the batch: return one loss per pair.",
            "バッチで平均しています。ペアごとの損失を返してください。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(*arguments)):
            raise Mistake(en, ja)
    expect_close(
        got,
        dpo_loss(*arguments),
        "not -log σ(β (ratio of chosen - ratio of rejected)).",
        "-log σ(β (chosen の比 - rejected の比)) になっていません。",
    )
    far = [torch.tensor([value]) for value in (-900.0, 0.0, 0.0, -900.0)]
    if not torch.isfinite(answer(*far, 1.0)).all():
        raise Mistake(
            "for a pair that is far wrong the loss becomes infinite: log(sigmoid(x)) underflows. "
            "torch.nn.functional.logsigmoid does not.",
            "大きく外れたペアで損失が無限大になります。log(sigmoid(x)) は桁あふれするので、"
            "torch.nn.functional.logsigmoid を使ってください。",
        )


EXERCISE = Exercise(
    name="dpo_loss",
    prompt=Text(
        "DPO's loss of each pair, from four log-probabilities (n,) and β → (n,).",
        "4 つの対数確率 (n,) と β から、ペアごとの DPO の損失 (n,) を求めてください。",
    ),
    reference=dpo_loss,
    test=_test_dpo_loss,
    hints=(
        Text(
            "Two ratios first: how much likelier has the policy made each answer than the reference?",
            "まず 2 つの比を求めます。方策は、それぞれの回答を参照モデルよりどれだけ起こりやすくしたでしょうか。",
        ),
        Text(
            "In logarithms a ratio is a difference. The margin is the chosen ratio minus the rejected one.",
            "対数では、比は差になります。差（マージン）は chosen の比から rejected の比を引いたものです。",
        ),
        Text(
            "return -torch.nn.functional.logsigmoid(beta * ((chosen - ref_chosen) - (rejected - ref_rejected)))",
            "return -torch.nn.functional.logsigmoid(beta * ((chosen - ref_chosen) - (rejected - ref_rejected)))",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_no_reference, "the reference is missing"),
        WrongAnswer(_sides_swapped, "exchanged"),
        WrongAnswer(_no_beta, "β is missing"),
        WrongAnswer(_sign, "the sign is wrong"),
        WrongAnswer(_no_log, "weight of the gradient"),
        WrongAnswer(_mean_of_batch, "averaged over the batch"),
        WrongAnswer(_unstable, "underflows"),
    ),
)
