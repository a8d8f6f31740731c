"""Lab 07, RAG and fine-tuning together: search, answer from what was found, and know when not to.

Two by two: {base, tuned} × {closed book, passages}. The tuned closed-book model has learned the
company's support archive by SFT; the tuned reader has learned, from the same archive with other
numbers in every row, to answer from passages among distractors (RAFT).
"""

import numpy as np

from lab_helpers.course.language import Text
from lab_helpers.course.record import Run
from lab_helpers.evaluation.classification import scored
from lab_helpers.evaluation.latency import measure_latency
from lab_helpers.headless import lab07_cells as cells
from lab_helpers.headless import lab07_retrieval as searching
from lab_helpers.headless.steps import Step
from lab_helpers.models.adapters import load_adapter, save_adapter
from lab_helpers.models.generation import asked
from lab_helpers.rag.answer import best_score
from lab_helpers.rag.prompts import with_sources

ARMS = {"tuned_closed": "sft", "tuned_rag": "raft", "no_distractors": "oracle_only"}


def suffix(language: str) -> str:
    return "" if language == "en" else f"_{language}"


def retrieval(run: Run) -> None:
    """Vector, text and hybrid search in both languages, on the test questions."""
    embedder, rows = searching.embedder(run), []
    for language in searching.LANGUAGES:
        store = searching.open_store(run, embedder, language)
        rows += searching.retrieval_rows(store, language)
    run.table("retrieval", searching.means(rows))
    run.measured(**searching.retrieval_metrics(rows))


def chunks(run: Run) -> None:
    """Drill 12: too small, right, too large."""
    table = searching.chunk_rows(run, searching.embedder(run))
    run.table("chunks", table)
    run.measured(**searching.chunk_metrics(table))


def training(run: Run) -> None:
    """Closed-book SFT, RAFT, and the reader that never saw a distractor; each adapter is kept."""
    for language in run.sizes["languages"]:
        examples = {
            "sft": cells.closed_book_examples(language),
            "raft": cells.raft_examples(run, language),
        }
        if language == "en":
            examples["oracle_only"] = cells.raft_examples(run, language, distractors=False)
        for name, rows in examples.items():
            tuned, _ = cells.tune(run, rows)
            save_adapter(tuned.model, run.folder / f"{name}{suffix(language)}")
            run.artifact(run.folder / f"{name}{suffix(language)}")
            if name == "raft":
                run.measured(**{f"train_seconds{suffix(language)}": tuned.seconds})


def tuned_model(run: Run, name: str, language: str):
    """A fresh base with one of the three adapters."""
    model, tokenizer = cells.language_model(run)
    return load_adapter(model, run.folder / f"{name}{suffix(language)}"), tokenizer


def grid(run: Run) -> None:
    """The four cells, and the reader without distractors, on the same test questions."""
    embedder = searching.embedder(run)
    for language in run.sizes["languages"]:
        store = searching.open_store(run, embedder, language)
        grid_track(run, store, language)
    run.measured(**gains(run.metrics))


