"""The losses of a step without weights: the model's own, whole logits, TRL's fused one, a score."""

from contextlib import nullcontext

import torch
from torch import nn

from lab_helpers.tuning.stand_ins import HEAD_COLUMNS, FusedHead


def run_step(net: nn.Module, ids: torch.Tensor, loss: str, scored: int | None, reference: bool):
    """Forward, the reference's forward where there is one, backward; as the trainers order them.

    TRL's DPO runs the reference while the policy's graph is alive (``DPOTrainer._compute_loss``).
    """
    value = find_loss(net, ids, loss, scored)
    if reference:
        off = net.disable_adapter() if hasattr(net, "disable_adapter") else nullcontext()
        with torch.no_grad(), off:
            find_loss(net, ids, loss, scored)
    value.backward()


def find_loss(net: nn.Module, ids: torch.Tensor, loss: str, scored: int | None) -> torch.Tensor:
    """A number with a graph behind it: what the backward pass of such a training starts from."""
    if loss == "model":
        return net(input_ids=ids, labels=ids, use_cache=False).loss
    causal = net.get_base_model() if hasattr(net, "get_base_model") else net
    hidden = find_backbone(causal)(input_ids=ids, use_cache=False).last_hidden_state
    if loss == "score":
        return nn.functional.linear(hidden, hidden.new_empty(1, hidden.shape[-1])).sum()
    head = causal.get_output_embeddings()
    hidden = hidden[:, :-1].to(head.weight.dtype)  # Mamba's residuals stay in float32
    if loss == "fused_torch":
        return _fused_without_triton(hidden, head)
    hidden = hidden[:, -(scored or ids.shape[1]) :]
    if loss == "fused":
        return _fused(hidden, head)
    # TRL before 1.16: logits over the temperature, then the log-softmax of autocast, in float32.
    spread = (head(hidden) / 1.0).float().log_softmax(-1)
    return spread.gather(-1, ids[:, 1:][:, -spread.shape[1] :, None]).sum()


def find_backbone(causal: nn.Module) -> nn.Module:
    """The model without its head: what TRL's fused head calls, or where that is missing, its like."""
    base = getattr(causal, "base_model", causal)
    if base is not causal:
        return base
    names = ("model", "transformer", "backbone", "language_model", "decoder")
    return next(getattr(causal, name) for name in names if hasattr(causal, name))


def _fused(hidden: torch.Tensor, head: nn.Module) -> torch.Tensor:
    flat = hidden.reshape(-1, hidden.shape[-1])
    chosen = torch.arange(len(flat), device=flat.device)  # TRL picks the rows that have a label
    bias = getattr(head, "bias", None)
    return FusedHead.apply(flat.index_select(0, chosen), head.weight, bias).sum()


def _fused_without_triton(hidden: torch.Tensor, head: nn.Module) -> torch.Tensor:
    """TRL folds each tile with torch operations that make copies of it: its own code is run.

    Without Triton every position is scored, prompts too (``add_fused_lm_head``: ``compact``).
    """
    from trl.kernels.chunked_logprob import ChunkedLogProbFunction

    flat = hidden.reshape(-1, hidden.shape[-1])
    labels = torch.zeros(len(flat), dtype=torch.long, device=flat.device)
    outputs = ("log_probs", "entropy", "is_top1")
    found = ChunkedLogProbFunction.apply(
        flat,
        head.weight,
        getattr(head, "bias", None),
        labels,
        1.0,
        HEAD_COLUMNS,
        None,
        1.0,
        outputs,
    )
    return found[0].sum()
