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
CELLS = [
    """
from lab_helpers.course.exercises import lab02
from lab_helpers.figures.plots import lines
from lab_helpers.figures.widgets import freezing_explorer, parameter_explorer, quiz_widget, rank_explorer
from lab_helpers.models.known_configs import KNOWN, TARGET_SETS, lora_counts
rows = [{"blocks": k, "accuracy": a, "trainable": 10 ** k} for k, a in ((0, 0.4), (2, 0.5), (4, 0.6), (6, 0.7))]
freezing_explorer(rows)
""",
    "rank_explorer(lambda r: lines({'r': [(0, 0), (1, r)]}, 'x', 'y', title=f'rank {r}'), highest=64)",
    "parameter_explorer(lora_counts, list(KNOWN), list(TARGET_SETS))",
    "quiz_widget(lab02.QUIZ, lambda number, right: print('noted', number, right))",
]

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
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS]
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
            page = browser.new_page(viewport={"width": 1300, "height": 2600})
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


def cell(page, number: int):
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number)


def wait_for_change(read, before, seconds: int = 20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now = read()
        if now and now != before:
            return now
        time.sleep(0.2)
    pytest.fail("the widget did not redraw")


def picture(page, number: int):
    images = cell(page, number).locator(".widget-html img")
    return images.last.get_attribute("src") if images.count() else None


def test_choosing_blocks_redraws_the_freezing_picture(page):
    before = wait_for_change(lambda: picture(page, 0), None)
    cell(page, 0).locator("select").select_option(label="6")
    wait_for_change(lambda: picture(page, 0), before)


def test_moving_the_rank_slider_redraws(page):
    before = wait_for_change(lambda: picture(page, 1), None)
    readout = cell(page, 1).locator(".widget-readout")
    readout.fill("32")
    readout.press("Enter")
    wait_for_change(lambda: picture(page, 1), before)


def test_the_parameter_counter_counts_again(page):
    table = cell(page, 2).locator("table")
    table.wait_for(timeout=60_000)
    assert "Llama 3 8B" in table.inner_text()
    before = table.inner_text()
    cell(page, 2).locator("select").first.select_option(label="Gemma 2 2B")
    after = wait_for_change(lambda: cell(page, 2).locator("table").inner_text(), before)
    assert "Gemma 2 2B" in after


def test_a_quiz_answer_is_explained(page):
    cell(page, 3).get_by_role("button", name="1a", exact=True).click()
    cell(page, 3).get_by_text("❌ Only if α grows with r.").wait_for(timeout=20_000)
    cell(page, 3).get_by_role("button", name="1b", exact=True).click()
    cell(page, 3).get_by_text("✅ Right: that is why").wait_for(timeout=20_000)
    if "LAB_SCREENSHOT" in os.environ:
        page.screenshot(path=os.environ["LAB_SCREENSHOT"], full_page=True)
