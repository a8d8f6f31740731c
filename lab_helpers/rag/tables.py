"""The LanceDB table under a store: opened or created, checked against the embedder, and its indices."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from lab_helpers.rag.embedders import Embedder
from lab_helpers.runtime.errors import BadInput, LabError, MissingDependency

TABLE = "passages"
SCHEMA_VERSION = 1
# What another process writes is seen after this long at most.
STALE = timedelta(seconds=1)
# Above so many rows a search through all vectors would miss its 20 ms; measured by `labs bench rag`.
INDEXED_FROM = 20_000
SEARCHES = {"words": "words_idx", "ngrams": "ngrams_idx"}


def text_index(column: str):
    """LanceDB's full-text index (BM25) for ``words`` (English) or ``ngrams`` (no spaces between words).

    Words are stemmed and stop words left out. Japanese is cut into single characters and pairs, so
    that it needs no dictionary: on the validation questions recall@5 was 1.00 with one and two
    characters, 0.96 with two only, 0.85 with LanceDB's default of three.
    """
    from lancedb.index import FTS

    if column == "words":
        return FTS(language="English", stem=True, remove_stop_words=True)
    return FTS(
        base_tokenizer="ngram",
        ngram_min_length=1,
        ngram_max_length=2,
        stem=False,
        remove_stop_words=False,
    )


def schema(embedder: Embedder):
    """The columns of a chunk; the embedder and this version are written beside them."""
    import pyarrow as pa

    notes = {
        "schema": str(SCHEMA_VERSION),
        "embedder": embedder.name,
        "fingerprint": embedder.fingerprint,
    }
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("document", pa.string(), nullable=False),
            pa.field("number", pa.int32(), nullable=False),
            pa.field("digest", pa.string(), nullable=False),
            pa.field("title", pa.string()),
            pa.field("source", pa.string()),
            pa.field("text", pa.string()),
            pa.field("words", pa.string()),
            pa.field("ngrams", pa.string()),
            pa.field("vector", pa.list_(pa.float32(), embedder.width)),
        ],
        metadata=notes,
    )


def open_table(uri: str, embedder: Embedder, create: bool, options: Mapping[str, Any]):
    """The table at ``uri``, made where it is missing and ``create``. ``options`` go to ``lancedb.connect``.

    Raises :class:`BadInput` where there is no store, it cannot be reached, it was written by another
    version, or filled by another embedder.
    """
    try:
        import lancedb
    except ImportError:
        raise MissingDependency(
            "the library lancedb is not installed", "Install it: pip install lancedb"
        ) from None
    logging.getLogger("lance").setLevel(logging.ERROR)
    local = "://" not in uri
    if local and not create and not (Path(uri) / f"{TABLE}.lance").is_dir():
        raise BadInput(f"no store at {uri}", "Make one: labs rag index FOLDER --store PATH")
    if local and Path(uri).exists() and not Path(uri).is_dir():
        raise BadInput(f"{uri} is a file", "Give a folder for the store.")
    try:
        database = lancedb.connect(uri, read_consistency_interval=STALE, **options)
        if TABLE in _names(database):
            table = database.open_table(TABLE)
            _check(table, uri, embedder)
        elif create:
            table = database.create_table(TABLE, schema=schema(embedder))
        else:
            raise BadInput(f"no store at {uri}", "Make one: labs rag index FOLDER --store PATH")
        _index_texts(table)
    except LabError:
        raise
    except Exception as error:  # lancedb raises ValueError, RuntimeError, OSError and its own
        raise unusable(uri, error) from None
    return table


def unusable(uri: str, error: Exception) -> BadInput:
    """What the store's library said, in one line."""
    first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return BadInput(
        f"the store at {uri} cannot be used: {first_line[:200]}",
        "Check the path, the rights and storage_options; a damaged store is made anew by indexing into another folder.",
    )


def _names(database) -> list[str]:
    names: list[str] = []
    page = database.list_tables()
    names += page.tables
    while page.page_token:
        page = database.list_tables(page_token=page.page_token)
        names += page.tables
    return names


def _check(table, uri: str, embedder: Embedder) -> None:
    notes = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    if notes.get("schema") != str(SCHEMA_VERSION):
        raise BadInput(
            f"the store at {uri} has schema version {notes.get('schema', 'none')}, this program reads {SCHEMA_VERSION}",
            "Index your documents anew into another folder.",
        )
    if notes["fingerprint"] != embedder.fingerprint:
        raise BadInput(
            f"the store at {uri} was built with the embedder '{notes['embedder']}' ({notes['fingerprint']}); "
            f"this one is '{embedder.name}' ({embedder.fingerprint}), whose vectors mean something else",
            f"Open it with '{notes['embedder']}', or index your documents anew into another folder.",
        )


def _index_texts(table) -> None:
    """Both text indices, at once: a store that was killed while being made gets what it lacks."""
    existing = {index.name for index in table.list_indices()}
    for column, name in SEARCHES.items():
        if name not in existing:
            table.create_index(column, config=text_index(column), name=name)


def rewrite(table) -> None:
    """All rows into new files, both text indices made again, every older version deleted."""
    import warnings

    table.update(values_sql={"number": "number"})  # LanceDB updates by writing rows anew.
    for column, name in SEARCHES.items():
        table.create_index(column, config=text_index(column), name=name, replace=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # It says what Store.purge says.
        table.optimize(cleanup_older_than=timedelta(0))


def index_vectors(table) -> None:
    """An IVF index over the vectors once there are :data:`INDEXED_FROM` rows."""
    from lancedb.index import IvfFlat

    existing = {index.name for index in table.list_indices()}
    if "vector_idx" not in existing and table.count_rows() >= INDEXED_FROM:
        table.create_index("vector", config=IvfFlat(distance_type="cosine"), name="vector_idx")
