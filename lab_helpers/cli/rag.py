"""``labs rag``: index a folder of documents, ask it, list it, forget a document."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab_helpers.cli.options import AsJson, Language, progress_bar, speak
from lab_helpers.cli.rag_output import (
    answer_dict,
    document_problem_dict,
    show_answer,
    show_document_problems,
    show_summary,
)
from lab_helpers.runtime.errors import EXIT_DONE, EXIT_OUTSIDE_BAND, BadInput

if TYPE_CHECKING:
    from lab_helpers.rag.documents import Document
    from lab_helpers.rag.store import Store

rag_app = typer.Typer(
    no_args_is_help=True,
    help="Your own documents: index a folder, ask it, and get an answer with numbered sources.",
)
StorePath = Annotated[
    str,
    typer.Option(
        "--store",
        help="A folder, or object storage (s3://bucket/path; keys and endpoint from the AWS_… variables), "
        "or a LanceDB server (db://name; LANCEDB_API_KEY).",
    ),
]


@rag_app.command()
def index(
    folder: Annotated[Path, typer.Argument(help="Folder of .txt, .md, .html and .pdf files.")],
    store: StorePath,
    embedder: Annotated[
        str | None,
        typer.Option(
            help="minilm (English), e5 (multilingual-e5-small, about 100 languages), a sentence-transformers "
            "folder or a hub name. Without it the store's own; for a new one e5 if a document is Japanese."
        ),
    ] = None,
    largest: Annotated[float, typer.Option(help="Largest file in MB.")] = 20.0,
    by: Annotated[str, typer.Option(help="Cut by sentences or tokens.")] = "sentences",
    size: Annotated[int, typer.Option(help="Tokens of a chunk, at most.")] = 48,
    overlap: Annotated[
        int, typer.Option(help="Sentences or tokens repeated from the chunk before.")
    ] = 0,
    as_json: AsJson = False,
    lang: Language = None,
) -> None:
    """Take a folder's documents into a store. Unchanged ones cost nothing; interrupted, run it again.

    Exit code 0: every file was read; 1: some could not be, and the others are in the store.
    """
    from lab_helpers.rag.chunks import find_truncated
    from lab_helpers.rag.documents import read_folder
    from lab_helpers.rag.store import Store

    speak(lang)
    with progress_bar():
        reading = read_folder(folder, int(largest * 1e6))
        model = _embedder(store, embedder, reading.documents)
        cut = _chunker(by, size, overlap, model.tokenizer)
        # Cut before the store is made: a wrong size must not leave an empty store behind.
        chunks = [chunk for document in reading.documents for chunk in cut(document)]
        opened = Store(store, model, chunker=cut)
        done = opened.add(reading.documents)
    too_long = len(find_truncated(chunks, model))
    gone = sorted(set(opened.documents()) - {document.id for document in reading.documents})
    summary = asdict(done) | {
        "store": store,
        "embedder": model.name,
        "chunks_in_store": opened.count(),
        "chunks_cut_by_embedder": too_long,
        "not_in_folder": gone,
    }
    if as_json:
        problems = [document_problem_dict(problem) for problem in reading.problems]
        print(json.dumps(summary | {"problems": problems}, ensure_ascii=False))
    else:
        show_document_problems(reading.problems)
        show_summary(summary, model.max_tokens)
    failed = any(problem.severity == "error" for problem in reading.problems)
    sys.exit(EXIT_OUTSIDE_BAND if failed else EXIT_DONE)


@rag_app.command()
def ask(
    question: Annotated[str, typer.Argument(help="A question, in any language.")],
    store: StorePath,
    model: Annotated[
        str | None, typer.Option(help="A chat model; the profile's (kotori) by default.")
    ] = None,
    adapter: Annotated[Path | None, typer.Option(help="Folder of an adapter to put on it.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Sources given to the model.")] = 3,
    mode: Annotated[str, typer.Option(help="hybrid, vector or text.")] = "hybrid",
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Do not answer when the best source's score is below; choose it on "
            "questions of your own (choose_threshold)."
        ),
    ] = None,
    score: Annotated[
        str, typer.Option(help="The threshold's score: vector (cosine) or text (BM25).")
    ] = "vector",
    instruct: Annotated[
        bool,
        typer.Option(
            help="Tell the model to keep to the sources; for models that follow instructions."
        ),
    ] = False,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer in tokens.")] = 96,
    as_json: AsJson = False,
    lang: Language = None,
) -> None:
    """Answer from the store, with numbered sources."""
    from lab_helpers.data.languages import detect_language
    from lab_helpers.models.adapters import load_base_with_adapter
    from lab_helpers.models.language_models import load_language_model
    from lab_helpers.rag.answer import answer
    from lab_helpers.rag.prompts import INSTRUCTIONS
    from lab_helpers.runtime.profiles import choose_profile

    speak(lang)
    if not question.strip():
        raise BadInput("the question is empty", "Write one in quotation marks.")
    opened = _open(store)
    name = model or choose_profile().language_model
    pair = load_base_with_adapter(name, adapter) if adapter else load_language_model(name)
    language = "ja" if detect_language(question) == "ja" else "en"
    found = answer(
        question,
        opened,
        *pair,
        k=k,
        mode=mode,
        threshold=threshold,
        by=score,
        language=language,
        system=INSTRUCTIONS[language] if instruct else None,
        max_new_tokens=max_new_tokens,
    )
    if as_json:
        print(json.dumps({"question": question, **answer_dict(found)}, ensure_ascii=False))
    else:
        show_answer(found)


@rag_app.command()
def remove(
    document: Annotated[str, typer.Argument(help="The document's id, as labs rag list shows it.")],
    store: StorePath,
    as_json: AsJson = False,
    lang: Language = None,
) -> None:
    """Forget a document: its text leaves the store's files too. Nobody else may use the store meanwhile."""
    from lab_helpers.runtime.language import say

    speak(lang)
    opened = _open(store)
    opened.remove(document)
    opened.purge()
    if as_json:
        print(json.dumps({"removed": document, "chunks_in_store": opened.count()}, ensure_ascii=False))  # fmt: skip
    else:
        print(say(f"Removed {document}.", f"{document} を削除しました。"))


