"""Lab 07, several documents for one answer: questions derived from the company's table, found and answered."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.evaluation.significance import difference_metrics
from lab_helpers.labs.lab07.readers import (
    MOST_PASSAGES,
    READERS,
    Chosen,
    Setting,
    is_right,
    read_passages,
)
from lab_helpers.labs.lab07.search import find_documents, search_all
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.models.kotori.planted import company_facts, table
from lab_helpers.rag.documents import shipped_documents
from lab_helpers.rag.hits import Hit
from lab_helpers.rag.store import Store
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import metric_suffix

_ASKED = {
    "price": ("What do {} cost?", "{}はそれぞれいくらですか。"),
    "weight_kg": ("How heavy are {}?", "{}の重さは、それぞれどれくらいですか。"),
    "power_watt": ("How many watts do {} use?", "{}の消費電力は、それぞれ何ワットですか。"),
    "part_price": ("How much is the {}, and how much is its {}?", "{}の本体と{}は、それぞれいくらですか。"),
}  # fmt: skip


def several_rows(language: str) -> list[dict]:
    """Questions that no single page answers: two or three products at once, or a product and its spare part.

    ``documents`` are the pages needed, ``parts`` the single questions inside with their answers, from the
    company's table. Values that stand on no page, or on several, are left out.
    """
    names = [product["name"] for product in table()["product"]]
    rows = []
    for attribute in ("price", "weight_kg", "power_watt"):
        known = [name for name in names if _part(name, attribute, language)]
        sizes = (2, 3) if attribute == "price" else (2,)
        for size in sizes:
            for first in range(len(known)):
                some = [known[(first + step) % len(known)] for step in range(size)]
                parts = [_part(name, attribute, language) for name in some]
                rows.append(_row(_ask(attribute, some, language), parts))
    for product in table()["product"]:
        parts = [_part(product["name"], key, language) for key in ("price", "part_price")]
        if all(parts):
            template = _ASKED["part_price"][language == "ja"]
            names_of_both = product["name"][language], product["part"][language]
            rows.append(_row(template.format(*names_of_both), parts))
    return rows


def _ask(attribute: str, names: list[dict], language: str) -> str:
    if language == "ja":
        return _ASKED[attribute][1].format("と".join(name["ja"] for name in names))
    shown = [f"the {name['en']}" for name in names]
    return _ASKED[attribute][0].format(", ".join(shown[:-1]) + f" and {shown[-1]}")


def _part(name: dict, attribute: str, language: str) -> dict | None:
    """The single question about one value, and the only page that says it; None where none or several do."""
    key = f"product.{name['en']}.{attribute}"
    fact = next(fact for fact in company_facts(language) if fact.key == key)
    pages = [p.id for p in shipped_documents(language) if name[language] in p.text and fact.answer in p.text]  # fmt: skip
    if len(pages) != 1:
        return None
    return {"question": fact.question, "answer": fact.answer, "document": pages[0]}


def _row(question: str, parts: list) -> dict:
    return {
        "question": question,
        "documents": list(dict.fromkeys(part["document"] for part in parts)),
        "parts": parts,
    }


@dataclass(frozen=True)
class Several:
    """The questions, the pages found for each in both ways, and the replies by way and reader."""

    rows: list[dict]
    pages: dict[str, list[list[str]]]
    replies: dict[str, list[str]]


def find_apart(store: Store, row: dict) -> list[str]:
    """The pages of a question's single parts, the best of each part first, each page once."""
    ranked = find_documents(store, row["parts"])
    longest = max(map(len, ranked))
    taken = (found[place] for place in range(longest) for found in ranked if place < len(found))
    return list(dict.fromkeys(taken))


def measure_several(models: ComparedModels, store: Store, chosen: Chosen, language: str) -> Several:
    """Asked at once, with the three best passages and each tuned reader; and part by part, with the chosen one."""
    rows = several_rows(language)
    together: list[list[Hit]] = search_all(store, rows, MOST_PASSAGES)
    pages = {
        "at once": find_documents(store, rows),
        "apart": [find_apart(store, row) for row in rows],
    }
    replies = {}
    for name in ("RAFT", "oracle only"):
        model = models.with_adapter(READERS[name].adapter)
        reader = Setting(name, MOST_PASSAGES)
        replies[f"at once, {name}"] = read_passages(model, models.tokenizer, reader, rows, together, language)  # fmt: skip
    singles = [part for row in rows for part in row["parts"]]
    hits = search_all(store, singles, MOST_PASSAGES)
    model = models.with_adapter(READERS[chosen.tuned.name].adapter)
    single = iter(read_passages(model, models.tokenizer, chosen.tuned, singles, hits, language))
    replies["apart"] = ["\n".join(next(single) for _ in row["parts"]) for row in rows]
    return Several(rows, pages, replies)


def are_right(rows: list[dict], replies: list[str]) -> np.ndarray:
    """1.0 for each reply that holds the answers of all its question's parts, (n,)."""
    return np.array(
        [
            float(all(is_right(part, text) for part in row["parts"]))
            for row, text in zip(rows, replies, strict=True)
        ]
    )


def several_metrics(found: Several, recall, language: str) -> dict:
    """Share of the needed pages and of questions with all of them among the five best; right answers."""
    ending, gold = metric_suffix(language), [row["documents"] for row in found.rows]
    metrics: dict = {f"several_questions{ending}": len(gold)}
    shares = {way: np.asarray(recall(pages, gold, 5), float) for way, pages in found.pages.items()}
    for way, share in shares.items():
        name = way.replace(" ", "_")
        metrics |= interval_metrics(f"several_recall_at_5_{name}{ending}", share)
        metrics |= interval_metrics(f"several_all_at_5_{name}{ending}", share == 1)
    for way, texts in found.replies.items():
        name = way.replace(", ", "_").replace(" ", "_").lower()
        metrics |= interval_metrics(f"several_correct_{name}{ending}", are_right(found.rows, texts))
    right = {way: are_right(found.rows, texts) for way, texts in found.replies.items()}
    best = max((way for way in right if way != "apart"), key=lambda way: right[way].mean())
    compared = {
        "all_at_5": (shares["apart"] == 1, shares["at once"] == 1),
        "correct": (right["apart"], right[best]),
    }
    for key, (ours, theirs) in compared.items():
        metrics |= difference_metrics(f"several_{key}_gain_apart{ending}", ours, theirs)
    return metrics


def several_result_rows(found: Several, metrics: dict, ending: str = "") -> list[dict]:
    """A row a way: needed pages found, questions with all of them, right answers, with intervals."""
    rows = []
    for way in found.replies:
        search = way.split(",")[0].replace(" ", "_")
        name = way.replace(", ", "_").replace(" ", "_").lower()
        rows.append(
            {
                "way": way,
                "needed pages among 5": metrics[f"several_recall_at_5_{search}{ending}"],
                "all of them": metrics[f"several_all_at_5_{search}{ending}"],
                "right": metrics[f"several_correct_{name}{ending}"],
                "95 %": metrics[f"several_correct_{name}{ending}_ci"],
            }
        )
    return rows