def grid_track(run: Run, store, language: str) -> None:
    """One language: every cell answers every test question."""
    ending, k = suffix(language), run.sizes["k"]
    rows = searching.questions(language, "test")
    hits = searching.search_all(store, rows, k)
    base, tokenizer = cells.language_model(run)
    way, base_k = cells.best_base_way(run, base, tokenizer, store, language)
    run.measured(**{f"base_rag_way{ending}": f"{way}, {base_k}"})
    replies = {
        "base_closed": cells.closed_book(base, tokenizer, rows),
        "base_rag": cells.BASE_WAYS[way](base, tokenizer, rows, hits, language, base_k),
    }
    for cell, name in ARMS.items():
        if name == "oracle_only" and language != "en":
            continue
        model, tokenizer = tuned_model(run, name, language)
        replies[cell] = (
            cells.closed_book(model, tokenizer, rows)
            if cell == "tuned_closed"
            else cells.open_book(model, tokenizer, rows, hits, language, k)
        )
        if cell == "tuned_rag":
            run.measured(**abstaining(run, store, rows, hits, replies[cell], language))
    for cell, texts in replies.items():
        run.measured(**cells.cell_metrics(cells.score(rows, texts, language), cell, ending))
    run.table(f"cells{ending}", cell_rows(run.metrics, ending))
    shown = range(0, len(rows), max(1, len(rows) // 8))
    run.table(
        f"replies{ending}",
        [{"question": rows[i]["question"]} | {c: t[i] for c, t in replies.items()} for i in shown],
    )


def cell_rows(metrics: dict, ending: str = "") -> list[dict]:
    """A row a cell, for the table."""
    names = ("base_closed", "base_rag", "tuned_closed", "tuned_rag", "no_distractors")
    keys = ("correct", "tone", "joint", "hallucination")
    return [
        {"cell": name} | {key: metrics[f"{key}_{name}{ending}"] for key in keys}
        for name in names
        if f"joint_{name}{ending}" in metrics
    ]


def abstaining(run: Run, store, rows, hits, replies: list[str], language: str) -> dict:
    """The hybrid behind a threshold from the validation questions: it abstains by score, or declines itself."""
    by, threshold = searching.validation_threshold(store, language, run.sizes["k"])
    answerable = np.array([bool(row["document"]) for row in rows])
    by_score = np.array([best_score(found, by) < threshold.value for found in hits])
    silent = (by_score | (cells.declines(replies, language) > 0)).astype(float)
    ending = suffix(language)
    return (
        scored(f"abstain_rate_unanswerable{ending}", silent[~answerable])
        | scored(f"abstain_rate_answerable{ending}", silent[answerable])
        | {
            f"abstain_threshold{ending}": threshold.value,
            f"abstain_score{ending}": by,
            f"abstain_by_score_unanswerable{ending}": float(by_score[~answerable].mean()),
        }
    )


def gains(metrics: dict) -> dict[str, float]:
    """What passages take off invention, what the pair adds to the better single one, what distractors add."""
    best = max(metrics["correct_base_rag"], metrics["correct_tuned_closed"])
    others = [metrics[f"joint_{name}_ci"][1] for name in ("base_closed", "base_rag", "tuned_closed")]  # fmt: skip
    return {
        "hallucination_drop_rag": metrics["hallucination_base_closed"]
        - metrics["hallucination_base_rag"],
        "hybrid_correct_gain": metrics["correct_tuned_rag"] - best,
        "hybrid_joint_lead": metrics["joint_tuned_rag_ci"][0] - max(others),
        "distractor_gain": metrics["correct_tuned_rag"] - metrics["correct_no_distractors"],
    }


def update(run: Run) -> None:
    """Every price goes up by 1,300 yen, in the documents only; then the price questions again."""
    embedder, k = searching.embedder(run), run.sizes["k"]
    for language in run.sizes["languages"]:
        store = searching.open_store(run, embedder, language)
        changes = cells.changed_prices(language)
        for _, page, _ in changes:
            store.update(page)
        rows = [row for row, _, _ in changes]
        hits = searching.search_all(store, rows, k)
        reader, tokenizer = tuned_model(run, "raft", language)
        texts = cells.open_book(reader, tokenizer, rows, hits, language, k)
        by_heart, tokenizer = tuned_model(run, "sft", language)
        closed = cells.closed_book(by_heart, tokenizer, rows)
        found = [
            any(row["answer"] in hit.text for hit in one)
            for row, one in zip(rows, hits, strict=True)
        ]
        ending = suffix(language)
        run.measured(
            **{f"updated_fact_retrieved{ending}": float(np.mean(found))},
            **scored(f"updated_fact_rag{ending}", right(rows, texts)),
            **scored(f"updated_fact_closed{ending}", right(rows, closed)),
        )


def right(rows: list[dict], replies: list[str]) -> list[float]:
    return [float(cells.is_right(row, text)) for row, text in zip(rows, replies, strict=True)]


def latency(run: Run) -> None:
    """One customer at a time in each cell; the seconds of the search are not in it."""
    language, k = run.sizes["languages"][0], run.sizes["k"]
    store = searching.open_store(run, searching.embedder(run), language)
    rows = searching.questions(language, "test")[: run.sizes["latency_questions"]]
    hits = searching.search_all(store, rows, k)
    closed = [asked(row["question"]) for row in rows]
    opened = [with_sources(r["question"], h, language) for r, h in zip(rows, hits, strict=True)]
    arms = {"base": (None, None), "tuned": ("sft", "raft")}
    for name, adapters in arms.items():
        for kind, adapter, asking in zip(
            ("closed", "rag"), adapters, (closed, opened), strict=True
        ):
            model, tokenizer = (
                tuned_model(run, adapter, language) if adapter else cells.language_model(run)
            )
            measured = measure_latency(model, tokenizer, asking, cells.NEW_TOKENS)
            run.measured(**{f"latency_p50_ms_{name}_{kind}": 1000 * measured.p50})


STEPS = (
    Step("retrieval", Text("Vector, text, hybrid", "ベクトル・全文・ハイブリッド検索"), retrieval),
    Step("chunks", Text("Chunks of the wrong size", "チャンクの大きさ"), chunks),
    Step("training", Text("By heart, and among distractors", "丸暗記と RAFT"), training),
    Step("grid", Text("Two by two", "2 × 2"), grid),
    Step("update", Text("A document changes", "文書が変わる"), update),
    Step("latency", Text("How long a customer waits", "待ち時間"), latency),
)
