"""What Kotori can do: known and planted facts, copying, few-shot, perplexity. Held-out seeds only.

An answer counts as right when every one of its tokens, and the line's end after it, is the model's
first choice: exactly what greedy decoding would write.
"""

import math
from collections.abc import Callable
from random import Random

import numpy as np
import torch

from lab_helpers.models.kotori import batches, corpus, drills, facts, passages
from lab_helpers.models.kotori.facts import LABELS, line_answer
from lab_helpers.models.kotori.values import invented_name
from lab_helpers.models.likelihood import answer_scores

Question = tuple[str, str]  # prompt, answer


def scores(model, tokenizer, questions: list[Question], batch_size: int = 32):
    """For each question: whether greedy decoding gives the answer, and the answer's log-probability.

    Returns two float arrays (n,). Prompt and answer are tokenised apart, as generation would.
    """
    pairs = [
        tuple(tokenizer(text, add_special_tokens=False)["input_ids"] for text in question)
        for question in questions
    ]
    return answer_scores(model, pairs, batch_size)


def make_question(question: str, answer: str, language: str, context: str = "") -> Question:
    """A question in the plain form of the corpus; the line's end belongs to the answer."""
    ask, reply = LABELS[language]
    return f"{context}{ask}{question}\n{reply}", line_answer(answer, language)


def known_facts(language: str, unseen_wording: bool = False) -> list[Question]:
    """Every known fact once; in the question's usual wording or in one never seen."""
    rng = Random(corpus.HELD_OUT_SEED)
    return [
        make_question(
            relation.ask_unseen(pair) if unseen_wording else relation.ask(pair, rng),
            pair[1],
            language,
        )
        for relation in facts.relations(language)
        for pair in relation.pairs
    ]


def copying(language: str, count: int, size: int, held_out: bool = False) -> list[Question]:
    """``size`` unseen passages of ``count`` records with a question each.

    ``held_out`` takes attributes that pre-training never used.
    """
    rng = Random(f"{corpus.HELD_OUT_SEED}-copy-{count}-{language}")
    questions: list[Question] = []
    while len(questions) < size:
        drawn = passages.records(language, rng, count, held_out)
        if len(drawn) < count:
            continue
        record = rng.choice(drawn)
        text = passages.passage_text(drawn, language, rng) + "\n"
        question = passages.question(record, language, rng, held_out)
        questions.append(make_question(question, record.answer, language, text))
    return questions


def few_shot(language: str, size: int) -> list[Question]:
    """An invented word, twice, by the form of four examples: pure form, nothing to know."""
    rng = Random(f"{corpus.HELD_OUT_SEED}-few-shot-{language}")
    questions = []
    for _ in range(size):
        tail = invented_name(language, rng)
        words = [invented_name(language, rng) for _ in range(5)]
        lines = [f"{word} -> {tail} {word}" for word in words[:-1]]
        questions.append(("\n".join(lines) + f"\n{words[-1]} ->", f" {tail} {words[-1]}\n"))
    return questions


def chosen_correctly(model, tokenizer, items: list, language: str) -> np.ndarray:
    """Per planted fact 1.0 if its answer is likelier, per token, than its three wrong options."""
    questions, sizes = [], []
    for item in items:
        for option in (item.answer, *item.options):
            question = make_question(item.question, option, language)
            questions.append(question)
            sizes.append(len(tokenizer(question[1], add_special_tokens=False)["input_ids"]))
    _, log_probabilities = scores(model, tokenizer, questions)
    per_token = (log_probabilities / np.array(sizes)).reshape(len(items), -1)
    return (per_token.argmax(axis=1) == 0).astype(float)


@torch.inference_mode()
def perplexity(model, tokenizer, language: str, kind: str, documents: int = 60) -> float:
    """exp(mean loss) on held-out texts of one kind, over the tokens that carry loss."""
    stream = corpus.documents(corpus.HELD_OUT_SEED, kind)
    total = count = 0.0
    while documents:
        document = next(stream)
        if document.language != language:
            continue
        documents -= 1
        ids, weights = batches.encode(document, tokenizer)
        tokens = torch.tensor([ids], device=model.device)
        losses = torch.nn.functional.cross_entropy(
            model(input_ids=tokens).logits[0, :-1].float(), tokens[0, 1:], reduction="none"
        ).cpu()
        heard = torch.tensor(weights[1:]) > 0
        total, count = total + float(losses[heard].sum()), count + float(heard.sum())
    return math.exp(total / count)


@torch.inference_mode()
def repetition(model, tokenizer, rows: int = 8) -> float:
    """Share of right first choices on random sequences, said again."""
    rng = Random(corpus.HELD_OUT_SEED)
    words = drills.vocabulary(tokenizer)
    drawn = [drills.row(256, words, 24, rng) for _ in range(rows)]
    ids = torch.tensor(np.stack([ids for ids, _ in drawn]), device=model.device)
    heard = torch.tensor(np.stack([weights for _, weights in drawn]))[:, 1:] > 0
    right = (model(input_ids=ids).logits[:, :-1].argmax(-1) == ids[:, 1:]).cpu()
    return float(right[heard].float().mean())


def watched(model, tokenizer, size: int = 40) -> dict[str, float]:
    """The skills that pre-training watches as curves; a small sample of each."""
    found = {"repetition": repetition(model, tokenizer)}
    curves: dict[str, Callable[[str], list[Question]]] = {
        "known_facts": lambda language: known_facts(language)[:: max(1, 900 // size)],
        "copy_1": lambda language: copying(language, 1, size),
        "copy_4": lambda language: copying(language, 4, size),
    }
    for name, questions in curves.items():
        for language in ("en", "ja"):
            hits, _ = scores(model, tokenizer, questions(language))
            found[f"{name}_{language}"] = float(hits.mean())
    return found
