"""The mixture: every kind, both languages in turn, the same for the same seed."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import corpus
from lab_helpers.models.kotori.corpus import MIXTURE, diversity, documents

# Kinds that are a special case of another carry its name.
FAMILY = {
    "few_shot_opinions": "few_shot",
    "few_shot_forms": "few_shot",
    "easy_passages": "passages",
}


def first(count: int, seed: int, only: str | None = None) -> list:
    return list(itertools.islice(documents(seed, only), count))


@given(seed=st.integers(0, 2**40), only=st.sampled_from([None, *MIXTURE]))
def test_documents_are_the_same_for_the_same_seed(seed, only):
    assert first(4, seed, only) == first(4, seed, only)


def test_other_seeds_give_other_documents():
    assert len({document.text for seed in range(100) for document in first(1, seed)}) > 95


@given(seed=st.integers(0, 2**40), only=st.sampled_from([None, *MIXTURE]))
def test_languages_take_turns(seed, only):
    assert [document.language for document in first(4, seed, only)] == ["en", "ja", "en", "ja"]


def test_shares_add_up_to_one():
    assert sum(share for _, share in MIXTURE.values()) == pytest.approx(1)


def test_every_share_lies_between_0_and_1():
    assert all(0 < share < 1 for _, share in MIXTURE.values())


@pytest.mark.parametrize("kind", MIXTURE)
def test_documents_of_one_kind_carry_its_name(kind):
    assert {document.kind for document in first(10, 0, kind)} == {FAMILY.get(kind, kind)}


def test_the_mixture_draws_every_kind_by_its_share(monkeypatch):
    drawn = {kind: 0 for kind in MIXTURE}

    def counting(kind, maker):
        def make(language, rng):
            drawn[kind] += 1
            return maker(language, rng)

        return make

    for kind, (maker, share) in MIXTURE.items():
        monkeypatch.setitem(MIXTURE, kind, (counting(kind, maker), share))
    first(4_000, 0)
    for kind, (_, share) in MIXTURE.items():
        assert drawn[kind] / 4_000 == pytest.approx(share, abs=0.02)
        assert drawn[kind] > 0.5 * share * 4_000


@pytest.mark.parametrize("kind", MIXTURE)
def test_ranges_lie_inside_the_text_and_are_no_special_token(kind, sample):
    for document in sample(kind, 200):
        for start, end in (*document.silent, *document.answers):
            assert 0 <= start <= end <= len(document.text)
        assert "<|endoftext|>" not in document.text
        for start, end in document.silent:
            assert "<|im_" not in document.text[start:end]


@pytest.mark.parametrize("kind", MIXTURE)
def test_no_text_shows_a_template(kind, sample):
    for document in sample(kind, 200):
        text = document.text
        if kind not in ("json", "code"):
            assert not set("{}") & set(text.replace("<|", ""))
        assert text.strip()


@pytest.mark.parametrize("kind", MIXTURE)
def test_chatml_is_whole(kind, sample):
    for document in sample(kind, 200):
        opened = document.text.count("<|im_start|>")
        assert opened == document.text.count("<|im_end|>\n") == document.text.count("<|im_end|>")
        if opened and kind != "code":
            assert document.text.startswith("<|im_start|>")
            assert document.text.endswith("<|im_end|>\n")


@pytest.mark.parametrize("kind", MIXTURE)
def test_hardly_a_text_comes_twice(kind, sample):
    texts = {document.text for document in sample(kind, 200)}
    assert len(texts) > (130 if kind == "code" else 190), "of 32 functions, many texts have one"


def test_the_report_on_diversity_counts_every_document():
    report = diversity(600, seed=1)
    assert sum(row["documents"] for row in report.values()) == 600
    assert {name.split(".")[1] for name in report} == {"en", "ja"}
    halves = [sum(r["documents"] for n, r in report.items() if n.endswith(c)) for c in ("en", "ja")]
    assert halves == [300, 300]
    assert sum(row["characters"] for row in report.values()) == sum(
        len(d.text) for d in first(600, 1)
    )


def test_the_report_on_diversity_has_shares():
    report = diversity(600, seed=1)
    assert list(report) == sorted(report)
    for name, row in report.items():
        assert 0.5 < row["distinct_texts"] <= 1, name
        assert 0.1 < row["distinct_8grams"] <= 1, name
    assert report == diversity(600, seed=1)


def test_a_kind_that_repeats_itself_shows_in_the_report(monkeypatch):
    from lab_helpers.models.kotori.documents import CorpusText

    def parrot(language, rng):
        return CorpusText("service", language, "The same again.")

    monkeypatch.setattr(corpus, "MIXTURE", {"service": (parrot, 1.0)})
    row = diversity(20)["service.en"]
    assert row == {
        "documents": 10,
        "characters": 150,
        "distinct_texts": 0.1,
        "distinct_8grams": 0.1,
    }
