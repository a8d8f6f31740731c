"""Which tokens of a training row carry loss: the label mask, by hand and equal to TRL's.

A label is the token itself where the loss hears it, and -100 where it does not (PyTorch's
``ignore_index``). What is heard is decided by the form of the row (``trl.SFTTrainer``, 1.16).
"""

import json
import re
from dataclasses import dataclass

import torch

IGNORED = -100
MODES = ("completion_only", "assistant_only", "everything")


@dataclass(frozen=True)
class Token:
    """One token of a rendered conversation: its text, its id, and whether the loss hears it."""

    text: str
    id: int
    heard: bool


def label_mask(prompt_ids: list[int], ids: list[int]) -> list[int]:
    """Labels of ``ids`` that begin with ``prompt_ids``: -100 for the prompt, then the tokens."""
    return [IGNORED] * len(prompt_ids) + list(ids[len(prompt_ids) :])


def pad_batch(rows: list[dict], pad_id: int) -> dict[str, torch.Tensor]:
    """Rows of ``input_ids`` and ``labels`` as one batch, padded on the right; each tensor (n, longest).

    A place of padding holds ``pad_id``, attention 0 and the label -100. What is padding is decided by the
    place and never by the token: where ``pad_id`` is also the end of a turn, real ends keep their label.
    """
    width = max(len(row["input_ids"]) for row in rows)

    def fill(row: list[int], filler: int) -> list[int]:
        return list(row) + [filler] * (width - len(row))

    return {
        "input_ids": torch.tensor([fill(row["input_ids"], pad_id) for row in rows]),
        "attention_mask": torch.tensor([fill([1] * len(row["input_ids"]), 0) for row in rows]),
        "labels": torch.tensor([fill(row["labels"], IGNORED) for row in rows]),
    }


def masked_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean of -log p(token t | tokens before t) over the tokens whose label is not -100.

    ``logits`` (n, length, vocabulary), ``labels`` (n, length). The logits at place t speak about
    the token at t + 1: hence the shift (Radford et al. 2018, eq. 1, restricted to heard tokens).
    """
    chances = logits[:, :-1].float().log_softmax(-1)
    targets = labels[:, 1:]
    heard = targets != IGNORED
    chosen = chances.gather(2, targets.clamp(min=0)[..., None])[..., 0]
    return -(chosen * heard).sum() / heard.sum()


def accumulated_loss(sums: list[float], tokens: list[int]) -> float:
    """The loss of one large batch from its micro-batches: Σ loss / Σ heard tokens.

    The mean of the micro-batches' means is another number wherever their answers differ in length
    (transformers#34191).
    """
    return sum(sums) / sum(tokens)


def ids_and_labels(
    tokenizer, example: dict, mode: str | None = None
) -> tuple[list[int], list[int]]:
    """Token ids and labels of one training row, as TRL makes them.

    ``example`` holds ``prompt`` and ``completion``, or ``messages``, or ``text``. ``mode`` is one of
    :data:`MODES`; left out, TRL's defaults: the completion of a pair, everything of all else.
    """
    if "prompt" in example:
        turns = example["prompt"], example["completion"]
        if isinstance(turns[0], str):
            # TRL ends a plain completion with the end token unless it stands there
            text = "".join(turns).removesuffix(tokenizer.eos_token or "")
            prompt = tokenizer(turns[0])["input_ids"]
            ids = tokenizer(text + (tokenizer.eos_token or ""))["input_ids"]
            return ids, ids if mode == "everything" else label_mask(prompt, ids)
        tools = read_tools(example)
        ids, labels = _conversation(tokenizer, *turns, mode or "completion_only", tools)
        if mode == "assistant_only":  # of a pair, TRL then hears what both masks let through
            after = _conversation(tokenizer, *turns, "completion_only", tools)[1]
            labels = [
                IGNORED if end == IGNORED else own for own, end in zip(labels, after, strict=True)
            ]
        return ids, labels
    if "messages" in example:
        messages = example["messages"]
        tools = read_tools(example)
        return _conversation(tokenizer, messages[:-1], messages[-1:], mode or "everything", tools)
    text = example["text"].removesuffix(tokenizer.eos_token or "") + (tokenizer.eos_token or "")
    ids = tokenizer(text)["input_ids"]
    return ids, list(ids)


def read_tools(example: dict) -> list[dict] | None:
    """The row's tools as a template takes them; TRL's column may hold their JSON text."""
    tools = example.get("tools")
    return json.loads(tools) if isinstance(tools, str) else tools


def _conversation(tokenizer, prompt: list[dict], completion: list[dict], mode: str, tools=None):
    both = [*prompt, *completion]
    if mode == "assistant_only":
        found = tokenizer.apply_chat_template(
            both,
            tools=tools,
            chat_template=_marked_template(tokenizer),
            return_dict=True,
            return_assistant_tokens_mask=True,
        )
        ids = found["input_ids"]
        heard = found["assistant_masks"]
        return ids, [i if ear else IGNORED for i, ear in zip(ids, heard, strict=True)]
    ids = tokenizer.apply_chat_template(both, tools=tools, return_dict=True)["input_ids"]
    if mode == "everything":
        return ids, list(ids)
    before = tokenizer.apply_chat_template(
        prompt, tools=tools, add_generation_prompt=True, return_dict=True
    )
    return ids, label_mask(before["input_ids"], ids)


def _marked_template(tokenizer) -> str | None:
    """The template with marks that TRL takes in place of one without."""
    if marks_the_assistant(tokenizer):
        return None
    from trl.chat_template_utils import get_training_chat_template

    return get_training_chat_template(tokenizer)


def token_mask(tokenizer, messages: list[dict], mode: str) -> list[Token]:
    """Every token of a conversation with whether it carries loss; ``mode`` one of :data:`MODES`.

    ``completion_only`` takes the last turn for the completion.
    """
    ids, labels = ids_and_labels(tokenizer, {"messages": messages}, mode)
    pieces = _pieces(tokenizer, ids)
    return [
        Token(text, i, label != IGNORED) for text, i, label in zip(pieces, ids, labels, strict=True)
    ]


def _pieces(tokenizer, ids: list[int]) -> list[str]:
    """The text that each token adds; a character of several tokens stands with the last of them."""
    pieces, start = [], 0
    for end in range(1, len(ids) + 1):
        text = tokenizer.decode(ids[start:end])
        whole = not text.endswith("\ufffd") or end == len(ids)
        pieces.append(text if whole else "")
        start = end if whole else start
    return pieces


def marks_the_assistant(tokenizer) -> bool:
    """Whether the chat template marks the assistant's words with ``{% generation %}``."""
    return re.search(r"\{%-?\s*generation\b", tokenizer.chat_template or "") is not None
