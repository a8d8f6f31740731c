"""Embedders: unit vectors in order, equal to sentence-transformers, each text once."""

import numpy as np
import pytest

from lab_helpers.rag.embedders import Embedder, load_embedder
from lab_helpers.runtime.errors import BadInput, MissingDependency

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
