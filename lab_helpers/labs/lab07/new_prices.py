"""Lab 07, a document that changes: new prices in the store, no model trained again."""

from dataclasses import dataclass, replace

import numpy as np

from lab_helpers.labs.lab07.readers import (
    MOST_PASSAGES,
    READERS,
    Setting,
    answer_closed_book,
    holds_answer,
    is_right,
    read_passages,
)
from lab_helpers.labs.lab07.search import load_questions, search_all
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.models.kotori import planted
from lab_helpers.rag.documents import Document, shipped_documents
from lab_helpers.rag.store import Hit, Store
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import metric_suffix


def change_prices(language: str) -> list[tuple[dict, Document, str]]:
    """For each product with a question about its price: the question, its page with another price, that price."""
    pages = {page.id: page for page in shipped_documents(language)}
    prices = {
        planted.written("price", product["price"], language): product["price"]
        for product in planted.table()["product"]
    }
    found = []
    for split in ("validation", "test"):
        for row in load_questions(language, split, answerable=True):
            if row["answer"] not in prices or row["document"] not in pages:
                continue
            page = pages[row["document"]]
            new = planted.written("price", prices[row["answer"]] + 1_300, language)
            if row["answer"] in page.text:
                changed = replace(page, text=page.text.replace(row["answer"], new))
                found.append((row | {"answer": new}, changed, new))
    return found


@dataclass(frozen=True)
class NewPrices:
    """Price questions after all prices rose by 1,300 yen in the documents alone; replies by model."""

    rows: list[dict]
    hits: list[list[Hit]]
    replies: dict[str, list[str]]


def measure_new_prices(
    models: ComparedModels, store: Store, reader: Setting, language: str
) -> NewPrices:
    """The documents change, no model does; the closed-book model and the reader are asked again."""
    changes = change_prices(language)
    store.add([page for _, page, _ in changes])
    rows = [row for row, _, _ in changes]
    hits = search_all(store, rows, MOST_PASSAGES)
    closed = answer_closed_book(models.with_adapter("sft"), models.tokenizer, rows)
    model = models.with_adapter(READERS[reader.name].adapter)
    opened = read_passages(model, models.tokenizer, reader, rows, hits, language)
    return NewPrices(rows, hits, {"rag": opened, "closed": closed})


def new_price_metrics(found: NewPrices, language: str) -> dict:
    """How often the new price is among the best passages, and how often each model gave it."""
    ending = metric_suffix(language)
    retrieved = [holds_answer(row, hits, len(hits)) for row, hits in zip(found.rows, found.hits, strict=True)]  # fmt: skip
    metrics: dict = {f"updated_fact_retrieved{ending}": float(np.mean(retrieved))}
    for kind, texts in found.replies.items():
        right = [float(is_right(row, text)) for row, text in zip(found.rows, texts, strict=True)]
        metrics |= interval_metrics(f"updated_fact_{kind}{ending}", right)
    return metrics


def new_price_rows(found: NewPrices, count: int = 4) -> list[dict]:
    """Some of the questions with the new price and both replies."""
    return [
        {"question": row["question"], "new price": row["answer"]}
        | {kind: texts[i] for kind, texts in found.replies.items()}
        for i, row in enumerate(found.rows[:count])
    ]
