"""A store of chunks with vector and full-text search, in LanceDB: a folder, object storage, or a server.

``Store("folder", embedder)`` is embedded: no server runs. ``Store("s3://bucket/path", embedder,
storage_options={…})`` keeps the same files in object storage (also gs://, az://), and
``Store("db://name", embedder, api_key=…)`` speaks to a LanceDB server; nothing else changes.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lab_helpers.rag import hits as searches
from lab_helpers.rag import tables
from lab_helpers.rag.chunks import Chunk, by_sentences
from lab_helpers.rag.documents import Document
from lab_helpers.rag.embedders import Embedder
from lab_helpers.rag.fusion import reciprocal_rank_fusion
from lab_helpers.rag.hits import MODES, Hit, check_score, search_form
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import content_key
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import report

BATCH_CHUNKS = 256
# How many candidates each search hands to the fusion.
DEPTH = 50
# Chosen on the validation questions among 32 to 200, by hybrid MRR in English and text MRR in Japanese.
CHUNK_TOKENS = 48
# Vector and text in the fusion for questions that the embedder cannot read, chosen on the validation
# questions in Japanese with MiniLM: MRR 0.91 and recall@5 1.00; with equal weights 0.75 and 0.95.
UNREAD_WEIGHTS = (0.05, 1.0)

Chunker = Callable[[Document], list[Chunk]]


@dataclass
class Ingest:
    """What an ingest did: documents by what became of them, and chunks that were embedded."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    chunks: int = 0


