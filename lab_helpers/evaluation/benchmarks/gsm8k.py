"""GSM8K (Cobbe et al. 2021, arXiv:2110.14168): the model writes a solution, its last number is compared.

A base model goes on after "Question: … Answer:", a chat model gets the question as a turn. How the number
is found in the text is in ``numbers``; a score is only as good as that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lab_helpers.evaluation.benchmarks import prompts
from lab_helpers.evaluation.benchmarks.formats import WordProblem
from lab_helpers.evaluation.benchmarks.numbers import flexible_answer, strict_answer
from lab_helpers.models.generation import Conversation, Replies, continue_texts, generate
from lab_helpers.runtime.language import say


@dataclass(frozen=True)
class Solution:
    """A reply to one problem and the numbers found in it; ``ended``: it came to an end by itself."""

    reply: str
    strict: str | None
    flexible: str | None
    ended: bool


def solve(
    model,
    tokenizer,
    items: Sequence[WordProblem],
    *,
    chat: bool = False,
    language: str = "en",
    examples: Sequence[WordProblem] = (),
    max_new_tokens: int = 256,
    batch_size: int = 64,
) -> list[Solution]:
    """A greedy solution of each problem; ``examples`` are shown, solved, before it (few-shot).

    A model that never stops is cut at ``max_new_tokens`` and its ``ended`` is False.
    """
    if chat:
        replies = generate(
            model,
            tokenizer,
            _conversations(model, tokenizer, items, examples, max_new_tokens),
            max_new_tokens,
            batch_size,
        )
    else:
        replies = _continued(
            model, tokenizer, items, examples, language, max_new_tokens, batch_size
        )
    return [
        Solution(text, strict_answer(text), flexible_answer(text), ended)
        for text, ended in zip(replies.texts, replies.ended, strict=True)
    ]


def _conversations(model, tokenizer, items, examples, max_new_tokens) -> list[Conversation]:
    shown: Conversation = []
    for example in examples:
        shown.append({"role": "user", "content": example.question})
        shown.append({"role": "assistant", "content": example.solution})
    asked = [[*shown, {"role": "user", "content": item.question}] for item in items]
    texts = [
        tokenizer.apply_chat_template(c, add_generation_prompt=True, tokenize=False) for c in asked
    ]
    _check_room(model, tokenizer, texts, max_new_tokens)
    return asked


def _continued(model, tokenizer, items, examples, language, max_new_tokens, batch_size) -> Replies:
    shown = [prompts.problem(example, language) for example in examples]
    texts = [prompts.after_examples(prompts.problem(item, language)[0], shown) for item in items]
    _check_room(model, tokenizer, texts, max_new_tokens)
    return continue_texts(
        model, tokenizer, texts, max_new_tokens, batch_size, stop=prompts.STOP[language]
    )


def _check_room(model, tokenizer, texts: list[str], max_new_tokens: int) -> None:
    lengths = [len(tokenizer(text)["input_ids"]) + max_new_tokens for text in texts]
    prompts.check_room(model, lengths, say("problem", "問題"))
