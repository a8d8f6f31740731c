"""Lab 05: exercises on log-probabilities and losses."""

import torch
from torch.nn.functional import logsigmoid

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer, expect_close, same
from lab_helpers.course.language import Text
from lab_helpers.tuning import preference_losses as package

# --- sequence_logps ----------------------------------------------------------------------------


def sequence_logps(logits, ids, mask):
    chances = logits[:, :-1].log_softmax(-1)
    said = chances.gather(2, ids[:, 1:, None])[..., 0]
    return (said * mask[:, 1:]).sum(-1)


def _not_shifted(logits, ids, mask):
    said = logits.log_softmax(-1).gather(2, ids[..., None])[..., 0]
    return (said * mask).sum(-1)


def _no_mask(logits, ids, mask):
    said = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
    return said.sum(-1)


def _raw_logits(logits, ids, mask):
    said = logits[:, :-1].gather(2, ids[:, 1:, None])[..., 0]
    return (said * mask[:, 1:]).sum(-1)


def _mean_logps(logits, ids, mask):
    return sequence_logps(logits, ids, mask) / mask[:, 1:].sum(-1)


def _mask_not_shifted(logits, ids, mask):
    said = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
    return (said * mask[:, :-1]).sum(-1)


def _masks_in_place(logits, ids, mask):
    ids *= mask
    return sequence_logps(logits, ids, mask)


def _batch():
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 6, 7, generator=generator, dtype=torch.float64)
    ids = torch.randint(1, 7, (2, 6), generator=generator)
    mask = torch.tensor([[0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1]])
    return logits, ids, mask


