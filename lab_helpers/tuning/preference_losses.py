"""Preference losses by hand, written to be read and tested equal to TRL's ``DPOTrainer``.

Shapes: n pairs; an answer's log-probability is one number, so a batch of them has shape (n,).
"""

from dataclasses import dataclass

import torch
from torch.nn.functional import logsigmoid


def token_logps(logits: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """log π(yₜ | x, y₍<t₎) of each token of the answer, 0 elsewhere; (n, length - 1).

    ``logits`` (n, length, vocabulary); ``ids`` and ``mask`` (n, length), the mask 1 on the answer.
    The logits at place t speak about the token at t + 1.
    """
    chances = logits[:, :-1].float().log_softmax(-1)
    said = chances.gather(2, ids[:, 1:, None])[..., 0]
    return said * mask[:, 1:]


def sequence_logps(logits: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """log π(y | x) = Σₜ log π(yₜ | x, y₍<t₎): the sum over the answer's tokens, (n,)."""
    return token_logps(logits, ids, mask).sum(-1)


@dataclass(frozen=True)
class PairLogps:
    """Log-probabilities of both answers under the policy and the reference, and their tokens, (n,) each."""

    chosen: torch.Tensor
    rejected: torch.Tensor
    reference_chosen: torch.Tensor
    reference_rejected: torch.Tensor
    chosen_tokens: torch.Tensor
    rejected_tokens: torch.Tensor

    @property
    def sides(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the losses without lengths take: chosen, rejected, and both under the reference."""
        return self.chosen, self.rejected, self.reference_chosen, self.reference_rejected

    @property
    def chosen_ratio(self) -> torch.Tensor:
        """log π(y_w | x) - log π_ref(y_w | x): how much likelier the policy has made the chosen answer."""
        return self.chosen - self.reference_chosen

    @property
    def rejected_ratio(self) -> torch.Tensor:
        """log π(y_l | x) - log π_ref(y_l | x)."""
        return self.rejected - self.reference_rejected

    @property
    def margin(self) -> torch.Tensor:
        """The difference of both ratios: the argument of every loss below."""
        return self.chosen_ratio - self.rejected_ratio


def reward_accuracy(chosen, rejected, ref_chosen, ref_rejected) -> torch.Tensor:
    """Share of pairs whose chosen answer has the higher implicit reward; a tie is no success.

    r(x, y) = β log π(y | x) / π_ref(y | x) — DPO eq. (5) without β log Z(x), which cancels.
    """
    return ((chosen - ref_chosen) > (rejected - ref_rejected)).float().mean()


def dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta: float) -> torch.Tensor:
    """-log σ(β (ratio_w - ratio_l)), (n,) — Rafailov et al. 2023 (arXiv:2305.18290) eq. (7)."""
    margin = (chosen - ref_chosen) - (rejected - ref_rejected)
    return -logsigmoid(beta * margin)


def ipo_loss(
    chosen_ratio, rejected_ratio, chosen_tokens, rejected_tokens, tau: float
) -> torch.Tensor:
    """(h - 1/(2τ))², (n,) — Azar et al. 2023 (IPO, arXiv:2310.12036) eq. (17).

    h is the difference of the ratios *per token*, as TRL divides; the paper does not say so.
    """
    h = chosen_ratio / chosen_tokens.clamp(min=1) - rejected_ratio / rejected_tokens.clamp(min=1)
    return (h - 1 / (2 * tau)) ** 2


def robust_loss(logps: PairLogps, beta: float, flipped: float) -> torch.Tensor:
    """((1 - ε) L(w, l) - ε L(l, w)) / (1 - 2ε), (n,) — Chowdhury et al. 2024 (rDPO, arXiv:2403.00409).

    On average over labels of which a share ε = ``flipped`` is wrong, it is the loss on right labels.
    """
    right, wrong = -logsigmoid(beta * logps.margin), -logsigmoid(-beta * logps.margin)
    return ((1 - flipped) * right - flipped * wrong) / (1 - 2 * flipped)


def normalised_loss(logps: PairLogps, beta: float) -> torch.Tensor:
    """-log σ(β (ratio_w / |y_w| - ratio_l / |y_l|)), (n,): TRL's ``sigmoid_norm``.

    Per token, as in SimPO (Meng et al. 2024, arXiv:2405.14734) eq. (4), with the reference kept.
    """
    per_token = (
        logps.chosen_ratio / logps.chosen_tokens.clamp(min=1)
        - logps.rejected_ratio / logps.rejected_tokens.clamp(min=1)
    )  # fmt: skip
    return -logsigmoid(beta * per_token)


def sft_loss(chosen_token_logps: torch.Tensor, chosen_mask: torch.Tensor) -> torch.Tensor:
    """-log π(chosen) per token over the whole batch, a number: TRL's ``sft``, added to hold it up.

    (Pang et al. 2024, arXiv:2404.19733, eq. (1) adds such a term.) Shapes (n, length - 1).
    """
    return -(chosen_token_logps * chosen_mask).sum() / chosen_mask.sum()


def shared_length_logps(logps: torch.Tensor, mask: torch.Tensor, alpha: float) -> torch.Tensor:
    """Log-probabilities that count the tail of the longer answer only by ``alpha``, (2n,).

    LD-DPO (Liu et al. 2024, arXiv:2409.06411), TRL's ``ld_alpha``. ``logps`` and ``mask`` are
    (2n, length - 1), chosen answers first. Tokens up to the length of the shorter answer of a pair
    count in full.
    """
    lengths = mask.sum(-1)
    half = len(lengths) // 2
    shared = torch.minimum(lengths[:half], lengths[half:]).repeat(2)
    place = mask.cumsum(-1)
    weight = torch.where(place <= shared[:, None], 1.0, alpha) * mask
    return (logps * weight).sum(-1)
