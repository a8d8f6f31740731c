"""Batched replies of a chat model: padded on the left, greedy unless told otherwise."""

import time
from dataclasses import dataclass, field, replace

import torch

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import track

Conversation = list[dict[str, str]]


@dataclass
class Replies:
    """``texts`` in the order asked, ``tokens`` generated in all, ``seconds``, prompt lengths in tokens.

    ``ended`` says of each reply whether it came to its end token before the limit.
    """

    texts: list[str]
    tokens: int
    seconds: float
    prompt_tokens: list[int]
    ended: list[bool] = field(default_factory=list)

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds


def make_conversation(question: str, system: str | None = None) -> Conversation:
    """A conversation of one question, after a system message if one is given."""
    opening = [{"role": "system", "content": system}] if system else []
    return [*opening, {"role": "user", "content": question}]


def generate(
    model,
    tokenizer,
    conversations: list[Conversation],
    max_new_tokens: int = 96,
    batch_size: int = 64,
    tools: list[list[dict] | None] | None = None,
    **options,
) -> Replies:
    """The assistant's next message in each conversation; special tokens are taken off.

    Conversations of similar length share a batch. ``tools`` are each conversation's, for templates that
    know them; ``options`` go to ``model.generate``.
    """
    prompts = [
        tokenizer.apply_chat_template(
            conversation, tools=own, add_generation_prompt=True, tokenize=False
        )
        for conversation, own in zip(
            conversations, tools or [None] * len(conversations), strict=True
        )
    ]
    replies = continue_texts(model, tokenizer, prompts, max_new_tokens, batch_size, **options)
    return replace(replies, texts=[text.strip() for text in replies.texts])


@torch.inference_mode()
def continue_texts(
    model,
    tokenizer,
    prompts: list[str],
    max_new_tokens: int = 96,
    batch_size: int = 64,
    stop: tuple[str, ...] = (),
    **options,
) -> Replies:
    """What the model writes after each prompt, white space and all, up to the first of ``stop``.

    A stop string ends a text as an end token does, and is taken off. ``options`` go to ``model.generate``.
    No text grows past what the model reads at once; a prompt that leaves no room is a :class:`BadInput`.
    """
    ids = [tokenizer(p, add_special_tokens=False)["input_ids"] for p in prompts]
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    texts, ended = [""] * len(ids), [False] * len(ids)
    ends = options.get("eos_token_id", model.generation_config.eos_token_id)
    if stop:
        options |= {"stop_strings": list(stop), "tokenizer": tokenizer}
    tokens, started = 0, time.perf_counter()
    batches = _batches([len(row) for row in ids], order, batch_size, model, max_new_tokens)
    for batch in track(batches, say("generate", "生成中"), len(batches)):
        inputs = _left_padded([ids[i] for i in batch], tokenizer.pad_token_id, model.device)
        width = inputs["input_ids"].shape[1]
        room = _check_room(model, width, max_new_tokens)
        settings = {"do_sample": False, "max_new_tokens": room} | options
        output = model.generate(**inputs, pad_token_id=tokenizer.pad_token_id, **settings)
        for i, row in zip(batch, output[:, width:].tolist(), strict=True):
            written = _until_end(row, ends)
            if stop:
                written = _unpadded(written, tokenizer.pad_token_id)
            tokens += len(written)
            text = tokenizer.decode(written, skip_special_tokens=True)
            texts[i] = _before(text, stop)
            ended[i] = _is_end(written[-1], ends) or texts[i] != text
    seconds = time.perf_counter() - started
    return Replies(texts, tokens, seconds, [len(row) for row in ids], ended)


def _batches(
    lengths: list[int], order: list[int], size: int, model, wanted: int
) -> list[list[int]]:
    """Rows of like length together; one that leaves too little room for a reply stands alone.

    In a batch all rows are as wide as the widest: it would cut the others' replies.
    """
    context = getattr(model.config, "max_position_embeddings", None)
    fits = [i for i in order if not context or lengths[i] + wanted <= context]
    alone = [[i] for i in order if context and lengths[i] + wanted > context]
    return [fits[i : i + size] for i in range(0, len(fits), size)] + alone


def _check_room(model, width: int, wanted: int) -> int:
    """How many tokens may follow ``width`` ones; beyond its context a model writes noise."""
    context = getattr(model.config, "max_position_embeddings", None) or width + wanted
    if width >= context:
        raise BadInput(
            say(
                f"a prompt has {width:,} tokens, and the model reads {context:,} at once, its reply included",
                f"プロンプトが {width:,} トークンありますが、モデルが一度に扱えるのは応答を含めて {context:,} トークンまでです",
            ),
            say(
                "Shorten it, or take a model with a longer context.",
                "プロンプトを短くするか、コンテキストの長いモデルを使ってください。",
            ),
        )
    return min(wanted, context - width)


def _unpadded(row: list[int], pad: int) -> list[int]:
    """Without the padding that follows a stop string in a batch."""
    count = len(row)
    while count > 1 and row[count - 1] == pad:
        count -= 1
    return row[:count]


def _before(text: str, stop: tuple[str, ...]) -> str:
    """``text`` up to the first of the stop strings."""
    return text[: min((text.find(mark) for mark in stop if mark in text), default=len(text))]


def _left_padded(rows: list[list[int]], pad: int, device) -> dict[str, torch.Tensor]:
    width = max(map(len, rows))
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}


def _until_end(row: list[int], ends) -> list[int]:
    """The tokens up to and including the first end token."""
    stop = next((i for i, token in enumerate(row) if _is_end(token, ends)), len(row) - 1)
    return row[: stop + 1]


def _is_end(token: int, ends) -> bool:
    return token in (ends if isinstance(ends, list) else [ends])
