"""Numbered sources, answers that cite them, and when rather not to answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_curve

from lab_helpers.data.shipped import load_shipped
from lab_helpers.models.language_models import load_language_model
from lab_helpers.rag.answer import ABSTENTION, answer, best_score, choose_threshold
from lab_helpers.rag.documents import Document, shipped_documents
from lab_helpers.rag.prompts import INSTRUCTIONS, cited, with_sources
from lab_helpers.rag.store import Hit, Store
from lab_helpers.runtime.errors import BadInput

pytestmark = pytest.mark.usefixtures("one_thread")


def hit(number, text="text", **scores):
    return Hit(f"d#{number}", "d", number, "Title", text, "", 0.5, **scores)


def test_form_that_kotori_was_trained_on():
    conversation = with_sources(" How much? ", [hit(0, "It is 5 yen.\n[9] x"), hit(1, "No.")], "en")
    assert conversation == [
        {
            "role": "user",
            "content": "Sources:\n[1] It is 5 yen. [9] x\n[2] No.\nQuestion: How much?",
        }
    ]
    japanese = with_sources("いくら？", [hit(0, "5円です。")], "ja", INSTRUCTIONS["ja"])
    assert japanese[0] == {"role": "system", "content": INSTRUCTIONS["ja"]}
    assert japanese[1]["content"] == "資料:\n[1] 5円です。\n質問:いくら？"


@given(st.lists(st.text(max_size=30), max_size=5), st.text(max_size=30))
def test_sources_keep_to_their_lines(texts, question):
    content = with_sources(question, [hit(0, text) for text in texts], "en")[0]["content"]
    lines = content.split("\n")
    for number in range(1, len(texts) + 1):
        assert lines[number].startswith(f"[{number}] ")


def test_cited():
    hits = [hit(0), hit(1), hit(2)]
    assert cited("5 yen [2], and [1] or [2].", hits) == [2, 1]
    assert cited("[0] [4] [x] [] 2", hits) == []


@pytest.fixture(scope="module")
def kotori():
    return load_language_model("kotori")


@pytest.mark.parametrize(
    ("text", "question", "said"),
    [
        ("Delivery from the Mibo shop costs 740 yen.", "How much is delivery from the Mibo shop?", "740 yen"),
        ("ミボ店の送料は740円です。", "ミボ店の送料はいくらですか。", "740円"),
    ],
)  # fmt: skip
def test_answers_from_a_source(kotori, make_store, text, question, said):
    store = make_store()
    store.add([Document("post", "", text), Document("else", "", "zzz qqq")])
    found = answer(question, store, *kotori, k=1)
    assert said in found.text
    assert [source.document for source in found.sources] == ["post"]
    assert not found.abstained
    # changed live: the next answer says the new value
    store.update(Document("post", "", text.replace("740", "815")))
    assert said.replace("740", "815") in answer(question, store, *kotori, k=1).text


class NeverAsked:
    def __getattr__(self, name):
        raise AssertionError("the model was asked")


def test_abstains_without_asking_the_model(make_store):
    store = make_store()
    store.add([Document("post", "", "Delivery costs 740 yen.")])
    for question, language in (("What is delivery?", "en"), ("送料はいくらですか。", "ja")):
        found = answer(question, store, NeverAsked(), NeverAsked(), threshold=1.5)
        assert (found.text, found.abstained) == (ABSTENTION[language], True)
        assert found.sources == []
    assert answer("???", store, NeverAsked(), NeverAsked()).abstained
    assert answer("Delivery", store, NeverAsked(), NeverAsked(), threshold=9e9, by="text").abstained


def test_best_score():
    hits = [hit(0, vector_score=0.2, text_score=3.0), hit(1, vector_score=0.7)]
    assert best_score(hits) == 0.7
    assert best_score(hits, "text") == 3.0
    assert best_score([]) == -np.inf


SCORED = st.lists(
    st.tuples(st.integers(-5, 5).map(lambda n: n / 4), st.booleans()), min_size=2, max_size=30
).filter(lambda pairs: 0 < sum(right for _, right in pairs) < len(pairs))


@given(SCORED)
def test_threshold_is_the_best_of_all(pairs):
    scores, right = (np.array(column) for column in zip(*pairs, strict=True))
    chosen = choose_threshold(scores, right)
    false_rate, true_rate, _ = roc_curve(right, scores, drop_intermediate=False)
    best = (1 + (true_rate - false_rate).max()) / 2
    assert (chosen.answered + chosen.abstained) / 2 == pytest.approx(best)
    assert balanced_accuracy_score(right, scores >= chosen.value) == pytest.approx(best)
    assert chosen.value not in scores


def test_threshold_by_hand():
    chosen = choose_threshold([0.9, 0.8, 0.3, 0.5, 0.2], [True, True, True, False, False])
    assert chosen.value == pytest.approx(0.65)
    assert (chosen.answered, chosen.abstained) == (pytest.approx(2 / 3), 1)
    assert choose_threshold([-np.inf, 0.4, 0.6], [False, False, True]).value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("scores", "right"), [([], []), ([1.0], [True]), ([1.0, 2.0], [False, False]), ([1.0], [True, False])]
)  # fmt: skip
def test_threshold_needs_both_kinds(scores, right):
    with pytest.raises(BadInput):
        choose_threshold(scores, right)


@pytest.mark.slow
def test_threshold_of_validation_holds_on_test(minilm, tmp_path):
    """The cosine of the best hit tells answerable questions from near-topic ones, in English: AUC 0.8."""
    store = Store(tmp_path / "store", minilm)
    store.add(shipped_documents("en"))

    def best(split):
        rows = load_shipped("questions", "en", split)
        scores = [best_score(store.search(row["question"])) for row in rows]
        return np.array(scores), np.array([row["document"] is not None for row in rows])

    chosen = choose_threshold(*best("validation"))
    scores, right = best("test")
    assert balanced_accuracy_score(right, scores >= chosen.value) > 0.6
