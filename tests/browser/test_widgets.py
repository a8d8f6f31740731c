"""The widgets in a real browser: JupyterLab, a live kernel, a person's clicks.

Skipped, with the reason, where no Chromium is installed.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing

import nbformat
import pytest

from lab_helpers.course.notebooks import KERNEL

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# One cell a widget, each with the same functions that its lab hands it.
CELLS = {
    "freezing": """
from lab_helpers.labs.lab02.questions import QUIZ
from lab_helpers.figures.charts import lines
from lab_helpers.figures.widgets import (
    freezing_explorer,
    parameter_explorer,
    quiz_widget,
    rank_explorer,
)
from lab_helpers.models.known_configs import KNOWN, TARGET_SETS
from lab_helpers.tuning.lora_counts import lora_counts
ways = (("probe", 0, 0.4), ("top third", 2, 0.5), ("full", 6, 0.7))
rows = [{"method": m, "trains": [n >= 6 - k for n in range(6)], "accuracy": a, "trainable": 10 ** k} for m, k, a in ways]
freezing_explorer(rows)
""",
    "rank": "rank_explorer(lambda r: lines({'r': [(0, 0), (1, r)]}, 'x', 'y', title=f'rank {r}'), highest=64)",
    "parameters": "parameter_explorer(lora_counts, list(KNOWN), list(TARGET_SETS))",
    "quiz": "quiz_widget(QUIZ, lambda number, right: print('noted', number, right))",
    "memory": """
from lab_helpers.figures.widgets import memory_explorer
from lab_helpers.labs.lab03.memory import draw_plan
from lab_helpers.tuning.memory import METHODS
memory_explorer(draw_plan, list(KNOWN), list(METHODS))
""",
    "mask": """
from lab_helpers.figures import sft
from lab_helpers.figures.widgets import mask_explorer
from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.masks import MODES, token_mask
model, tokenizer = load_language_model("kotori")
def masked(mode, question, answer):
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return sft.label_mask(token_mask(tokenizer, turns, mode), mode)
mask_explorer(masked, list(MODES), "How much is it?", "It costs 980 yen.")
""",
    "preference": """
from lab_helpers.figures.preferences import loss_explorer
from lab_helpers.figures.widgets import preference_explorer
preference_explorer(loss_explorer)
""",
    "chat": """
from peft import LoraConfig, get_peft_model
from lab_helpers.figures.widgets import chat_explorer
from lab_helpers.models.side_by_side import SideBySide
chat_explorer(SideBySide(get_peft_model(model, LoraConfig(r=2)), tokenizer).ask, "What colour is the sky?")
""",
    "dashboard": """
from lab_helpers.evaluation.dashboard import Metric, dashboard
from lab_helpers.figures import dashboard as dashboard_figures
from lab_helpers.figures.widgets import dashboard_explorer
names = ("tone", "right", "safe")
board = dashboard(
    [Metric(name, name, name) for name in names],
    {model: {name: share for name in names} for model, share in (("base", 0.3), ("tuned", 0.8))},
)
dashboard_explorer(
    lambda kind, metrics, names: dashboard_figures.picture(board.only(metrics, names), kind),
    [(metric.label("en"), metric.name) for metric in board.metrics],
    board.models,
)
""",
    "retrieval": """
