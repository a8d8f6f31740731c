"""Measuring what Kotori can do: on a model whose every prediction is known, and on unseen texts."""

import itertools
import math
import re
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import corpus, facts, passages, planted, skills
from lab_helpers.models.kotori.facts import LABELS

LANGUAGES = ("en", "ja")
KNOWN = "0123456789"  # one token a digit, each followed by the next
SURE = 8.0


class Counter:
    """A model that can count: after each digit of ``KNOWN`` it expects the next, with logit 8."""

    device = torch.device("cpu")

    def __init__(self, tokenizer):
        self.size = len(tokenizer)
        ids = tokenizer(KNOWN)["input_ids"]
        self.next = dict(itertools.pairwise(ids))

    def __call__(self, input_ids):
        logits = torch.zeros(*input_ids.shape, self.size)
        for row, column in itertools.product(*map(range, input_ids.shape)):
            expected = self.next.get(int(input_ids[row, column]))
            if expected is not None:
                logits[row, column, expected] = SURE
        return SimpleNamespace(logits=logits)

    def log_probability(self, right: int, wrong: int = 0) -> float:
        """Of so many expected tokens and so many others, each after a digit."""
        total = math.log(math.exp(SURE) + self.size - 1)
        return right * (SURE - total) - wrong * total


@pytest.fixture
def counter(small_tokenizer):
    return Counter(small_tokenizer)


# scores


def test_the_expected_continuation_is_a_hit_and_any_other_is_none(counter, small_tokenizer):
    questions = [("0", "123"), ("x 4", "5"), ("0", "124"), ("3", "5"), ("12", "34567")]
    hits, log_probabilities = skills.scores(counter, small_tokenizer, questions)
    assert hits.tolist() == [1, 1, 0, 0, 1]
    expected = [counter.log_probability(*n) for n in ((3,), (1,), (2, 1), (0, 1), (5,))]
    assert log_probabilities == pytest.approx(expected, abs=1e-4)


@given(
    questions=st.lists(
        st.tuples(st.sampled_from(["0", "a long prompt 1", "x2"]), st.sampled_from(["12", "2", "3456"])),
        min_size=1,
        max_size=9,
    ),
    size=st.integers(1, 5),
)  # fmt: skip
def test_scores_do_not_depend_on_the_batch(small_tokenizer, questions, size):
    counter = Counter(small_tokenizer)
    alone = [skills.scores(counter, small_tokenizer, [question]) for question in questions]
    hits, log_probabilities = skills.scores(counter, small_tokenizer, questions, batch_size=size)
    assert hits.tolist() == [float(h[0]) for h, _ in alone]
    assert log_probabilities == pytest.approx([float(p[0]) for _, p in alone], abs=1e-4)


def test_padding_does_not_change_a_real_models_scores(small_model, small_tokenizer):
    questions = [
        ("The lamp", " is new."),
        ("The old lamp in the hall of the shop", " is"),
        ("明", "か"),
    ]
    together = skills.scores(small_model, small_tokenizer, questions)[1]
    alone = [skills.scores(small_model, small_tokenizer, [q])[1][0] for q in questions]
    assert together == pytest.approx(alone, abs=1e-3)


def test_a_hit_is_what_greedy_decoding_writes(small_model, small_tokenizer):
    """Wherever what was written is cut into the same tokens again."""
    rng, compared = Random(0), 0
    for _ in range(10):
        said = "".join(rng.sample(KNOWN, 8))
        ids = torch.tensor([small_tokenizer(said + said[:4])["input_ids"]])
        with torch.inference_mode():
            out = small_model.generate(ids, max_new_tokens=3, do_sample=False, eos_token_id=None)
        written = small_tokenizer.decode(out[0, ids.shape[1] :])
        if small_tokenizer(written)["input_ids"] == out[0, ids.shape[1] :].tolist():
            questions = [(said + said[:4], written), (said + said[:4], written[:-1] + "x")]
            assert skills.scores(small_model, small_tokenizer, questions)[0].tolist() == [1, 0]
            compared += 1
    assert compared >= 3


def test_the_answer_likelier_than_its_options_is_chosen(counter, small_tokenizer, monkeypatch):
    monkeypatch.setattr(
        skills, "make_question", lambda question, option, language: (question, option)
    )
    items = [
        planted.PlantedFact("right", "0", "1", ("2", "3", "4")),
        planted.PlantedFact("wrong", "0", "3", ("1", "2", "4")),
        planted.PlantedFact("longer", "1", "2345", ("3", "4", "5")),
    ]
    assert skills.chosen_correctly(counter, small_tokenizer, items, "en").tolist() == [1, 0, 1]


# Questions


