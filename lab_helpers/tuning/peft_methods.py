"""Formulas of PEFT's other methods by hand, written to be read and tested equal to PEFT.

Shapes, for one linear layer: x (…, k), W (d, k), A (r, k), B (d, r), ΔW (d, k).
"""

import torch


def ia3_forward(x, base, scale) -> torch.Tensor:
    """h = scale ⊙ base(x), (…, k) → (…, d) — IA³ (Liu et al. 2022, arXiv:2205.05638), §3.3.

    The paper multiplies keys and values by learned vectors l_k and l_v; with ``base`` the frozen
    ``nn.Linear`` that computes them and scale (d,) this is that product, the bias scaled too, as in
    PEFT. (For a ``feedforward_modules`` layer PEFT scales the input in its place: base(scale ⊙ x).)
    A scale of ones changes nothing: training starts there.
    """
    return base(x) * scale


def dora_weight(W, A, B, alpha: float, r: int, magnitude) -> torch.Tensor:
    """W' = m ⊙ (W + (α/r) BA) / ‖W + (α/r) BA‖, (d, k) — DoRA (Liu et al. 2024, arXiv:2402.09353), eq. (5).

    One length per output: the norm runs over the k inputs of each row, and magnitude is (d,). The
    scaling α/r is LoRA's and PEFT's; the paper's equation leaves it out.
    """
    direction = W + (alpha / r) * B @ A
    return magnitude[:, None] * direction / direction.norm(dim=1, keepdim=True)


def prepend_prompt(prompt, embeddings, labels) -> tuple[torch.Tensor, torch.Tensor]:
    """The soft prompt before every row — prompt tuning (Lester et al. 2021, arXiv:2104.08691), §2.

    Prompt (k, e) is the trained [P] of the paper's [P; X], embeddings X (n, t, e) → (n, k + t, e).
    Labels (n, t) → (n, k + t): -100 in front, since there is no token to be predicted in the prompt.
    """
    n, k = len(embeddings), len(prompt)
    ignored = labels.new_full((n, k), -100)
    longer = torch.cat((prompt.expand(n, -1, -1), embeddings), dim=1)
    return longer, torch.cat((ignored, labels), dim=1)


def reallocation_steps(config) -> list[int]:
    """The steps at which AdaLoRA takes ranks away (Zhang et al. 2023, arXiv:2303.10512, §3.3).

    Every ``deltaT``-th step after the warm-up ``tinit``; the last one, before ``tfinal`` steps at
    fixed ranks, always. ``config`` is a ``peft.AdaLoraConfig``.
    """
    end = config.total_step - config.tfinal
    return [s for s in range(config.tinit + 1, end) if s % config.deltaT == 0] + [end]


def merge_deltas(deltas, weights) -> torch.Tensor:
    """Σ wᵢ ΔWᵢ, (d, k) — task arithmetic (Ilharco et al. 2023, arXiv:2212.04089), §2.

    Of whole ΔW: adding up the factors A and B separately leaves cross terms BᵢAⱼ in the product.
    """
    return sum(weight * delta for weight, delta in zip(weights, deltas, strict=True))
