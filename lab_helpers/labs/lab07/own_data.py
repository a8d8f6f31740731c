"""Lab 07 on the user's own folder of documents: what could be read, what is found, what is answered."""

from pathlib import Path
from random import Random

from lab_helpers.course.record import Run
from lab_helpers.data.forms.reading_options import AS_FOUND, ReadingOptions
from lab_helpers.data.languages import detect_language
from lab_helpers.data.reading.files import BadRow, read_rows
from lab_helpers.evaluation.retrieval import recall_at_k, reciprocal_rank
from lab_helpers.labs.lab07.readers import (
    READERS,
    Setting,
    choose_readers,
    measure_readers,
    read_passages,
    reading_metrics,
)
from lab_helpers.labs.lab07.search import find_documents, load_run_embedder, open_store, search_all
from lab_helpers.labs.lab07.training import (
    load_readers,
    make_reader_settings,
    train_all_readers,
)
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.rag.chunks import sentences
from lab_helpers.rag.documents import Document, Reading, read_folder
from lab_helpers.rag.embedders import Embedder, choose_embedder, load_embedder
from lab_helpers.rag.store import MODES, Store
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import Text, say

QUESTIONS = "questions.jsonl"
"""Beside the documents: rows of ``question`` and ``document``, the file's path inside the folder."""
MOST_QUESTIONS = 100
ANSWERED = 8
_SHORTEST = 20


def read_own_documents(folder: Path) -> tuple[Reading, list[dict] | None]:
    """The folder's documents, and the questions beside them where there are any.

    Raises :class:`BadInput` where no document can be used, or a question names none of them.
    """
    reading = read_folder(folder)
    path = folder / QUESTIONS
    if not path.is_file():
        return reading, None
    problems = [one for one in reading.problems if one.source != QUESTIONS]
    known = {document.id for document in reading.documents}
    rows = []
    for row in read_rows(path):
        if isinstance(row, BadRow):
            raise BadInput(
                say(
                    f"{path.name} line {row.line} {row.problem}",
                    f"{path.name} の {row.line} 行目: {row.problem}",
                ),
                say("Mend that line.", "その行を直してください。"),
            )
        question, document = row.values.get("question"), row.values.get("document")
        if not isinstance(question, str) or not question.strip() or document not in known:
            raise BadInput(
                say(
                    f"{path.name} line {row.line} needs a question and a document of this folder",
                    f"{path.name} の {row.line} 行目には、質問と、このフォルダーにある文書の名前が必要です",
                ),
                say(
                    'For example {"question": "How long is the warranty?", "document": "terms/warranty.md"}',
                    '例: {"question": "保証期間は何年ですか。", "document": "terms/warranty.md"}',
                ),
            )
        rows.append({"question": question, "document": document})
    return Reading(reading.documents, problems), rows


def make_known_items(documents: list[Document], seed: int) -> list[dict]:
    """Where nobody wrote questions: a sentence of a document is the question, its document the answer.

    This is easier than what people ask, since the words are the document's own: it shows that the
    index works, not how good it is.
    """
    rng, rows = Random(seed), []
    for document in rng.sample(documents, min(len(documents), MOST_QUESTIONS)):
        long = [s.strip() for s in sentences(document.text) if len(s.strip()) >= _SHORTEST]
        rows.append(
            {"question": rng.choice(long or [document.text.strip()]), "document": document.id}
        )
    return rows


def load_own_embedder(run: Run, embedder: Embedder, documents: list[Document]) -> Embedder:
    """The run's ``embedder``; where it reads English only and a document is Japanese, one that reads both."""
    if not embedder.english_only:
        return embedder
    name = choose_embedder(document.text for document in documents)
    return (
        embedder
        if name == embedder.name
        else load_embedder(name, precision=run.settings["precision"])
    )


def index_documents(run: Run, embedder: Embedder, reading: Reading) -> Store:
    """The folder's documents in a store of the run's own."""
    store = Store(run.folder / "own_store", embedder)
    done = store.add(reading.documents)
    run.measured(
        own_documents=len(reading.documents),
        own_files_left_out=sum(one.severity == "error" for one in reading.problems),
        own_chunks=done.chunks,
    )
    run.table("own problems", [{"file": one.source, "problem": one.message} for one in reading.problems])  # fmt: skip
    return store


def measure_search(run: Run, store: Store, rows: list[dict], written: bool) -> None:
    """recall@5 and MRR by each way of searching, over the written or the made-up questions."""
    gold, table = [row["document"] for row in rows], []
    for mode in MODES:
        found = find_documents(store, rows, mode)
        recall, rank = recall_at_k(found, gold, 5), reciprocal_rank(found, gold)
        table.append({"mode": mode, "recall@5": float(recall.mean()), "MRR": float(rank.mean())})
        ending = "" if mode == "hybrid" else f"_{mode}_only"
        kind = "recall_at_5" if written else "known_item_at_5"
        run.measured(**interval_metrics(f"own_{kind}{ending}", recall))
    run.measured(own_questions=len(rows))
    run.table("own retrieval", table)


def measure_own_answers(
    run: Run, store: Store, models: ComparedModels, reader: Setting, rows: list[dict]
) -> None:
    """What the reader says to some of the questions, beside the best passage."""
    some = rows[:ANSWERED]
    hits = search_all(store, some, reader.k)
    language = "ja" if detect_language(some[0]["question"]) == "ja" else "en"
    model = models.with_adapter(READERS[reader.name].adapter)
    replies = read_passages(model, models.tokenizer, reader, some, hits, language)
    run.table(
        "own answers",
        [
            {"question": row["question"], "best passage": found[0].text if found else "—", "reply": reply}
            for row, found, reply in zip(some, hits, replies, strict=True)
        ],
    )  # fmt: skip


def check_own_data(path: Path, options: ReadingOptions = AS_FOUND) -> None:
    """Read the folder once; :class:`BadInput` says what is wrong with it."""
    read_own_documents(path)


def measure_own_data(run: Run) -> None:
    """Readers trained on the course's archive, the best of them chosen, then the user's own documents."""
    assert run.data is not None
    language = run.language
    embedder = load_run_embedder(run)
    with run.section(str(Text("By heart, and among distractors", "丸暗記と RAFT"))):
        run.measured(**train_all_readers(run, language, *make_reader_settings(run)))
        models = load_readers(run, language)
        most = run.settings["validation_questions"]
        table = measure_readers(models, open_store(run, embedder, language), language, most)
        run.table("reading", table)
        run.measured(**reading_metrics(table, language))
    with run.section(str(Text("Your own documents", "自分の文書"))):
        documents, questions = read_own_documents(run.data)
        store = index_documents(
            run, load_own_embedder(run, embedder, documents.documents), documents
        )
        rows = questions or make_known_items(documents.documents, run.seed)
        measure_search(run, store, rows, written=questions is not None)
        measure_own_answers(run, store, models, choose_readers(table).tuned, rows)