@rag_app.command("list")
def list_documents(store: StorePath, as_json: AsJson = False, lang: Language = None) -> None:
    """The documents in a store and their chunks."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.runtime.language import say

    speak(lang)
    opened = _open(store)
    documents = opened.documents()
    if as_json:
        print(json.dumps({"embedder": opened.embedder.name, "documents": documents}, ensure_ascii=False))  # fmt: skip
        return
    table = Table()
    table.add_column(say("document", "文書"))
    table.add_column(say("chunks", "チャンク"), justify="right")
    for name, chunks in documents.items():
        table.add_row(escape(name), str(chunks))
    Console().print(table)


def _embedder(uri: str, name: str | None, documents: "list[Document]"):
    """The embedder asked for, else the one the store was built with, else the one that can read ``documents``."""
    from lab_helpers.rag.embedders import choose_embedder, load_embedder
    from lab_helpers.rag.tables import embedder_name

    name = name or embedder_name(uri) or choose_embedder(document.text for document in documents)
    return load_embedder(name, precision="native")


def _open(uri: str) -> "Store":
    from lab_helpers.rag.store import Store

    return Store(uri, _embedder(uri, None, []), create=False)


def _chunker(by: str, size: int, overlap: int, tokenizer):
    from functools import partial

    from lab_helpers.rag import chunks

    ways: dict[str, Callable] = {"sentences": chunks.by_sentences, "tokens": chunks.by_tokens}
    if by not in ways:
        raise BadInput(f"unknown way to cut '{by}'", f"Use one of: {', '.join(ways)}.")
    return partial(ways[by], size=size, overlap=overlap, tokenizer=tokenizer)
