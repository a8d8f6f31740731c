"""Lab 07 in a further language: its readers trained, and everything that needs them."""

from lab_helpers.course.record import Run
from lab_helpers.figures import retrieval as figures
from lab_helpers.labs.lab07.new_prices import measure_new_prices, new_price_metrics, new_price_rows
from lab_helpers.labs.lab07.readers import choose_readers, measure_readers, reading_metrics
from lab_helpers.labs.lab07.search import choose_limit
from lab_helpers.labs.lab07.training import load_readers, train_all_readers
from lab_helpers.labs.lab07.two_by_two import (
    abstention_metrics,
    answer_metrics,
    cell_rows,
    measure_answers,
    reply_rows,
    score_answers,
)
from lab_helpers.rag.store import Store
from lab_helpers.runtime.language import metric_suffix


def train_track(run: Run, store: Store, language: str, config, adapter) -> None:
    """Three trainings, the choice of readers, the four cells, silence, new prices: all of one language."""
    run.measured(**train_all_readers(run, language, config, adapter))
    models, ending = load_readers(run, language), metric_suffix(language)
    table = measure_readers(models, store, language, run.settings["validation_questions"])
    chosen = choose_readers(table)
    run.table(f"reading{ending}", table)
    run.measured(**reading_metrics(table, language))
    run.figure(f"reading{ending}", figures.reading(table))
    found = measure_answers(models, store, chosen, language, run.settings["test_questions"])
    run.measured(**answer_metrics(score_answers(found, language), language))
    k = run.settings["k"]
    limit = choose_limit(store, language, k)
    run.measured(**abstention_metrics(found, limit, language, k))
    run.table(f"replies{ending}", reply_rows(found))
    rows = cell_rows(run.metrics, ending)
    run.table(f"cells{ending}", rows)
    run.figure(f"two_by_two{ending}", figures.two_by_two(rows))
    changed = measure_new_prices(models, store, chosen.tuned, language)
    run.table(f"new prices{ending}", new_price_rows(changed))
    run.measured(**new_price_metrics(changed, language))
