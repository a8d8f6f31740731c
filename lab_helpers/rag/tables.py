"""The LanceDB table under a store: opened or created, checked against the embedder, and its indices."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from lab_helpers.rag.embedders import Embedder
from lab_helpers.runtime.errors import BadInput, LabError, MissingDependency
from lab_helpers.runtime.language import say

TABLE = "passages"
SCHEMA_VERSION = 1
# What another process writes is seen after this long at most.
STALE = timedelta(seconds=1)
# From so many rows on vectors get an index. Through all vectors a search took 9 ms at 10,000 and 52 ms
# at 100,000 rows; with IVF_FLAT 4 and 8 ms, finding 1.00 and 0.99 of the 10 nearest. HNSW was no faster,
# took a minute to build and found 0.85.
INDEXED_FROM = 5_000
GROWN = 4
_VECTORS = "vectors_at_"
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
    lancedb = _library()
    local = "://" not in uri
    if local and not create and not (Path(uri) / f"{TABLE}.lance").is_dir():
        raise BadInput(
            say(f"no store at {uri}", f"{uri} にストアがありません"),
            say(
                "Make one: labs rag index FOLDER --store PATH",
                "次のコマンドで作成してください: labs rag index FOLDER --store PATH",
            ),
        )
    if local and Path(uri).exists() and not Path(uri).is_dir():
        raise BadInput(
            say(f"{uri} is a file", f"{uri} はファイルです"),
            say("Give a folder for the store.", "ストアにはフォルダーを指定してください。"),
        )
    try:
        database = lancedb.connect(uri, read_consistency_interval=STALE, **options)
        if TABLE in _names(database):
            table = database.open_table(TABLE)
            _check(table, uri, embedder)
        elif create:
            table = database.create_table(TABLE, schema=schema(embedder))
        else:
            raise BadInput(
                say(f"no store at {uri}", f"{uri} にストアがありません"),
                say(
                    "Make one: labs rag index FOLDER --store PATH",
                    "次のコマンドで作成してください: labs rag index FOLDER --store PATH",
                ),
            )
        _index_texts(table)
    except LabError:
        raise
    except Exception as error:  # lancedb raises ValueError, RuntimeError, OSError and its own
        raise unusable(uri, error) from None
    return table


def embedder_name(uri: str, **options) -> str | None:
    """What the embedder of the store at ``uri`` is called; None where there is no store yet."""
    if "://" not in uri and not (Path(uri) / f"{TABLE}.lance").is_dir():
        return None
    try:
        database = _library().connect(uri, **options)
        return _notes(database.open_table(TABLE)).get("embedder") if TABLE in _names(database) else None  # fmt: skip
    except LabError:
        raise
    except Exception as error:
        raise unusable(uri, error) from None


def _library():
    try:
        import lancedb
    except ImportError:
        raise MissingDependency(
            say(
                "the library lancedb is not installed",
                "ライブラリ lancedb がインストールされていません",
            ),
            say("Install it: pip install lancedb", "インストールしてください: pip install lancedb"),
        ) from None
    logging.getLogger("lance").setLevel(logging.ERROR)
    return lancedb


def _notes(table) -> dict[str, str]:
    """What :func:`schema` wrote beside the columns."""
    return {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}


def unusable(uri: str, error: Exception) -> BadInput:
    """What the store's library said, in one line."""
    first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return BadInput(
        say(
            f"the store at {uri} cannot be used: {first_line[:200]}",
            f"{uri} のストアを使えません: {first_line[:200]}",
        ),
        say(
            "Check the path, the rights and storage_options; a damaged store is made anew by indexing into another folder.",
            "パス、権限、storage_options を確認してください。壊れている場合は、別のフォルダーを指定して索引を作り直してください。",
        ),
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
    notes = _notes(table)
    if notes.get("schema") != str(SCHEMA_VERSION):
        raise BadInput(
            say(
                f"the store at {uri} has schema version {notes.get('schema', 'none')}, this program reads {SCHEMA_VERSION}",
                f"{uri} のストアのスキーマはバージョン {notes.get('schema', 'none')} ですが、このプログラムが読めるのは {SCHEMA_VERSION} です",
            ),
            say(
                "Index your documents anew into another folder.",
                "別のフォルダーを指定して、文書の索引を作り直してください。",
            ),
        )
    if notes["fingerprint"] != embedder.fingerprint:
        raise BadInput(
            say(
                f"the store at {uri} was built with the embedder '{notes['embedder']}' ({notes['fingerprint']}); "
                f"this one is '{embedder.name}' ({embedder.fingerprint}), whose vectors mean something else",
                f"{uri} のストアは埋め込みモデル「{notes['embedder']}」（{notes['fingerprint']}）で作られており、指定された「{embedder.name}」（{embedder.fingerprint}）のベクトルとは比較できません",
            ),
            say(
                f"Open it with '{notes['embedder']}', or index your documents anew into another folder.",
                f"「{notes['embedder']}」で開くか、別のフォルダーを指定して文書の索引を作り直してください。",
            ),
        )


def _index_texts(table) -> None:
    """Both text indices, at once: a store that was killed while being made gets what it lacks."""
    existing = {index.name for index in table.list_indices()}
    for column, name in SEARCHES.items():
        if name not in existing:
            table.create_index(column, config=text_index(column), name=name)


def rewrite(table) -> None:
    """All rows into new files, every index made again, every older version deleted."""
    import warnings

    for name in vector_indices(table):
        table.drop_index(name)
    table.update(values_sql={"number": "number"})  # LanceDB updates by writing rows anew.
    for column, name in SEARCHES.items():
        table.create_index(column, config=text_index(column), name=name, replace=True)
    index_vectors(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # It says what Store.purge says.
        table.optimize(cleanup_older_than=timedelta(0))


def index_vectors(table) -> None:
    """An IVF index over the vectors from :data:`INDEXED_FROM` rows on.

    Its partitions are fixed when it is made. Rows that come later join them, so it is made again
    when the table has grown fourfold; its name says how many rows it was made for.
    """
    from lancedb.index import IvfFlat

    rows, existing = table.count_rows(), vector_indices(table)
    made_for = max(existing.values(), default=INDEXED_FROM / GROWN)
    if rows < GROWN * made_for:
        return
    for name in existing:
        table.drop_index(name)
    config = IvfFlat(distance_type="cosine")
    table.create_index("vector", config=config, name=f"{_VECTORS}{rows}")


def vector_indices(table) -> dict[str, int]:
    """Names of the vector indices, and for how many rows each was made."""
    names = (index.name for index in table.list_indices())
    return {n: int(n.removeprefix(_VECTORS)) for n in names if n.startswith(_VECTORS)}
