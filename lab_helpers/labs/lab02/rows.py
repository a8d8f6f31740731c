"""Lab 02: encoded conversations as padded batches."""

import random

import torch

IGNORED = -100
_PIECE = 4  # batches that are sorted by length together


def pad_examples(examples: list[dict], device="cpu") -> dict[str, torch.Tensor]:
    """``input_ids``, ``labels`` and ``attention_mask`` of equal length, (rows, tokens); padding is ignored."""
    longest = max(len(example["input_ids"]) for example in examples)
    columns: dict[str, list] = {"input_ids": [], "labels": [], "attention_mask": []}
    for example in examples:
        used = len(example["input_ids"])
        columns["input_ids"].append(example["input_ids"] + [0] * (longest - used))
        columns["labels"].append(example["labels"] + [IGNORED] * (longest - used))
        columns["attention_mask"].append([1] * used + [0] * (longest - used))
    return {name: torch.tensor(rows, device=device) for name, rows in columns.items()}


def make_batches(
    examples: list[dict], batch_size: int, steps: int, seed: int, device="cpu"
) -> list[dict[str, torch.Tensor]]:
    """``steps`` shuffled batches by ``seed``, in as many passes as that takes.

    Rows of similar length share a batch, so that little is padding.
    """
    rng = random.Random(seed)
    batches: list[list[dict]] = []
    while len(batches) < steps:
        order = list(range(len(examples)))
        rng.shuffle(order)
        for start in range(0, len(order), _PIECE * batch_size):
            piece = order[start : start + _PIECE * batch_size]
            piece.sort(key=lambda i: len(examples[i]["input_ids"]))
            parts = [piece[i : i + batch_size] for i in range(0, len(piece), batch_size)]
            rng.shuffle(parts)
            batches += [[examples[i] for i in part] for part in parts]
    return [pad_examples(batch, device) for batch in batches[:steps]]
