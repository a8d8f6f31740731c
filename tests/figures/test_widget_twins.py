"""Widgets where no front end has them, and under the versions that Google Colab has."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lab_helpers.course.notebooks import KERNEL
from lab_helpers.figures import widgets

ROOT = Path(__file__).parents[2]
VIEW = "application/vnd.jupyter.widget-view+json"
# What runs a session on Colab, and what those packages import.
SESSION = ("ipywidgets", "ipython", "ipykernel", "traitlets", "jupyter_client", "psutil", "tornado")
SESSION += ("ipython-genutils", "backcall", "decorator", "nest-asyncio", "pickleshare")


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, as IPython hands it to a front end: a list of MIME bundles."""
    import IPython.display
    from IPython.core.formatters import DisplayFormatter

    bundles = []
    format_one = DisplayFormatter().format
    monkeypatch.setattr(IPython.display, "display", lambda it: bundles.append(format_one(it)[0]))
    monkeypatch.setattr(widgets, "in_notebook", lambda: True)
    return bundles


def test_a_front_end_without_widgets_shows_the_static_twin(shown):
    widgets.explorer(lambda r: [{"r": r, "trained": r * 2}], r=widgets.slider("r", 8, 1, 64))
    [bundle] = shown
    assert bundle[VIEW]["model_id"]
    assert bundle["text/html"] == "<table><tr><th>r</th><th>trained</th></tr><tr><td>8</td><td>16</td></tr></table>"  # fmt: skip
    assert "VBox" not in bundle["text/plain"]


def test_the_twin_of_a_figure_is_its_picture(shown):
    from lab_helpers.figures.preferences import loss_explorer

    widgets.preference_explorer(loss_explorer)
    assert shown[0]["text/html"].startswith(
        '<img style="max-width:100%" src="data:image/png;base64,iVBOR'
    )


def test_the_quiz_stands_above_its_buttons_as_text_and_needs_no_twin(shown):
    from lab_helpers.course.registry import get_lab

    widgets.quiz_widget(get_lab("04").questions().QUIZ, lambda number, right: None)
    assert shown[0][VIEW]["model_id"]
    assert shown[0]["text/html"] == ""


@pytest.mark.registry
@pytest.mark.slow
def test_every_widget_works_with_colabs_own_ipywidgets_ipython_and_kernel(tmp_path):
    """All cells of the browser's test in a kernel with ipywidgets 7.7.1, IPython 7.34, ipykernel 6.17."""
    from nbclient import NotebookClient

    freeze = (ROOT / "tests/course/colab_freeze.txt").read_text(encoding="utf-8").splitlines()
    named = [line for line in freeze if line.partition("==")[0] in SESSION]
    assert len(named) == len(SESSION)
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(tmp_path / "colab"),
    ]
    done = subprocess.run([*install, *named, "entrypoints"], capture_output=True, text=True, check=False)  # fmt: skip
    if done.returncode:
        pytest.skip(f"no package registry answers: {done.stderr.strip().splitlines()[-1]}")
    about = "import IPython, ipywidgets, ipykernel, psutil\n"
    about += "print(IPython.__version__, ipywidgets.__version__, ipykernel.__version__, psutil.__version__)"
    cells = runpy.run_path(str(ROOT / "tests/browser/test_widgets.py"))["CELLS"]
    sources = [about, *(source.strip() for source in cells.values())]
    notebook = nbformat.v4.new_notebook(
        cells=list(map(nbformat.v4.new_code_cell, sources)), metadata={"kernelspec": KERNEL}
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "colab"), "OMP_NUM_THREADS": "1"}
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}})
    client.execute(env=environment)
    versions, *drawn = notebook.cells
    assert versions.outputs[0].text.split() == ["7.34.0", "7.7.1", "6.17.1", "5.9.5"]
    for cell, name in zip(drawn, cells, strict=True):
        shown = [out.data for out in cell.outputs if VIEW in out.get("data", {})]
        assert len(shown) == 1, name
        assert "text/html" in shown[0], name
