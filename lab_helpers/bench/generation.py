"""Tokens that Kotori generates in a second."""

import statistics

from lab_helpers.bench.figure import Figure
from lab_helpers.runtime.language import say


def measure_generation(repeats: int) -> list[Figure]:
    """A batch of 64 questions, greedy, with the KV cache."""
    from lab_helpers.labs.shared.support import gold_rows
    from lab_helpers.models.generation import generate, make_conversation
    from lab_helpers.models.language_models import load_language_model

    model, tokenizer = load_language_model("kotori")
    conversations = [make_conversation(row["question"]) for row in gold_rows("en", "train")[:64]]
    rates = [
        generate(model, tokenizer, conversations, max_new_tokens=48).tokens_per_second
        for _ in range(repeats)
    ]
    return [
        Figure(
            say("generated tokens", "生成したトークン"),
            statistics.median(rates),
            "tokens/s",
            ">= 150 tokens/s",
        )
    ]
