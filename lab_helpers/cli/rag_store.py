"""What the commands of ``labs rag`` open: a store, its embedder, the way to cut."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

if TYPE_CHECKING:
    from lab_helpers.rag.documents import Document
    from lab_helpers.rag.store import Store


def embedder_for(uri: str, name: str | None, documents: "list[Document]"):
    """The embedder asked for, else the one the store was built with, else the one that can read ``documents``."""
    from lab_helpers.rag.embedders import choose_embedder, load_embedder
    from lab_helpers.rag.tables import embedder_name

    name = name or embedder_name(uri) or choose_embedder(document.text for document in documents)
    return load_embedder(name, precision="native")


def open_store(uri: str) -> "Store":
    from lab_helpers.rag.store import Store

    return Store(uri, embedder_for(uri, None, []), create=False)


def make_chunker(by: str, size: int, overlap: int, tokenizer):
    from functools import partial

    from lab_helpers.rag import chunks

    ways: dict[str, Callable] = {"sentences": chunks.by_sentences, "tokens": chunks.by_tokens}
    if by not in ways:
        raise BadInput(
            say(f"unknown way to cut '{by}'", f"「{by}」という分割方法はありません"),
            say(
                f"Use one of: {', '.join(ways)}.",
                f"{'、'.join(ways)} のいずれかを指定してください。",
            ),
        )
    return partial(ways[by], size=size, overlap=overlap, tokenizer=tokenizer)
