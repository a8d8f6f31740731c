"""DPO and its family by hand: against arithmetic and against their own definitions."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.tuning import preference_losses as hand
from lab_helpers.tuning.preference_losses import PairLogps

numbers = st.floats(-40, 0, allow_subnormal=False)
betas = st.floats(0.01, 2)


def pairs(*values, tokens=(4, 4)) -> PairLogps:
    """One pair: chosen, rejected, reference chosen, reference rejected."""
    four = [torch.tensor([value], dtype=torch.float64) for value in values]
    return PairLogps(*four, *(torch.tensor([n]) for n in tokens))


def ipo(logps: PairLogps, tau: float) -> torch.Tensor:
    lengths = logps.chosen_tokens, logps.rejected_tokens
    return hand.ipo_loss(logps.chosen_ratio, logps.rejected_ratio, *lengths, tau)


@given(numbers, numbers, numbers, numbers, betas)
def test_dpo_is_equation_7(chosen, rejected, before_chosen, before_rejected, beta):
    z = beta * ((chosen - before_chosen) - (rejected - before_rejected))
    wanted = math.log1p(math.exp(-z)) if z > -30 else -z
    got = hand.dpo_loss(*pairs(chosen, rejected, before_chosen, before_rejected).sides, beta)
    assert got.item() == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@given(numbers, numbers, betas)
def test_where_policy_and_reference_agree_the_loss_is_ln_2(chosen, rejected, beta):
    same = pairs(chosen, rejected, chosen, rejected)
    assert hand.dpo_loss(*same.sides, beta).item() == pytest.approx(math.log(2))
    assert hand.reward_accuracy(*same.sides) == 0


def test_a_long_answer_pulls_as_hard_as_a_short_one_in_dpo_and_less_in_ipo():
    short, long = (pairs(-2.0, -4.0, -3.0, -3.0, tokens=t) for t in ((2, 2), (20, 20)))
    assert hand.dpo_loss(*short.sides, 0.1) == hand.dpo_loss(*long.sides, 0.1)
    assert hand.normalised_loss(short, 1.0) < hand.normalised_loss(long, 1.0)
    assert ipo(short, 0.1) < ipo(long, 0.1)


def test_ipo_is_least_at_its_own_margin_not_at_infinity():
    """IPO wants h = 1/(2τ); more is as bad as less. DPO always wants more."""
    at = {h: ipo(pairs(4 * h, 0.0, 0.0, 0.0), 0.25).item() for h in (1.0, 2.0, 3.0)}
    assert at[2.0] == 0
    assert at[1.0] == at[3.0] == 1
    more = [hand.dpo_loss(*pairs(h, 0.0, 0.0, 0.0).sides, 0.25).item() for h in (1.0, 2.0, 30.0)]
    assert more == sorted(more, reverse=True)


@given(numbers, numbers, numbers, numbers, st.floats(0, 0.45))
def test_robust_is_right_on_average_over_wrong_labels(a, b, c, d, share):
    """(1 - ε) L(right) + ε L(flipped) of the robust loss is DPO's loss on the right labels."""
    right, flipped = pairs(a, b, c, d), pairs(b, a, d, c)
    mean = (1 - share) * hand.robust_loss(right, 0.1, share) + share * hand.robust_loss(flipped, 0.1, share)  # fmt: skip
    assert mean.item() == pytest.approx(hand.dpo_loss(*right.sides, 0.1).item(), rel=1e-6, abs=1e-9)


def test_robust_without_noise_is_dpo():
    one = pairs(-1.0, -9.0, -2.0, -3.0)
    assert torch.equal(hand.robust_loss(one, 0.3, 0.0), hand.dpo_loss(*one.sides, 0.3))


def test_logps_are_those_of_the_answers_tokens():
    """By hand: three places, the answer is the last two tokens."""
    logits = torch.log(torch.tensor([[[0.1, 0.9], [0.25, 0.75], [0.5, 0.5]]]))
    ids, mask = torch.tensor([[0, 0, 1]]), torch.tensor([[0, 1, 1]])
    got = hand.token_logps(logits, ids, mask)
    assert torch.allclose(got, torch.log(torch.tensor([[0.1, 0.75]])))
    assert hand.sequence_logps(logits, ids, mask).item() == pytest.approx(math.log(0.075))
    prompt_only = hand.sequence_logps(logits, ids, torch.tensor([[1, 1, 0]]))
    assert prompt_only.item() == pytest.approx(math.log(0.1)), "the first token has no prediction"


def test_padding_and_prompt_count_for_nothing():
    torch.manual_seed(0)
    logits, ids = torch.randn(2, 6, 5), torch.randint(5, (2, 6))
    mask = torch.tensor([[0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 1, 0]])
    other = torch.where(mask.bool(), ids, (ids + 1) % 5)
    # Only what the mask marks is scored; logits that predict unmarked tokens may be anything.
    assert torch.equal(hand.sequence_logps(logits, ids, mask), hand.sequence_logps(logits, other, mask))  # fmt: skip


def test_the_tail_beyond_the_shorter_answer_counts_by_alpha():
    logps = torch.tensor([[-1.0, -2.0, -4.0, -8.0], [-1.0, -2.0, -4.0, -8.0]])
    mask = torch.tensor([[0, 1, 1, 1], [0, 1, 0, 0]])
    for alpha, longer in ((0.0, -2.0), (0.5, -8.0), (1.0, -14.0)):
        got = hand.shared_length_logps(logps, mask, alpha)
        assert got.tolist() == [longer, -2.0]


def test_the_margin_is_the_difference_of_both_ratios():
    one = pairs(-1.0, -9.0, -2.0, -3.0)
    assert (one.chosen_ratio.item(), one.rejected_ratio.item(), one.margin.item()) == (1, -6, 7)
    assert hand.reward_accuracy(*one.sides) == 1


def test_the_sft_term_is_a_mean_over_tokens_not_over_answers():
    logps = torch.tensor([[-1.0, 0.0, 0.0], [-3.0, -3.0, -3.0]])
    mask = torch.tensor([[1, 0, 0], [1, 1, 1]])
    assert hand.sft_loss(logps, mask).item() == pytest.approx(10 / 4)
