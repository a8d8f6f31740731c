"""Log-probabilities of given answers under a causal language model, in batches."""

from collections import defaultdict

import numpy as np
import torch

from lab_helpers.models.logits import last_logits
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import track

Pair = tuple[list[int], list[int]]  # token ids of the prompt, and of the answer that follows it


@torch.inference_mode()
def answer_scores(model, pairs: list[Pair], batch_size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """For each answer: whether greedy decoding gives it, and its log-probability; float (n,) each.

    The log-probability is Σ log p(token | prompt, answer so far) over the answer's tokens. Its last
    token is predicted but never read, so answers that differ only there (the letters of a multiple
    choice) share one pass. Prompts must not be empty.
    """
    inputs: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number, (prompt, answer) in enumerate(pairs):
        inputs[(*prompt, *answer[:-1])].append(number)
    order = sorted(inputs, key=len)
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    hits, log_probabilities = np.zeros(len(pairs)), np.zeros(len(pairs))
    for batch in track(batches, say("likelihood", "尤度を計算中"), len(batches)):
        width = len(batch[-1])
        read_from = min(len(pairs[number][0]) for ids in batch for number in inputs[ids]) - 1
        # Padding (any token) stands on the right, where a causal model's earlier tokens do not see it.
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in batch])
        logits = last_logits(model, ids.to(model.device), width - read_from)
        for row, row_ids in enumerate(batch):
            for number in inputs[row_ids]:
                prompt, answer = pairs[number]
                first = len(prompt) - 1 - read_from
                steps = logits[row, first : first + len(answer)].float().log_softmax(-1)
                wanted = torch.tensor(answer, device=steps.device)
                hits[number] = float((steps.argmax(-1) == wanted).all())
                log_probabilities[number] = float(steps.gather(1, wanted[:, None]).sum())
    return hits, log_probabilities
