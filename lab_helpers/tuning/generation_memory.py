"""What writing completions takes: the cache of keys and values, and what comes and goes beside it."""

from dataclasses import replace
from functools import lru_cache

import torch
from torch import nn

from lab_helpers.tuning.dry_run import (
    DryStep,
    along_blocks,
    along_length,
    block_count,
    block_pattern,
    go_through,
)
from lab_helpers.tuning.live_bytes import LiveBytes
from lab_helpers.tuning.memory_weights import head_shape
from lab_helpers.tuning.step_losses import find_backbone

# Where families keep what they remember: attention, Mamba, RWKV.
_MEMORIES = ("past_key_values", "cache_params", "state")


def generation_bytes(step: DryStep) -> tuple[int, int]:
    """(cache, the most that lies beside it) while ``rows`` texts grow to ``length``, ``scored`` of it written.

    The cache is 2 · blocks · key heads · head width · tokens · bytes for plain attention; grouped queries
    have fewer heads (Ainslie et al. 2023), a sliding window keeps its width, a state-space model one
    state a row: the model's own cache is filled and measured.

    Beside it lies what reading the prompts takes, or writing a token, whichever is more. For a token, a
    block's keys are copied to be made longer (transformers' ``DynamicLayer.update``), and its logits
    lie there, and three times in 32 bits (``GenerationMixin._sample``: scores, processed, probabilities).
    """
    cache, _ = _reading_bytes(replace(step, scored=None))
    prompt = step.length - (step.scored or 0)
    _, reading = _reading_bytes(replace(step, length=prompt, scored=None))
    words, _ = head_shape(step.model)
    logits = step.rows * words * (step.wide + 3 * 4)
    return cache, max(reading, cache // (2 * block_count(step.model)) + logits)


def _reading_bytes(step: DryStep) -> tuple[int, int]:
    """(cache, temporaries) of one pass over whole texts without gradients.

    The cache grows with every block. The temporaries are one block's, and what two of them hand on.
    """
    pattern = block_pattern(step.model)
    some = pattern.lengths[1] if pattern else None
    cache = along_length(
        step, lambda one: along_blocks(one.model, lambda blocks: _read(one, blocks)[0])
    )
    return cache, along_length(step, lambda one: _read(one, some)[1])


@lru_cache(maxsize=256)
def _read(step: DryStep, blocks: int | None) -> tuple[int, int]:
    def work(net: nn.Module, ids: torch.Tensor, live: LiveBytes) -> tuple[int, int]:
        causal = net.eval().get_base_model() if hasattr(net, "get_base_model") else net.eval()
        with torch.no_grad():
            found = find_backbone(causal)(input_ids=ids, use_cache=True)
        memory = next((found[name] for name in _MEMORIES if name in found), None)
        kept = _tensor_bytes(memory)
        return kept, live.peak - kept

    return go_through(replace(step, checkpointing=False), blocks, work)


def _tensor_bytes(memory) -> int:
    """Bytes of all tensors in ``memory``, as long as they are seen.

    A sliding window's keys are the end of longer ones after a prompt, and no longer a token later.
    """
    if isinstance(memory, torch.Tensor):
        return memory.nbytes
    if isinstance(memory, dict):
        return sum(map(_tensor_bytes, memory.values()))
    if isinstance(memory, (list, tuple)):
        return sum(map(_tensor_bytes, memory))
    inside = type(memory).__module__.startswith("transformers.")
    return sum(map(_tensor_bytes, vars(memory).values())) if inside else 0
