"""One small training loop and its batching, used by every encoder experiment."""

import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from lab_helpers.runtime.allocator import keep_freed_memory
from lab_helpers.runtime.lexicon import term
from lab_helpers.runtime.precision import FLOAT32, Precision
from lab_helpers.runtime.progress import track

MEGABATCH = 8


@dataclass
class History:
    """Loss of every step, and evaluations as ``(steps done, score)``."""

    losses: list[float] = field(default_factory=list)
    scores: list[tuple[int, float]] = field(default_factory=list)
    diverged: bool = False


def train_step(model, batch, labels, optimizer):
    """One update by cross-entropy: forward, loss, backward, step. Returns the loss before the update.

    ``batch`` holds the model's inputs by name, ``labels`` the right classes, shape (batch,).
    """
    loss = nn.functional.cross_entropy(model(**batch), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def length_batches(lengths: list[int], batch_size: int, seed: int) -> list[list[int]]:
    """Indices in shuffled batches whose members have similar lengths, so that little is padding.

    Shuffle, cut into pieces of ``MEGABATCH`` batches, sort each piece by length, shuffle batches.
    """
    rng = random.Random(seed)
    order = list(range(len(lengths)))
    rng.shuffle(order)
    piece = batch_size * MEGABATCH
    batches = []
    for start in range(0, len(order), piece):
        part = sorted(order[start : start + piece], key=lambda i: lengths[i])
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    rng.shuffle(batches)
    return batches


def train_epochs(
    model: nn.Module,
    batches_of_epoch: Callable[[int], Iterator],
    loss_of: Callable[[Any], torch.Tensor],
    *,
    epochs: int,
    steps_per_epoch: int,
    learning_rate: float,
    head_learning_rate: float | None = None,
    precision: Precision = FLOAT32,
    label: str = "training",
    score: Callable[[], float] | None = None,
    score_every: int = 0,
    stop_at: float | None = None,
) -> History:
    """AdamW with linear warm-up (10 %) and decay over ``epochs``; only trainable weights move.

    ``batches_of_epoch(epoch)`` yields batches, ``loss_of(batch)`` gives the loss to minimise.
    ``precision`` chooses autocast; the weights themselves stay float32, and fp16 gets a gradient scaler.
    Parameters whose name starts with ``head`` or ``classifier`` learn at ``head_learning_rate``.
    With ``score``, it is called every ``score_every`` steps and training ends once it reaches
    ``stop_at``. A loss that is not finite ends training and sets ``History.diverged``.
    """
    from transformers import get_linear_schedule_with_warmup

    keep_freed_memory()
    groups = _parameter_groups(model, learning_rate, head_learning_rate)
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, fused=True)
    total = epochs * steps_per_epoch
    schedule = get_linear_schedule_with_warmup(optimizer, max(1, total // 10), total)
    device = groups[0]["params"][0].device.type
    scaler = torch.amp.GradScaler(device, enabled=precision.gradient_scaler)
    history = History()
    model.train()
    every = (batch for epoch in range(epochs) for batch in batches_of_epoch(epoch))
    for step, batch in enumerate(track(every, term(label), total), 1):
        with autocast(precision, device):
            loss = loss_of(batch)
        if not torch.isfinite(loss):
            history.diverged = True
            break
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_([p for g in groups for p in g["params"]], 1.0)
        scaler.step(optimizer)
        scaler.update()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        history.losses.append(loss.item())
        if score and score_every and step % score_every == 0:
            model.eval()
            history.scores.append((step, score()))
            model.train()
            if stop_at is not None and history.scores[-1][1] >= stop_at:
                break
    model.eval()
    return history


def autocast(precision: Precision, device: str):
    """The autocast context of a precision on ``"cpu"`` or ``"cuda"``; none for fp32."""
    if precision.autocast is None:
        return nullcontext()
    dtype = torch.bfloat16 if precision.autocast == "bf16" else torch.float16
    return torch.autocast(device, dtype)


def _parameter_groups(model, learning_rate, head_learning_rate) -> list[dict]:
    body: list = []
    head: list = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            is_head = name.startswith(("head", "classifier"))
            (head if is_head else body).append(parameter)
    groups = [
        {"params": body, "lr": learning_rate},
        {"params": head, "lr": head_learning_rate or learning_rate},
    ]
    return [group for group in groups if group["params"]]
