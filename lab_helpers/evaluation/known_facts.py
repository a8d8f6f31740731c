"""Probes of what Kotori read in pre-training, and of what it never read, as questions of a chat.

Every second known fact is for probing and the others for training, so that no probe is ever taught.
"""

from random import Random

import numpy as np

from lab_helpers.evaluation.replies import says
from lab_helpers.models.generation import generate
from lab_helpers.models.kotori import corpus, facts, planted
from lab_helpers.models.kotori.skills import Question, chosen_correctly, make_question, scores

Fact = tuple[str, str]  # question, answer


def known(language: str, part: str) -> list[Fact]:
    """Facts of the pre-training in its wording; ``part`` is ``"probe"`` or ``"train"``."""
    rng = Random(corpus.HELD_OUT_SEED)
    every = [
        (relation.ask(pair, rng), pair[1])
        for relation in facts.relations(language)
        for pair in relation.pairs
    ]
    return every[0::2] if part == "probe" else every[1::2]


def unknown(language: str) -> list[Fact]:
    """The company's facts: no text before this lab mentions them, whatever the model."""
    return [(fact.question, fact.answer) for fact in planted.company_facts(language)]


def spread(items: list, size: int) -> list:
    """``size`` of ``items``, evenly spaced over them."""
    size = min(size, len(items))
    return [items[i * len(items) // size] for i in range(size)]


def in_chat(tokenizer, fact: Fact) -> Question:
    """The fact as a turn of the user, and the answer with the end of the assistant's turn."""
    question, answer = fact
    turn = {"role": "user", "content": question}
    prompt = tokenizer.apply_chat_template([turn], add_generation_prompt=True, tokenize=False)
    reply = {"role": "assistant", "content": answer}
    whole = tokenizer.apply_chat_template([turn, reply], tokenize=False)
    return prompt, whole[whole.rindex(answer) :].rstrip("\n")


def chat_hits(model, tokenizer, items: list[Fact]) -> np.ndarray:
    """1.0 for each fact that greedy decoding answers in a chat, word for word."""
    return scores(model, tokenizer, [in_chat(tokenizer, fact) for fact in items])[0]


def said(model, tokenizer, items: list[Fact], max_new_tokens: int = 24) -> np.ndarray:
    """1.0 for each fact whose answer stands in the greedy reply, whatever the words around it."""
    questions = [[{"role": "user", "content": question}] for question, _ in items]
    replies = generate(model, tokenizer, questions, max_new_tokens=max_new_tokens).texts
    return np.array([float(says(a, r)) for (_, a), r in zip(items, replies, strict=True)])


def plain_hits(model, tokenizer, items: list[Fact], language: str) -> np.ndarray:
    """The same in the "Question: … Answer:" form of the pre-training: the old world's own skill."""
    return scores(model, tokenizer, [make_question(*fact, language) for fact in items])[0]


def chosen_right(model, tokenizer, language: str, size: int) -> np.ndarray:
    """1.0 for each known fact whose answer is likelier than three other answers of its relation.

    This asks what the model knows, whatever it would say; guessing is right one time in four.
    """
    items = []
    for relation in facts.relations(language):
        answers = sorted({answer for _, answer in relation.pairs})
        if len(answers) < 4:
            continue
        for number, (subject, answer) in enumerate(relation.pairs):
            others = [other for other in answers if other != answer]
            options = tuple(Random(number).sample(others, 3))
            question = relation.ask((subject, answer), Random(number))
            items.append(planted.PlantedFact(relation.name, question, answer, options))
    return chosen_correctly(model, tokenizer, spread(items, size), language)
