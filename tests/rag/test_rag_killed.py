"""An ingest killed at any point leaves a store that opens, and the same command brings it to its end."""

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from letters_embedder import LettersEmbedder

from lab_helpers.rag.chunks import by_sentences
from lab_helpers.rag.documents import Document
from lab_helpers.rag.store import Store

HERE = Path(__file__).parent
OPTIONS = {"chunker": partial(by_sentences, size=40)}

# Kills itself before or after the n-th call of a function of the store or its table.
SCRIPT = """
import os, signal, sys, threading
from functools import partial
from letters_embedder import LettersEmbedder
from test_rag_killed import OPTIONS, documents
from lab_helpers.rag import store, tables

uri, where, number, when = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
store.BATCH_CHUNKS = 8
owner = tables if hasattr(tables, where) else store.Store
calls = 0
original = getattr(owner, where)

def killing(*arguments, **options):
    global calls
    calls += 1
    if calls == number and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    if calls == number and when == "during":
        threading.Timer(0.002, os.kill, (os.getpid(), signal.SIGKILL)).start()
    result = original(*arguments, **options)
    if calls == number and when == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owner, where, killing)
store.Store(uri, LettersEmbedder(), **OPTIONS).add(documents(changed=True))
print("lived")
"""


def documents(changed):
    """Twelve documents; ``changed`` is their next edition: some shorter, some longer, some new."""
    texts = {
        f"doc-{n:02}": "".join(
            f"Sentence {i} of document {n} in edition {int(changed and n % 3 == 0)}. "
            for i in range(3 + (n * (2 if changed and n % 2 else 1)) % 5)
        )
        for n in range(12 if changed else 8)
    }
    return [Document(name, name.title(), text) for name, text in texts.items()]


def content(store):
    store._table.checkout_latest()
    return sorted(store._table.to_arrow().to_pylist(), key=lambda row: row["id"])


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("whole"), LettersEmbedder(), **OPTIONS)
    store.add(documents(changed=False))
    store.add(documents(changed=True))
    return store


@pytest.mark.parametrize("started", [True, False], ids=["on a filled store", "on nothing"])
@pytest.mark.parametrize(
    ("where", "number", "when"),
    [
        ("_index_texts", 1, "before"),
        ("_index_texts", 1, "during"),
        ("_commit", 1, "before"),
        ("_commit", 1, "during"),
        ("_commit", 2, "after"),
        ("_commit", 3, "before"),
        ("_finish", 1, "before"),
        ("_finish", 1, "during"),
        ("_finish", 1, "after"),
    ],
)
def test_killed_and_run_again(tmp_path, expected, started, where, number, when):
    uri = tmp_path / "store"
    if started:
        Store(uri, LettersEmbedder(), **OPTIONS).add(documents(changed=False))
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(uri), where, str(number), when],
        capture_output=True,
        text=True,
        env=_environment(),
    )
    # A kill "during" may come too late; at every other point it must have happened.
    assert process.returncode == -signal.SIGKILL or (when == "during" and "lived" in process.stdout), process.stderr  # fmt: skip

    store = Store(uri, LettersEmbedder(), **OPTIONS)
    old = {d.id: [c.text for c in OPTIONS["chunker"](d)] for d in documents(changed=False)}
    new = {d.id: [c.text for c in OPTIONS["chunker"](d)] for d in documents(changed=True)}
    found: dict[str, list[str]] = {}
    for row in sorted(content(store), key=lambda row: (row["document"], row["number"])):
        found.setdefault(row["document"], []).append(row["text"])
    for name, texts in found.items():
        assert texts in (old.get(name), new[name])  # old or new, never half
    store.search("sentence of a document")

    store.add(documents(changed=True))
    assert content(store) == content(expected)
    for query in ("edition 1 of document 9", "sentence 4"):
        assert {h.id: h.text_score for h in store.search(query, 99, "text")} == pytest.approx(
            {h.id: h.text_score for h in expected.search(query, 99, "text")}
        )


def _environment():
    import os

    return os.environ | {"PYTHONPATH": f"{HERE}:{HERE.parents[1]}", "LAB_LANG": "en"}