def every_question(language: str) -> list[tuple[str, str]]:
    return [
        *skills.known_facts(language),
        *skills.known_facts(language, unseen_wording=True),
        *skills.copying(language, 1, 30),
        *skills.copying(language, 4, 30, held_out=True),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_prompts_end_where_answers_begin(language):
    """English has its space before the answer and Japanese none; the line's end is the answer's."""
    for prompt, answer in every_question(language):
        assert prompt.endswith("\n" + LABELS[language][1])
        assert answer.startswith(" ") == (language == "en")
        assert answer.endswith("\n")
        assert "\n" not in answer[:-1]
        assert answer.strip()


@pytest.mark.parametrize("language", LANGUAGES)
def test_prompt_and_answer_are_cut_as_in_the_corpus(language, small_tokenizer):
    questions = every_question(language) + skills.few_shot(language, 20)
    for prompt, answer in questions:
        apart = [t for text in (prompt, answer) for t in small_tokenizer(text)["input_ids"]]
        assert apart == small_tokenizer(prompt + answer)["input_ids"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_known_fact_is_asked_once(language):
    pairs = [pair for relation in facts.relations(language) for pair in relation.pairs]
    for unseen in (False, True):
        questions = skills.known_facts(language, unseen)
        assert [answer.strip() for _, answer in questions] == [answer for _, answer in pairs]
        for (prompt, _), (subject, _) in zip(questions, pairs, strict=True):
            assert subject.casefold() in prompt.casefold()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_unseen_wording_is_the_one_kept_back(language):
    expected = [
        relation.ask_unseen(pair)
        for relation in facts.relations(language)
        for pair in relation.pairs
    ]
    ask, reply = LABELS[language]
    asked = [prompt for prompt, _ in skills.known_facts(language, unseen_wording=True)]
    assert asked == [f"{ask}{question}\n{reply}" for question in expected]
    usual = {prompt for prompt, _ in skills.known_facts(language)}
    assert not usual & set(asked)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("count", [1, 4])
def test_an_answer_to_be_copied_stands_in_its_passage(language, held_out, count):
    questions = skills.copying(language, count, 40, held_out)
    assert len(questions) == 40
    for prompt, answer in questions:
        passage, question = prompt.rsplit(LABELS[language][0], 1)
        assert answer.strip() in passage
        assert answer.strip() not in question.removesuffix(LABELS[language][1])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("held_out", [False, True])
def test_copying_asks_with_the_attributes_it_was_told_to(language, held_out):
    shapes = [
        re.compile(".+".join(map(re.escape, template.split("{s}"))), re.IGNORECASE | re.DOTALL)
        for row in passages.attributes(held_out)
        for template in row[language]["questions"]
    ]
    for prompt, _ in skills.copying(language, 2, 60, held_out):
        question = prompt.rsplit(LABELS[language][0], 1)[1].split("\n")[0]
        assert any(shape.fullmatch(question) for shape in shapes), question


@pytest.mark.parametrize("language", LANGUAGES)
def test_few_shot_answers_follow_the_form_of_the_examples(language):
    for prompt, answer in skills.few_shot(language, 40):
        *examples, last = prompt.split("\n")
        assert len(examples) == 4
        tails = set()
        for example in examples:
            word, tail, again = re.fullmatch(r"(\S+) -> (\S+) (\S+)", example).groups()
            assert word == again
            tails.add(tail)
        (tail,) = tails
        assert answer == f" {tail} {last.removesuffix(' ->')}\n"


QUESTIONS = {
    "known_facts": lambda language: skills.known_facts(language),
    "copying": lambda language: skills.copying(language, 3, 25),
    "few_shot": lambda language: skills.few_shot(language, 25),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", QUESTIONS)
def test_questions_are_the_same_each_time_and_come_from_the_held_out_seed(
    name, language, monkeypatch
):
    drawn = QUESTIONS[name](language)
    assert QUESTIONS[name](language) == drawn
    monkeypatch.setattr(corpus, "HELD_OUT_SEED", 77)
    assert QUESTIONS[name](language) != drawn


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_smaller_sample_is_the_beginning_of_a_larger_one(language):
    assert skills.copying(language, 3, 10) == skills.copying(language, 3, 25)[:10]
    assert skills.few_shot(language, 10) == skills.few_shot(language, 25)[:10]


# Perplexity, repetition and the watched curves


def test_the_perplexity_of_knowing_nothing_is_the_size_of_the_table(small_tokenizer):
    size = len(small_tokenizer)

    def uniform(input_ids):
        return SimpleNamespace(logits=torch.zeros(*input_ids.shape, size))

    uniform.device = torch.device("cpu")
    for language in LANGUAGES:
        found = skills.perplexity(uniform, small_tokenizer, language, "facts", documents=3)
        assert found == pytest.approx(size, rel=1e-4)


def test_perplexity_hears_one_language_and_held_out_texts_only(small_tokenizer, monkeypatch):
    heard = []
    real = skills.batches.encode
    monkeypatch.setattr(
        skills.batches, "encode", lambda document, t: heard.append(document) or real(document, t)
    )

    def uniform(input_ids):
        return SimpleNamespace(logits=torch.zeros(*input_ids.shape, len(small_tokenizer)))

    uniform.device = torch.device("cpu")
    skills.perplexity(uniform, small_tokenizer, "ja", "talk", documents=5)
    stream = corpus.documents(corpus.HELD_OUT_SEED, "talk")
    assert heard == [d for d in itertools.islice(stream, 10) if d.language == "ja"]


def test_repetition_of_an_untrained_kotori(small_model, small_tokenizer):
    found = skills.repetition(small_model, small_tokenizer, rows=4)
    assert 0.5 < found <= 1
    assert found == skills.repetition(small_model, small_tokenizer, rows=4)


def test_the_watched_curves_are_shares(counter, small_tokenizer, monkeypatch):
    monkeypatch.setattr(skills, "repetition", lambda model, tokenizer: 0.25)
    monkeypatch.setattr(
        skills,
        "scores",
        lambda m, t, questions: (np.ones(len(questions)), np.zeros(len(questions))),
    )
    assert skills.watched(counter, small_tokenizer, size=4) == {
        "repetition": 0.25,
        **{f"{n}_{c}": 1.0 for n in ("known_facts", "copy_1", "copy_4") for c in LANGUAGES},
    }
