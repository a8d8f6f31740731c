"""Lab 00, ways of asking: plainly, with an instruction, with examples, for JSON."""

import json
from collections.abc import Callable

from lab_helpers.evaluation.tone import HOUSE
from lab_helpers.labs.shared.support import gold_rows
from lab_helpers.models.generation import Conversation

INSTRUCTIONS = {
    "en": (
        "You answer customers of Hoshizora Electric. Begin with “{opening}” and end with “{closing}”. "
        "In between, write one or two calm, complete sentences without exclamation marks."
    ),
    "ja": (
        "あなたは星空電機のお客様に答えます。「{opening}」で始め、「{closing}」で終えてください。"
        "あいだには、感嘆符を使わない丁寧な文を一つか二つ書いてください。"
    ),
}


JSON_INSTRUCTIONS = {
    "en": 'Reply as a JSON object: {"reply": "..."}',
    "ja": '次の形の JSON で答えてください: {"reply": "..."}',
}


def ask_plainly(question: str) -> Conversation:
    """The question and nothing else."""
    return [{"role": "user", "content": question}]


def ask_with_instruction(question: str, language: str) -> Conversation:
    """Zero-shot: the rules of the tone as a system message."""
    house = HOUSE[language]
    rules = INSTRUCTIONS[language].format(opening=house.opening, closing=house.closing)
    return [{"role": "system", "content": rules}, *ask_plainly(question)]


def few_shot_messages(examples, question):
    """Few-shot: earlier exchanges in the right tone, then the question."""
    messages = []
    for row in examples:
        messages.append({"role": "user", "content": row["question"]})
        messages.append({"role": "assistant", "content": row["answer"]})
    return [*messages, {"role": "user", "content": question}]


def ask_for_json(question: str, language: str, examples: list[dict]) -> Conversation:
    """Few-shot with each answer wrapped in a JSON object, and a system message that asks for it."""
    wrapped = [
        row | {"answer": json.dumps({"reply": row["answer"]}, ensure_ascii=False)}
        for row in examples
    ]
    return [
        {"role": "system", "content": JSON_INSTRUCTIONS[language]},
        *few_shot_messages(wrapped, question),
    ]


def read_json_reply(text: str) -> str | None:
    """The reply inside a JSON answer; ``None`` where it does not parse or has no such key."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    reply = value.get("reply") if isinstance(value, dict) else None
    return reply if isinstance(reply, str) else None


def select_examples(language: str, count: int) -> list[dict]:
    """The shortest training answers: what one would paste into a prompt."""
    rows = sorted(
        gold_rows(language, "train"), key=lambda row: len(row["question"] + row["answer"])
    )
    return rows[:count]


def list_ways(language: str, examples: list[dict]) -> dict[str, Callable[[str], Conversation]]:
    """The ways of asking, by name."""
    return {
        "plain": ask_plainly,
        "zero_shot": lambda question: ask_with_instruction(question, language),
        "few_shot": lambda question: few_shot_messages(examples, question),
        "json": lambda question: ask_for_json(question, language, examples),
    }
