"""Lab 07, RAG and fine-tuning together: search, answer from what was found, and know when not to.

Two by two: {base, tuned} × {closed book, passages}. The tuned closed-book model has learned the
company's support archive by SFT; two readers have learned, from the same archive with other numbers
in every row, to answer from passages: among distractors (RAFT), or from the right one alone. Which of
them stands in the table, and how many passages it is shown, the validation questions decide.
"""

from lab_helpers.course.record import Run
from lab_helpers.course.running import Step
from lab_helpers.figures import retrieval as figures
from lab_helpers.labs.lab07 import new_prices as updating
from lab_helpers.labs.lab07 import own_data as own
from lab_helpers.labs.lab07 import readers as reading
from lab_helpers.labs.lab07 import search as searching
from lab_helpers.labs.lab07 import training
from lab_helpers.labs.lab07 import two_by_two as cells
from lab_helpers.runtime.language import LANGUAGES, Text, metric_suffix


def retrieval(run: Run) -> None:
    """Vector, text and hybrid search in both languages, on the test questions; what their scores tell."""
    embedder, rows, panels = searching.embedder(run), [], {}
    stores = {language: searching.open_store(run, embedder, language) for language in LANGUAGES}
    for language, store in stores.items():
        rows += searching.retrieval_rows(store, language)
        panels[language] = searching.answerability(store, language, run.settings["k"])
        run.measured(**searching.answerability_metrics(panels[language], language))
    run.table("retrieval", searching.means(rows))
    run.measured(**searching.retrieval_metrics(rows))
    run.measured(**searching.equal_weights_metrics(run, embedder, "ja"))
    run.figure("nearest", figures.nearest(searching.two_questions(stores)))
    run.figure("modes", figures.modes(searching.means(rows)))
    run.figure("answerability", figures.answerability(panels))


def chunks(run: Run) -> None:
    """Drill 12: too small, right, too large."""
    table = searching.chunk_rows(run, searching.embedder(run))
    run.table("chunks", table)
    run.measured(**searching.chunk_metrics(table))
    run.figure("chunks", figures.chunk_sizes(table))


def train(run: Run) -> None:
    """Closed-book SFT, RAFT, and the reader that never saw a distractor; each adapter is kept."""
    for language in run.settings["languages"]:
        seconds = training.train(run, language, training.sft_config(run), training.lora_config(run))
        run.measured(**seconds)


def grid(run: Run) -> None:
    """Readers under one to three passages; the four cells on the same questions; waiting; new prices."""
    embedder = searching.embedder(run)
    for language in run.settings["languages"]:
        track(run, searching.open_store(run, embedder, language), language)
    run.measured(**cells.gains(run.metrics))


def track(run: Run, store, language: str) -> None:
    """One language: everything that needs its readers."""
    models, ending = training.readers(run, language), metric_suffix(language)
    table = reading.reading_rows(models, store, language)
    chosen = reading.choose(table)
    run.table(f"reading{ending}", table)
    run.measured(**reading.reading_metrics(table, language))
    run.figure(f"reading{ending}", figures.reading(table))
    found = cells.answers(models, store, chosen, language)
    run.measured(**cells.answer_metrics(found, language))
    run.measured(**cells.abstaining(run, store, found, language))
    run.table(f"replies{ending}", cells.reply_rows(found))
    rows = cells.cell_rows(run.metrics, ending)
    run.table(f"cells{ending}", rows)
    run.figure(f"two_by_two{ending}", figures.two_by_two(rows))
    if language == run.settings["languages"][0]:
        run.measured(**cells.latency_metrics(cells.latencies(run, models, found, language)))
    changed = updating.ask_new_prices(models, store, chosen.tuned, language)
    run.table(f"new prices{ending}", updating.new_price_rows(changed))
    run.measured(**updating.new_price_metrics(changed, language))


def own_folder(run: Run) -> None:
    """The user's documents, where a folder was given."""
    if run.data is None:
        return
    language = run.settings["languages"][0]
    chosen = reading.choose(run.tables[f"reading{metric_suffix(language)}"])
    documents, questions = own.read_own(run.data)
    store = own.index_own(run, searching.embedder(run), documents)
    rows = questions or own.known_items(documents.documents, run.seed)
    own.search_own(run, store, rows, written=questions is not None)
    own.answer_own(run, store, training.readers(run, language), chosen.tuned, rows)


STEPS = (
    Step("retrieval", Text("Vector, text, hybrid", "ベクトル・全文・ハイブリッド検索"), retrieval),
    Step("chunks", Text("Chunks of the wrong size", "チャンクの大きさ"), chunks),
    Step("training", Text("By heart, and among distractors", "丸暗記と RAFT"), train),
    Step("grid", Text("Two by two, and new prices", "2 × 2 と、価格の変更"), grid),
    Step("own", Text("Your own documents", "自分の文書"), own_folder),
)