class Store:
    """Documents in, hits out. One process writes at a time; any number may read."""

    def __init__(
        self,
        uri: str | Path,
        embedder: Embedder,
        *,
        chunker: Chunker | None = None,
        language: str | None = None,
        weights: Sequence[float] | None = None,
        create: bool = True,
        **options,
    ):
        """Open or make the store at ``uri``.

        ``chunker`` cuts a document (by default whole sentences up to :data:`CHUNK_TOKENS`).
        ``language`` ("en", "ja") says how texts are searched; without it each text and query goes
        by its script. ``weights`` are those of vector and text search in the fusion; without them
        both count 1, unless the embedder cannot read the question (:data:`UNREAD_WEIGHTS`).
        ``options`` go to ``lancedb.connect`` (``storage_options``, ``api_key``, …).
        """
        if language not in (None, "en", "ja"):
            raise BadInput(
                say(
                    f"unknown language '{language}'",
                    f"「{language}」という言語には対応していません",
                ),
                say(
                    "Use en or ja, or leave it out.",
                    "en か ja を指定するか、指定を省いてください。",
                ),
            )
        self.uri, self.embedder, self.weights = str(uri), embedder, weights
        self.fuse = reciprocal_rank_fusion  # a lab may put a learner's own in its place
        self._language = language
        self._chunker = chunker or partial(
            by_sentences,
            size=min(CHUNK_TOKENS, embedder.max_tokens // 2),
            tokenizer=embedder.tokenizer,
        )
        self._table = tables.open_table(self.uri, embedder, create, options)

    # --- documents in and out ---------------------------------------------------------------------

    def add(self, documents: Iterable[Document]) -> Ingest:
        """Take documents in; one whose id is there replaces what was, one that is unchanged costs nothing.

        Each batch of whole documents is one commit: a killed ingest leaves every document old or new,
        never half, and the same call goes on where it was.
        """
        wanted = [_clean(document) for document in documents]
        ids = [document.id for document in wanted]
        twice = next((name for name in ids if ids.count(name) > 1), None) if len(set(ids)) < len(ids) else None  # fmt: skip
        if twice is not None:
            raise BadInput(
                say(
                    f"two documents have the id '{twice}'",
                    f"同じ ID「{twice}」の文書が 2 つあります",
                ),
                say("Give each its own id.", "文書ごとに別の ID を付けてください。"),
            )
        done, stored = Ingest(), self.digests()
        batch: list[tuple[Document, str, list[Chunk]]] = []
        for position, document in enumerate(wanted):
            report(say("index", "索引を作成中"), position, len(wanted))
            chunks = self._chunker(document)
            digest = _digest(document, chunks)
            if stored.get(document.id) == digest:
                done.unchanged += 1
                continue
            done.added += document.id not in stored
            done.updated += document.id in stored
            batch.append((document, digest, chunks))
            if sum(len(chunks) for _, _, chunks in batch) >= BATCH_CHUNKS:
                done.chunks += self._commit(batch, stored)
                batch = []
        if batch:
            done.chunks += self._commit(batch, stored)
        report(say("index", "索引を作成中"), len(wanted), len(wanted))
        self._finish()
        return done

    def update(self, document: Document) -> Ingest:
        """Replace a document that is there; :class:`BadInput` where it is not."""
        self._must_have(_storable(document.id))
        return self.add([document])

    def remove(self, document_id: str) -> None:
        """Forget a document: no search finds it any more. :class:`BadInput` where it is not there."""
        self._must_have(document_id)
        self._table.delete(f"document = {_quoted(document_id)}")
        self._finish()

    def purge(self) -> None:
        """Write the table anew and drop all older versions: then no file holds a removed text any more.

        Removing alone hides a text from searches; its bytes stay in the files, and in older versions
        for a week. No other process may use the store meanwhile.
        """
        tables.rewrite(self._table)

    def digests(self) -> dict[str, str]:
        """The content hash of each stored document by its id."""
        columns = self._columns("document", "digest")
        return dict(zip(columns["document"], columns["digest"], strict=True))

    def documents(self) -> dict[str, int]:
        """Number of chunks of each document by its id, in the order of ids."""
        counts: dict[str, int] = {}
        for name in sorted(self._columns("document")["document"]):
            counts[name] = counts.get(name, 0) + 1
        return counts

    def count(self) -> int:
        """Number of chunks."""
        return self._table.count_rows()

    def has_vector_index(self) -> bool:
        """Whether vector search goes through an index, which may miss a near chunk."""
        return bool(tables.vector_indices(self._table))

    def _columns(self, *names: str) -> dict[str, list]:
        self._table.checkout_latest()
        return self._table.search().select(list(names)).limit(None).to_arrow().to_pydict()

    def _must_have(self, document_id: str) -> None:
        if not self._table.count_rows(f"document = {_quoted(document_id)}"):
            raise BadInput(
                say(
                    f"no document '{document_id}' in {self.uri}",
                    f"{self.uri} に文書「{document_id}」はありません",
                ),
                say("See the ids with: labs rag list", "ID は labs rag list で確認できます。"),
            )

    def _commit(
        self, batch: list[tuple[Document, str, list[Chunk]]], stored: Container[str]
    ) -> int:
        """Write whole documents in one step; old chunks of those ``stored`` already go out in the same."""
        import pyarrow as pa

        chunks = [chunk for _, _, chunks in batch for chunk in chunks]
        vectors = iter(self.embedder.encode([chunk.embedded for chunk in chunks]))
        rows = [
            self._row(document, digest, chunk, next(vectors))
            for document, digest, chunks in batch
            for chunk in chunks
        ]
        written = pa.Table.from_pylist(rows, schema=tables.schema(self.embedder))
        replaced = ", ".join(
            _quoted(document.id) for document, _, _ in batch if document.id in stored
        )
        if not replaced:  # Appending does not look through all that is there.
            self._table.add(written)
        else:
            (
                self._table.merge_insert("id")
                .when_matched_update_all()
                .when_not_matched_insert_all()
                .when_not_matched_by_source_delete(f"document IN ({replaced})")
                .execute(written)
            )
        return len(rows)

    def _row(self, document: Document, digest: str, chunk: Chunk, vector) -> dict:
        column, searched = search_form(chunk.embedded, self._language)
        return {
            "id": chunk.id,
            "document": document.id,
            "number": chunk.number,
            "digest": digest,
            "title": document.title,
            "source": document.source,
            "text": chunk.text,
            column: searched,
            "vector": vector,
        }

    def _finish(self) -> None:
        """Bring the indices up to date and join small files; searches are right without it, but slower."""
        self._table.optimize()
        tables.index_vectors(self._table)

    # --- search -----------------------------------------------------------------------------------

    def search(
        self,
        query: str,
        k: int = 5,
        mode: str = "hybrid",
        threshold: float | None = None,
        by: str = "vector",
        exact: bool = False,
    ) -> list[Hit]:
        """The ``k`` best chunks, best first; none for a query without a letter or digit.

        ``mode`` is "hybrid" (both searches, fused by rank), "vector" or "text". With ``threshold``,
        hits whose ``by`` score ("vector": cosine, "text": BM25) is below it are left out. Fused
        scores say nothing about how well a hit fits: what is first in both lists gets the same for
        any query.
        ``exact`` compares the query with every vector, also where the store has a vector index.
        """
        if mode not in MODES:
            raise BadInput(
                say(f"unknown mode '{mode}'", f"「{mode}」という検索方法はありません"),
                say(
                    f"Use one of: {', '.join(MODES)}.",
                    f"{'、'.join(MODES)} のいずれかを指定してください。",
                ),
            )
        check_score(by)
        if k < 1:
            raise BadInput(
                say(f"k = {k} is below 1", f"k = {k} が 1 未満です"),
                say("5 is usual.", "5 が一般的です。"),
            )
        query = _storable(query)
        if not any(letter.isalnum() for letter in query):
            return []
        found = self._candidates(query, max(k, DEPTH), mode, exact)
        if threshold is not None:
            found = [hit for hit in found if getattr(hit, f"{by}_score") >= threshold]
        return found[:k]

    def _candidates(self, query: str, depth: int, mode: str, exact: bool) -> list[Hit]:
        vector = self.embedder.encode([query], kind="query")[0]
        if mode == "vector":
            return searches.by_vector(self._table, vector, depth, exact)
        by_text = searches.by_text(self._table, query, self._language, vector, depth)
        if mode == "text":
            return by_text
        by_vector = searches.by_vector(self._table, vector, depth, exact)
        text_scores = {hit.id: hit.text_score for hit in by_text}
        hits = {hit.id: hit for hit in [*by_text, *by_vector]}
        rankings = [[hit.id for hit in by_vector], [hit.id for hit in by_text]]
        weights = self.weights or (UNREAD_WEIGHTS if self._unread(query) else None)
        return [
            replace(hits[id_], score=fused, fused_score=fused, text_score=text_scores.get(id_, 0.0))
            for id_, fused in self.fuse(rankings, weights=weights)
        ]

    def _unread(self, query: str) -> bool:
        return self.embedder.english_only and search_form(query, self._language)[0] == "ngrams"


def _digest(document: Document, chunks: list[Chunk]) -> str:
    """Changes with the document and with how it was cut."""
    return content_key(document.title, document.source, [chunk.text for chunk in chunks])


def _clean(document: Document) -> Document:
    return Document(*map(_storable, (document.id, document.title, document.text, document.source)))


def _storable(text: str) -> str:
    """UTF-8 cannot hold half a surrogate pair, and LanceDB's text index no null."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