def _test_sequence_logps(answer) -> None:
    logits, ids, mask = _batch()
    given = [value.clone() for value in (logits, ids, mask)]
    got = answer(*given)
    fingerprints = (
        (
            _not_shifted,
            "the logits at place t speak about token t + 1: shift them by one against the ids.",
            "位置 t のロジットが予測するのは t + 1 番目のトークンです。ids と 1 つずらしてください。",
        ),
        (
            _no_mask,
            "the prompt and the padding are counted too: multiply by the mask.",
            "プロンプトやパディングまで数えています。マスクを掛けてください。",
        ),
        (
            _raw_logits,
            "those are raw logits; log-probabilities need log_softmax over the vocabulary.",
            "それは生のロジットです。対数確率にするには、語彙の方向に log_softmax が必要です。",
        ),
        (
            _mean_logps,
            "that is the mean per token; DPO takes the *sum* over the answer.",
            "それはトークンあたりの平均です。DPO では回答全体の「和」を取ります。",
        ),
        (
            _mask_not_shifted,
            "the mask must be shifted with the ids: mask[:, 1:] belongs to ids[:, 1:].",
            "マスクも ids と同じだけずらします。ids[:, 1:] に対応するのは mask[:, 1:] です。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(logits, ids, mask)):
            raise Mistake(en, ja)
    expect_close(
        got,
        package.sequence_logps(logits, ids, mask),
        "not the sum of log π(token) over the answer's tokens.",
        "回答のトークンについての log π の和になっていません。",
    )
    if not all(torch.equal(a, b) for a, b in zip(given, (logits, ids, mask), strict=True)):
        raise Mistake(
            "you changed the tensors you were given; the caller needs them again. Make new ones.",
            "渡されたテンソルを書き換えています。呼び出し元でまた使うので、新しいテンソルを作ってください。",
        )


# --- dpo_loss ----------------------------------------------------------------------------------


def dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta):
    margin = (chosen - ref_chosen) - (rejected - ref_rejected)
    return -logsigmoid(beta * margin)


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


# --- ipo_loss ----------------------------------------------------------------------------------


def ipo_loss(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    h = chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens
    return (h - 1 / (2 * tau)) ** 2


def _ipo_sums(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    return (chosen_ratio - rejected_ratio - 1 / (2 * tau)) ** 2


def _ipo_target_tau(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    h = chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens
    return (h - tau / 2) ** 2


def _ipo_half(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    h = chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens
    return (h - 1 / tau) ** 2


def _ipo_not_squared(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    return (chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens) - 1 / (2 * tau)


def _ipo_one_length(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):
    return ((chosen_ratio - rejected_ratio) / chosen_tokens - 1 / (2 * tau)) ** 2


def _test_ipo(answer) -> None:
    chosen, rejected = torch.tensor([3.0, -2.0, 8.0]), torch.tensor([-1.0, -6.0, 9.0])
    tokens = torch.tensor([5, 8, 10]), torch.tensor([4, 10, 3])
    arguments = (chosen, rejected, *tokens, 0.2)
    got = answer(chosen.clone(), rejected.clone(), *(t.clone() for t in tokens), 0.2)
    fingerprints = (
        (
            _ipo_sums,
            "the ratios are sums over tokens; divide each by its answer's length first.",
            "比はトークンについての和です。まず、それぞれの回答の長さで割ってください。",
        ),
        (
            _ipo_one_length,
            "each side has its own length: divide the rejected ratio by the rejected answer's tokens.",
            "長さは回答ごとに違います。rejected の比は rejected のトークン数で割ってください。",
        ),
        (
            _ipo_target_tau,
            "the goal is 1/(2τ), not τ/2: a small τ allows a wide margin.",
            "目標は τ/2 ではなく 1/(2τ) です。τ が小さいほど大きな差が許されます。",
        ),
        (
            _ipo_half,
            "the factor 2 is missing: the goal is 1/(2τ).",
            "係数 2 が抜けています。目標は 1/(2τ) です。",
        ),
        (
            _ipo_not_squared,
            "the distance is not squared: less than the goal would be negative, and more would be punished only mildly.",
            "距離を 2 乗していません。このままでは、目標に届かないと損失が負になります。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(*arguments)):
            raise Mistake(en, ja)
    expect_close(
        got,
        ipo_loss(*arguments),
        "not (margin per token - 1/(2τ))².",
        "(トークンあたりの差 - 1/(2τ))² になっていません。",
    )


# --- reward_accuracy ---------------------------------------------------------------------------


def reward_accuracy(chosen, rejected, ref_chosen, ref_rejected):
    return ((chosen - ref_chosen) > (rejected - ref_rejected)).float().mean()


def _accuracy_without_reference(chosen, rejected, ref_chosen, ref_rejected):
    return (chosen > rejected).float().mean()


def _accuracy_with_ties(chosen, rejected, ref_chosen, ref_rejected):
    return ((chosen - ref_chosen) >= (rejected - ref_rejected)).float().mean()


def _accuracy_reversed(chosen, rejected, ref_chosen, ref_rejected):
    return ((chosen - ref_chosen) < (rejected - ref_rejected)).float().mean()


def _accuracy_count(chosen, rejected, ref_chosen, ref_rejected):
    return ((chosen - ref_chosen) > (rejected - ref_rejected)).float().sum()


def _accuracy_chosen_up(chosen, rejected, ref_chosen, ref_rejected):
    return (chosen > ref_chosen).float().mean()


def _test_accuracy(answer) -> None:
    logps = [
        torch.tensor(values)
        for values in (
            [-28.0, -15.0, -21.0, -24.0, -14.0, -19.0, -25.0, -27.0, -11.0],
            [-5.0, -17.0, -20.0, -21.0, -17.0, -13.0, -7.0, -21.0, -22.0],
            [-31.0, -16.0, -20.0, -22.0, -11.0, -20.0, -21.0, -28.0, -8.0],
            [-6.0, -12.0, -17.0, -15.0, -12.0, -14.0, -2.0, -22.0, -24.0],
        )
    ]
    got = answer(*(value.clone() for value in logps))
    fingerprints = (
        (
            _accuracy_without_reference,
            "you compare log-probabilities; a reward is the log-probability *minus the reference's*.",
            "対数確率どうしを比べています。報酬は、そこから「参照モデルの対数確率を引いた」値です。",
        ),
        (
            _accuracy_with_ties,
            "a tie counts as success for you: before any training every pair is a tie, and the accuracy would be 1.",
            "同点まで成功に数えています。学習前はすべて同点なので、正解率が 1 になってしまいます。",
        ),
        (
            _accuracy_reversed,
            "this is the share of pairs where the *rejected* answer has the higher reward.",
            "それは「rejected」のほうが報酬の高いペアの割合です。",
        ),
        (
            _accuracy_count,
            "that is a count; return the share, between 0 and 1.",
            "それは個数です。0 から 1 までの割合を返してください。",
        ),
        (
            _accuracy_chosen_up,
            "you never look at the rejected answers: both may rise, or fall, together.",
            "rejected を一度も見ていません。両方がそろって上がることも、下がることもあります。",
        ),
    )
    for wrong, en, ja in fingerprints:
        if same(got, wrong(*logps)):
            raise Mistake(en, ja)
    expect_close(
        got,
        reward_accuracy(*logps),
        "not the share of pairs whose chosen answer has the higher implicit reward.",
        "chosen のほうが暗黙の報酬の高いペアの割合になっていません。",
    )


SEQUENCE_LOGPS = Exercise(
    name="sequence_logps",
    prompt=Text(
        "log π(y | x) of each row: the sum over the answer's tokens (mask 1). logits (n, length, vocabulary), ids and mask (n, length) → (n,).",
        "各行の log π(y | x)、つまり回答のトークン(マスクが 1)についての和を返してください。logits (n, length, vocabulary)、ids と mask (n, length) → (n,)。",
    ),
    stub="def sequence_logps(logits, ids, mask):\n    ...",
    reference=sequence_logps,
    test=_test_sequence_logps,
    hints=(
        Text(
            "Which logits speak about the token at place t?",
            "位置 t のトークンを予測しているのは、どの位置のロジットでしょうか。",
        ),
        Text(
            "log_softmax over the last dimension, then gather the column of each *next* token.",
            "最後の次元で log_softmax を取り、「次の」トークンの列を gather で取り出します。",
        ),
        Text(
            "said = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]; return (said * mask[:, 1:]).sum(-1)",
            "said = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]; return (said * mask[:, 1:]).sum(-1)",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_not_shifted, "shift them by one"),
        WrongAnswer(_no_mask, "multiply by the mask"),
        WrongAnswer(_raw_logits, "raw logits"),
        WrongAnswer(_mean_logps, "mean per token"),
        WrongAnswer(_mask_not_shifted, "must be shifted with the ids"),
        WrongAnswer(_masks_in_place, "changed the tensors"),
    ),
    minutes=8,
)

DPO_LOSS = Exercise(
    name="dpo_loss",
    prompt=Text(
        "DPO's loss of each pair, from four log-probabilities (n,) and β → (n,).",
        "4 つの対数確率 (n,) と β から、ペアごとの DPO の損失 (n,) を求めてください。",
    ),
    stub="def dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta):\n    ...",
    reference=dpo_loss,
    test=_test_dpo_loss,
    hints=(
        Text(
            "Two ratios first: how much likelier has the policy made each answer than the reference?",
            "まず 2 つの比を求めます。ポリシーは、それぞれの回答を参照モデルよりどれだけ起こりやすくしたでしょうか。",
        ),
        Text(
            "In logarithms a ratio is a difference. The margin is the chosen ratio minus the rejected one.",
            "対数では、比は差になります。差(マージン)は chosen の比から rejected の比を引いたものです。",
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
    minutes=8,
)

REWARD_ACCURACY = Exercise(
    name="reward_accuracy",
    prompt=Text(
        "The share of pairs whose chosen answer has the higher implicit reward. Four log-probabilities (n,) → a number.",
        "chosen のほうが暗黙の報酬が高いペアの割合を返してください。4 つの対数確率 (n,) → 1 つの数。",
    ),
    stub="def reward_accuracy(chosen, rejected, ref_chosen, ref_rejected):\n    ...",
    reference=reward_accuracy,
    test=_test_accuracy,
    hints=(
        Text(
            "The reward is β times log π - log π_ref. Does β matter for the order?",
            "報酬は log π - log π_ref の β 倍です。順序に β は関係するでしょうか。",
        ),
        Text(
            "Compare (chosen - ref_chosen) with (rejected - ref_rejected), strictly.",
            "(chosen - ref_chosen) と (rejected - ref_rejected) を、等号なしで比べます。",
        ),
        Text(
            "return ((chosen - ref_chosen) > (rejected - ref_rejected)).float().mean()",
            "return ((chosen - ref_chosen) > (rejected - ref_rejected)).float().mean()",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_accuracy_without_reference, "minus the reference's"),
        WrongAnswer(_accuracy_with_ties, "a tie counts as success"),
        WrongAnswer(_accuracy_reversed, "*rejected* answer has the higher"),
        WrongAnswer(_accuracy_count, "that is a count"),
        WrongAnswer(_accuracy_chosen_up, "never look at the rejected"),
    ),
    minutes=4,
)

IPO_LOSS = Exercise(
    name="ipo_loss",
    prompt=Text(
        "IPO: the squared distance of the margin per token from 1/(2τ). Two log-ratios, two lengths in tokens (n,), τ → (n,).",
        "IPO の損失、つまりトークンあたりの差と 1/(2τ) との距離の 2 乗を返してください。2 つの対数比、2 つのトークン数 (n,)、τ → (n,)。",
    ),
    stub="def ipo_loss(chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau):\n    ...",
    reference=ipo_loss,
    test=_test_ipo,
    hints=(
        Text(
            "What does each ratio become per token?",
            "それぞれの比は、トークンあたりではいくつになりますか。",
        ),
        Text(
            "h = chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens",
            "h = chosen_ratio / chosen_tokens - rejected_ratio / rejected_tokens",
        ),
        Text("return (h - 1 / (2 * tau)) ** 2", "return (h - 1 / (2 * tau)) ** 2"),
    ),
    wrong_answers=(
        WrongAnswer(_ipo_sums, "sums over tokens"),
        WrongAnswer(_ipo_one_length, "its own length"),
        WrongAnswer(_ipo_target_tau, "not τ/2"),
        WrongAnswer(_ipo_half, "factor 2"),
        WrongAnswer(_ipo_not_squared, "not squared"),
    ),
    minutes=5,
)
