"""An encoder with mean pooling and one linear layer: the smallest useful text classifier."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


def mean_pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Average the token vectors of each text, padding left out.

    Shapes: ``hidden`` (batch, tokens, width), ``mask`` (batch, tokens) of 0/1 → (batch, width).
    Sentence-BERT (Reimers & Gurevych 2019), §3, MEAN strategy.
    """
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


class EncoderClassifier(nn.Module):
    """``encoder`` → mean pooling → ``head`` (width → labels).

    ``forward`` takes ``input_ids`` and ``attention_mask`` of shape (batch, tokens) and returns
    logits of shape (batch, labels).
    """

    def __init__(self, encoder, num_labels: int):
        super().__init__()
        self.encoder = encoder
        self.head = nn.Linear(encoder.config.hidden_size, num_labels)

    def embed(self, input_ids, attention_mask) -> torch.Tensor:
        """Pooled text vectors, (batch, width)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return mean_pool(hidden, attention_mask)

    def forward(self, input_ids, attention_mask) -> torch.Tensor:
        return self.head(self.embed(input_ids, attention_mask))


def encoder_blocks(encoder) -> nn.ModuleList:
    """The Transformer blocks of a BERT-like encoder, bottom to top."""
    return encoder.get_submodule("encoder.layer")


def freeze(model: EncoderClassifier, trainable_blocks: int) -> int:
    """Train the head and the top ``trainable_blocks`` blocks only; return the trainable parameters.

    0 is the frozen probe; all blocks still leave the word embeddings frozen. Use
    ``model.requires_grad_(True)`` for full fine-tuning.
    """
    blocks = encoder_blocks(model.encoder)
    if not 0 <= trainable_blocks <= len(blocks):
        raise BadInput(
            say(
                f"cannot train {trainable_blocks} of {len(blocks)} blocks",
                f"学習させるブロック数に {trainable_blocks} は指定できません（全部で {len(blocks)} ブロック）",
            ),
            say(
                f"Choose a number from 0 to {len(blocks)}.",
                f"0 から {len(blocks)} までの数を指定してください。",
            ),
        )
    model.encoder.requires_grad_(False)
    model.head.requires_grad_(True)
    freeze_bottom(blocks, trainable_blocks)
    return trainable_parameters(model)


def freeze_bottom(blocks, trainable):
    """Let only the top ``trainable`` of the blocks learn; the list runs from the bottom up."""
    for number, block in enumerate(blocks):
        block.requires_grad_(number >= len(blocks) - trainable)


@contextmanager
def blocks_reset(model: EncoderClassifier, pretrained, numbers: Iterable[int]) -> Iterator[None]:
    """While inside, the blocks ``numbers`` of the tuned model have their weights of before training again.

    What a training moved and what the movement was worth are two questions; this asks the second
    (re-initialization: Zhang, Bengio & Singer 2022, "Are All Layers Created Equal?", §3).
    """
    tuned, before = encoder_blocks(model.encoder), encoder_blocks(pretrained)
    numbers = list(numbers)
    kept = {n: {k: v.clone() for k, v in tuned[n].state_dict().items()} for n in numbers}
    for n in numbers:
        tuned[n].load_state_dict(before[n].state_dict())
    try:
        yield
    finally:
        for n in numbers:
            tuned[n].load_state_dict(kept[n])


def trainable_parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
