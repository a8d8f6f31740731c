"""What the tests of retrieval share."""

from functools import partial

import pytest
from letters_embedder import LettersEmbedder

from lab_helpers.rag.chunks import by_sentences
from lab_helpers.rag.store import Store


@pytest.fixture
def letters():
    return LettersEmbedder()


@pytest.fixture
def make_store(tmp_path, letters):
    """``make_store()``: a store in a folder of its own, cut by sentences of at most 60 characters."""

    def make(folder="store", embedder=letters, **options):
        options = {"chunker": partial(by_sentences, size=60)} | options
        return Store(tmp_path / folder, embedder, **options)

    return make


@pytest.fixture
def e5_says(monkeypatch):
    """``e5_says(error_or_folder)``: what comes of looking for the encoder that reads Japanese."""
    from lab_helpers.models import encoders

    def say(answer):
        def find():
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setitem(encoders.SHIPPED, "e5", find)

    return say


@pytest.fixture(scope="session")
def minilm():
    from lab_helpers.rag.embedders import load_embedder

    return load_embedder("minilm")