from lab_helpers.figures.retrieval import chunk_explorer
from lab_helpers.figures.widgets import retrieval_explorer
sizes = [8, 64, 512]
chunks = [
    {"tokens": s, "k": k, "chunks": 9, "truncated": 0.0, "answer found": k / (k + s / 64), "tokens to read": s * k}
    for s in sizes
    for k in range(1, 11)
]
retrieval_explorer(lambda size, k: chunk_explorer(chunks, size, k), sizes, 10)
""",
}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """JupyterLab with a notebook of all widgets, every cell run, open in Chromium."""
    playwright = pytest.importorskip("playwright.sync_api")
    folder, port = tmp_path_factory.mktemp("lab"), free_port()
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS.values()]
    metadata = {"kernelspec": KERNEL}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / "widgets.ipynb"
    )
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        f"--port={port}",
        "--ServerApp.ip=127.0.0.1",
    ]
    command += ["--IdentityProvider.token=", "--allow-root", f"--ServerApp.root_dir={folder}"]
    server = subprocess.Popen(
        command, env={**os.environ, "LAB_LANG": "en"}, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api")
        with playwright.sync_playwright() as browsers:
            browser = browsers.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": 1300, "height": 4600})
            page.goto(f"http://127.0.0.1:{port}/lab/tree/widgets.ipynb")
            page.locator(".jp-Notebook .jp-CodeCell").first.click(timeout=60_000)
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_text("Run All Cells", exact=True).click()
            page.locator(
                ".jupyter-widgets .widget-toggle-button, .jupyter-widgets button"
            ).first.wait_for(timeout=120_000)
            yield page
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


def wait_for(address: str, seconds: int = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def cell(page, widget: str):
    return page.locator(".jp-Notebook .jp-CodeCell").nth(list(CELLS).index(widget))


def wait_for_change(read, before, seconds: int = 20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = read()
        if now and now != before:
            return now
        time.sleep(0.2)
    pytest.fail("the widget did not redraw")


def picture(page, widget: str):
    images = cell(page, widget).locator(".widget-html img")
    return images.last.get_attribute("src") if images.count() else None


def drawn(page, widget: str):
    """The picture of a widget, once it is there."""
    return wait_for_change(lambda: picture(page, widget), None, 60)


def type_in(field, text: str) -> None:
    field.fill(text)
    field.press("Enter")


def test_choosing_blocks_redraws_the_freezing_picture(page):
    before = drawn(page, "freezing")
    cell(page, "freezing").locator("select").select_option(label="full")
    wait_for_change(lambda: picture(page, "freezing"), before)


def test_moving_the_rank_slider_redraws(page):
    before = drawn(page, "rank")
    type_in(cell(page, "rank").locator(".widget-readout"), "32")
    wait_for_change(lambda: picture(page, "rank"), before)


def test_the_parameter_counter_counts_again(page):
    table = cell(page, "parameters").locator("table")
    table.wait_for(timeout=60_000)
    assert "Llama 3 8B" in table.inner_text()
    before = table.inner_text()
    cell(page, "parameters").locator("select").first.select_option(label="Gemma 2 2B")
    after = wait_for_change(lambda: cell(page, "parameters").locator("table").inner_text(), before)
    assert "Gemma 2 2B" in after


def test_a_quiz_answer_is_explained(page):
    quiz = cell(page, "quiz")
    quiz.get_by_role("button", name="1a", exact=True).click()
    quiz.get_by_text("❌ Only if α grows with r.").wait_for(timeout=20_000)
    quiz.get_by_role("button", name="1b", exact=True).click()
    quiz.get_by_text("✅ Right: that is why").wait_for(timeout=20_000)


def test_switching_checkpointing_off_and_another_method_redraw_the_memory(page):
    before = drawn(page, "memory")
    cell(page, "memory").locator("input[type=checkbox]").uncheck()
    unchecked = wait_for_change(lambda: picture(page, "memory"), before)
    cell(page, "memory").locator("select").nth(1).select_option(index=0)
    wait_for_change(lambda: picture(page, "memory"), unchecked)


def test_another_mode_and_another_answer_redraw_the_mask(page):
    before = drawn(page, "mask")
    cell(page, "mask").locator("select").select_option(index=1)
    moded = wait_for_change(lambda: picture(page, "mask"), before)
    type_in(cell(page, "mask").locator("input[type=text]").last, "It is free.")
    wait_for_change(lambda: picture(page, "mask"), moded)


def test_another_beta_redraws_the_loss(page):
    before = drawn(page, "preference")
    type_in(cell(page, "preference").locator(".widget-readout").first, "0.5")
    wait_for_change(lambda: picture(page, "preference"), before)


def test_a_radar_and_an_empty_choice_redraw_the_dashboard(page):
    before = drawn(page, "dashboard")
    lists = cell(page, "dashboard").locator("select")
    lists.first.select_option(label="radar")
    wait_for_change(lambda: picture(page, "dashboard"), before)
    lists.nth(1).select_option([])
    cell(page, "dashboard").get_by_text("Choose a model and a metric.").wait_for(timeout=20_000)


def test_another_chunk_size_and_another_k_redraw_the_retrieval(page):
    before = drawn(page, "retrieval")
    cell(page, "retrieval").locator("select").select_option(label="512 tokens")
    resized = wait_for_change(lambda: picture(page, "retrieval"), before)
    type_in(cell(page, "retrieval").locator(".widget-readout"), "2")
    wait_for_change(lambda: picture(page, "retrieval"), resized)


def test_a_customers_message_is_answered_by_base_and_tuned(page):
    chat = cell(page, "chat")
    chat.locator("table").wait_for(timeout=60_000)
    before = chat.locator("table").inner_text()
    assert before.split()[:2] == ["base", "tuned"]
    type_in(chat.locator("input[type=text]"), "Where can I buy a new lid?")
    wait_for_change(lambda: chat.locator("table").inner_text(), before)
    if "LAB_SCREENSHOT" in os.environ:
        page.screenshot(path=os.environ["LAB_SCREENSHOT"], full_page=True)
