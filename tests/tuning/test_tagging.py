"""IOB2 tags from spans and back, and the two taggers."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.spans import gold_spans, span_scores
from lab_helpers.models.encoders import load_tagger, load_tokenizer
from lab_helpers.runtime.precision import Precision
from lab_helpers.tuning.tagging import (
    KINDS,
    TAGS,
    CrfTagger,
    EntityTagger,
    spans_from,
    tags_for,
    word_features,
    word_shape,
    words_with_offsets,
)


@st.composite
def words_with_spans(draw):
    """Offsets of words with gaps of 0–2 characters, and entities over runs of words."""
    offsets, entities, place = [], [], 0
    for kind, length in draw(
        st.lists(st.tuples(st.sampled_from([None, *KINDS]), st.integers(1, 4)), max_size=10)
    ):
        first = len(offsets)
        for _ in range(length):
            place += draw(st.integers(0, 2))
            end = place + draw(st.integers(1, 5))
            offsets.append((place, end))
            place = end
        if kind:
            start, end = offsets[first][0], offsets[-1][1]
            entities.append({"start": start, "end": end, "label": kind})
    return offsets, entities


def as_set(entities: list[dict]) -> set[tuple[int, int, str]]:
    return {(e["start"], e["end"], e["label"]) for e in entities}


@given(case=words_with_spans(), seed=st.integers(0, 100))
def test_spans_of_words_come_back_from_their_tags(case, seed):
    offsets, entities = case
    shuffled = random.Random(seed).sample(entities, len(entities))
    tags = tags_for(offsets, shuffled)
    assert len(tags) == len(offsets)
    assert set(tags) <= set(TAGS)
    spans = spans_from(offsets, tags)
    assert len(spans) == len(entities)
    assert set(spans) == as_set(entities)


@given(case=words_with_spans())
def test_special_tokens_change_nothing(case):
    offsets, entities = case
    wrapped = [(0, 0), *offsets, (0, 0), (0, 0)]
    tags = tags_for(wrapped, entities)
    assert tags == ["O", *tags_for(offsets, entities), "O", "O"]
    assert set(spans_from(wrapped, tags)) == as_set(entities)


def test_tags_of_a_hand_made_sentence():
    text = "Filter for HK-55, 30 May"
    offsets = words_with_offsets(text)
    words = [text[start:end] for start, end in offsets]
    assert words == ["Filter", "for", "HK", "-", "55", ",", "30", "May"]
    entities = [
        {"start": 18, "end": 24, "label": "date"},
        {"start": 0, "end": 6, "label": "part"},
        {"start": 11, "end": 16, "label": "product"},
    ]
    assert tags_for(offsets, entities) == [
        "B-part", "O", "B-product", "I-product", "I-product", "O", "B-date", "I-date"
    ]  # fmt: skip


def test_neighbouring_entities_of_one_kind_stay_two():
    entities = [{"start": 0, "end": 2, "label": "date"}, {"start": 2, "end": 4, "label": "date"}]
    assert tags_for([(0, 2), (2, 4)], entities) == ["B-date", "B-date"]


def test_an_empty_offset_inside_an_entity_is_outside():
    """Byte-level tokenizers give some tokens no character of their own."""
    entity = {"start": 0, "end": 6, "label": "part"}
    assert tags_for([(3, 3), (0, 0), (6, 6)], [entity]) == ["O", "O", "O"]


def test_a_token_that_only_overlaps_belongs_to_the_entity():
    assert tags_for([(0, 3), (3, 6), (6, 9)], [{"start": 2, "end": 4, "label": "part"}]) == [
        "B-part",
        "I-part",
        "O",
    ]


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        (["I-part", "I-part"], []),
        (["O", "I-part", "B-part"], [(4, 6, "part")]),
        (["B-part", "I-date", "I-part"], [(0, 2, "part")]),
        (["B-part", "O", "I-part"], [(0, 2, "part")]),
        (["B-part", "B-part", "I-part"], [(0, 2, "part"), (2, 6, "part")]),
        (["B-company_code", "I-company_code"], [(0, 4, "company_code")]),
    ],
)
def test_a_stray_inside_tag_is_dropped(tags, spans):
    offsets = [(2 * i, 2 * i + 2) for i in range(len(tags))]
    assert spans_from(offsets, tags) == spans


def test_tags_and_offsets_of_different_length_are_an_error():
    with pytest.raises(ValueError, match="zip"):
        spans_from([(0, 1)], ["O", "O"])


def test_there_is_one_tag_for_outside_and_two_for_each_kind():
    assert TAGS[0] == "O"
    assert len(TAGS) == len(set(TAGS)) == 1 + 2 * len(KINDS)
    assert {tag.partition("-")[2] for tag in TAGS[1:]} == set(KINDS)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_words_cover_everything_but_spaces(language):
    for row in load_shipped("entities", language):
        offsets = words_with_offsets(row["text"])
        covered = {i for start, end in offsets for i in range(start, end)}
        spaces = {i for i, sign in enumerate(row["text"]) if sign.isspace()}
        missing = set(range(len(row["text"]))) - covered - spaces
        assert not [row["text"][i] for i in sorted(missing)]
        assert sum(end - start for start, end in offsets) == len(covered)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_spans_lie_on_the_classical_taggers_words(language):
    """Its best possible F1 is bounded by the share of spans that its words can express."""
    rows = load_shipped("entities", language)
    gold = [gold_spans(row) for row in rows]
    best = [
        spans_from(offsets, tags_for(offsets, row["entities"]))
        for row in rows
        for offsets in [words_with_offsets(row["text"])]
    ]
    assert span_scores(best, gold)["f1"] == 1.0


# The taggers

SENTENCES = [
    {"text": "the heater broke", "entities": [{"start": 4, "end": 10, "label": "product"}]},
    {"text": "my filter is loud, very loud", "entities": [{"start": 3, "end": 9, "label": "part"}]},
    {"text": "good", "entities": []},
]


def tagger(folder, seed: int = 0) -> EntityTagger:
    torch.manual_seed(seed)
    return EntityTagger(load_tagger(str(folder), list(TAGS)), load_tokenizer(str(folder)), 32)


def test_an_entity_tagger_learns_three_sentences_by_heart(tiny_bert):
    model = tagger(tiny_bert)
    history = model.fit(
        SENTENCES * 4, epochs=30, learning_rate=1e-2, head_learning_rate=3e-2, batch_size=4, seed=1
    )
    assert history.losses[-1] < 0.1 < history.losses[0]
    assert model.spans([row["text"] for row in SENTENCES]) == [gold_spans(r) for r in SENTENCES]


def test_an_entity_tagger_is_repeatable_by_seed(tiny_bert):
    settings = {"epochs": 1, "learning_rate": 1e-3, "head_learning_rate": 1e-2, "batch_size": 2}
    losses = [tagger(tiny_bert).fit(SENTENCES * 3, seed=s, **settings).losses for s in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


def test_special_tokens_and_padding_carry_no_loss(tiny_bert):
    """The first loss, before any step, is the mean over the real tokens of the batch."""
    model = tagger(tiny_bert)
    log_likelihoods = []
    for row in SENTENCES:
        encoded = model.encode([row["text"]])
        with torch.no_grad():
            scores = model.model(torch.tensor(encoded["input_ids"])).logits[0].log_softmax(-1)
        offsets = encoded["offset_mapping"][0]
        assert [i for i, (a, b) in enumerate(offsets) if a == b] == [0, len(offsets) - 1]
        for i, tag in enumerate(tags_for(offsets[1:-1], row["entities"]), 1):
            log_likelihoods.append(float(scores[i, TAGS.index(tag)]))
    settings = {"epochs": 1, "learning_rate": 1e-3, "head_learning_rate": 1e-2, "batch_size": 3}
    first = model.fit(SENTENCES, seed=1, **settings).losses[0]
    assert first == pytest.approx(-sum(log_likelihoods) / len(log_likelihoods), rel=1e-4)


def test_the_precision_reaches_the_taggers_training(tiny_bert):
    settings = {"epochs": 1, "learning_rate": 1e-3, "head_learning_rate": 1e-2, "batch_size": 3}
    full, half = tagger(tiny_bert), tagger(tiny_bert)
    half.precision = Precision("bf16", "bf16", gradient_scaler=False, use_cpu=True)
    losses = [model.fit(SENTENCES, seed=1, **settings).losses[0] for model in (full, half)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_tags_leave_special_tokens_and_padding_out(tiny_bert):
    tags, offsets = tagger(tiny_bert).tag([row["text"] for row in SENTENCES], batch_size=2)
    words = [
        [row["text"][start:end] for start, end in spans]
        for row, spans in zip(SENTENCES, offsets, strict=True)
    ]
    assert words[0] == ["the", "heater", "broke"]
    assert words[2] == ["good"]
    assert [len(t) for t in tags] == [len(o) for o in offsets]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_classical_tagger_learns_from_neighbours(language):
    rows = load_shipped("entities", language, "train")[:60]
    fitted = CrfTagger().fit(rows)
    found = fitted.spans([row["text"] for row in rows])
    assert span_scores(found, [gold_spans(row) for row in rows])["f1"] > 0.9
    assert fitted.spans(["", "   "]) == [[], []]


def test_a_stronger_penalty_holds_it_back():
    rows = load_shipped("entities", "en", "train")[:30]
    texts, gold = [row["text"] for row in rows], [gold_spans(row) for row in rows]
    loose, tight = (
        span_scores(CrfTagger(c2).fit(rows).spans(texts), gold)["f1"] for c2 in (0.01, 50)
    )
    assert loose > tight


def test_word_features_see_two_words_on_each_side():
    text = "Order Lamp 42"
    rows = word_features(text, words_with_offsets(text))
    assert {"-1:word=order", "1:word=42", "2:word=<edge>", "-2:word=<edge>"} <= set(rows[1])
    assert {"0:shape=Aaaa", "1:shape=00", "-1:pair=order|lamp", "0:pair=lamp|42"} <= set(rows[1])
    assert {"prefix=ord", "suffix=der"} <= set(rows[0])


def test_a_japanese_text_is_cut_into_characters_with_their_scripts():
    text = "HK-55の温風フィルター"
    offsets = words_with_offsets(text)
    assert [text[a:b] for a, b in offsets] == ["HK", "-", "55", *"の温風フィルター"]
    assert [word_shape(one) for one in ("の", "温", "フ")] == ["あ", "字", "ア"]
