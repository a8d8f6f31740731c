"""For every test of Kotori: one thread, a small tokenizer, and ways to read a document."""

import itertools
import re

import pytest
import torch

from lab_helpers.models.kotori import architecture, corpus, tokenizer

VOCABULARY = 700
SMALL = {
    "hidden_size": 128,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "num_hidden_layers": 4,
    "intermediate_size": 128,
}
_TURN = re.compile(r"<\|im_start\|>(system|user|assistant)\n(.*?)<\|im_end\|>\n", re.DOTALL)


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in one order: what is compared bit for bit must not depend on the machine's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_tokenizer():
    """700 tokens learned from 300 documents."""
    texts = (document.text for document in itertools.islice(corpus.documents(0), 300))
    return tokenizer.train(texts, VOCABULARY)


@pytest.fixture(scope="session")
def small_sizes():
    """The smallest sizes that still hold the induction heads."""
    return dict(SMALL)


@pytest.fixture(scope="session")
def small_model():
    """An untrained Kotori with the induction heads written in."""
    return architecture.build(architecture.config(VOCABULARY, **SMALL), seed=0).eval()


@pytest.fixture(scope="session")
def sample():
    """``sample(kind, count)``: the first documents of one kind, or of the mixture for ``None``."""
    kept: dict[tuple, list] = {}

    def documents(kind: str | None, count: int, seed: int = 5) -> list:
        if (kind, count, seed) not in kept:
            stream = corpus.documents(seed, kind)
            kept[kind, count, seed] = list(itertools.islice(stream, count))
        return kept[kind, count, seed]

    return documents


@pytest.fixture(scope="session")
def turns():
    """``turns(text)``: the (role, content) pairs of a ChatML text; fails where there is more."""

    def split(text: str) -> list[tuple[str, str]]:
        found = _TURN.findall(text)
        assert _TURN.sub("", text) == "", "something stands outside the turns"
        return found

    return split
