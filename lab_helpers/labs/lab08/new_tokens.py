"""Lab 08: a token that the model has never seen, and a second task for a second adapter."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from lab_helpers.course.record import Run
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.answer_loss import pad_right
from lab_helpers.labs.shared.models import load_model
from lab_helpers.runtime.language import Text
from lab_helpers.runtime.lexicon import term
from lab_helpers.tuning.masks import IGNORED, ids_and_labels

ASKED = Text("Which kind of request is this? ", "次の問い合わせの種類は？ ")


@dataclass(frozen=True)
class NewToken:
    """``probability`` of the token as an answer's first, mean over rows; ``moved``: ‖Δe‖/‖e‖ of its embedding."""

    probability: float
    moved: float


def load_with_token(token: str) -> Callable:
    """A loader like :func:`load_model` whose tokenizer and model know ``token``."""

    def load(run: Run):
        model, tokenizer = load_model(run)
        tokenizer.add_tokens([token], special_tokens=True)
        torch.manual_seed(0)  # the new row is drawn from the old ones' distribution
        if len(tokenizer) > model.get_input_embeddings().num_embeddings:
            model.resize_token_embeddings(len(tokenizer))
        return model, tokenizer

    return load


def rows_with_token(examples: list[dict], token: str) -> list[dict]:
    """The rows with ``token`` at the start of every answer."""
    return [
        row | {"completion": [turn | {"content": token + turn["content"]} for turn in row["completion"]]}
        for row in examples
    ]  # fmt: skip


def make_batches(tokenizer, examples: list[dict], size: int, steps: int, device) -> list[dict]:
    """``steps`` batches of ``size`` rows in order, padded on the right: ids, labels and mask, (rows, length)."""
    batches = []
    for start in range(0, size * steps, size):
        rows = [
            ids_and_labels(tokenizer, examples[i % len(examples)])
            for i in range(start, start + size)
        ]
        batch = {
            "input_ids": pad_right([ids for ids, _ in rows], 0),
            "labels": pad_right([labels for _, labels in rows], IGNORED),
            "attention_mask": pad_right([[1] * len(ids) for ids, _ in rows], 0),
        }
        batches.append({name: values.to(device) for name, values in batch.items()})
    return batches


@torch.inference_mode()
def measure_token(model, tokenizer, examples: list[dict], number: int) -> NewToken:
    """How probable token ``number`` is where an answer begins, and how far training has moved its embedding."""
    found = []
    for row in examples:
        ids = tokenizer.apply_chat_template(
            row["prompt"], add_generation_prompt=True, return_dict=True, return_tensors="pt"
        )
        logits = model(**ids.to(model.device)).logits[0, -1].float()
        found.append(float(logits.softmax(-1)[number]))
    index = torch.tensor([number], device=model.device)
    after = model.get_input_embeddings()(index)
    with model.disable_adapter():
        before = model.get_input_embeddings()(index)
    moved = float((after - before).norm() / before.norm())
    return NewToken(sum(found) / len(found), moved)


def kind_examples(language: str, split: str, most: int) -> list[dict]:
    """Requests of customers as prompts, and their kind in one word as the answer."""
    asked = ASKED.ja if language == "ja" else ASKED.en
    return [
        {
            "prompt": [{"role": "user", "content": asked + row["text"]}],
            "completion": [{"role": "assistant", "content": term(row["label"])}],
        }
        for row in load_shipped("requests", language, split)[:most]
    ]
