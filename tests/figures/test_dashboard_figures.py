"""Pictures of the dashboard show its numbers; the page is one file in two languages; the widget redraws."""

import re

import numpy as np
import pytest

from lab_helpers.evaluation.dashboard import Metric, dashboard
from lab_helpers.figures import dashboard as figures
from lab_helpers.figures import widgets
from lab_helpers.labs.lab06.dashboard_page import write_dashboard
from lab_helpers.runtime.language import language, set_language

METRICS = [
    Metric("tone", "Tone", "口調"),
    Metric("lies", "Hallucination rate", "ハルシネーション率", higher_is_better=False),
    Metric("bleu", "BLEU", "BLEU", high=100),
    Metric("win", "Win rate", "勝率"),
]
EVIL = "<script>alert(1)</script>$x$"
SCORES = {
    "base": {"tone": 0.1, "tone_ci": [0.05, 0.2], "lies": 0.8, "bleu": 5},
    EVIL: {"tone": 0.9, "tone_ci": [0.8, 1.0], "lies": 0.1, "lies_ci": [0.05, 0.2], "bleu": 40, "win": 0.7},
}  # fmt: skip
BOARD = dashboard(METRICS, SCORES)


def texts(figure) -> str:
    import matplotlib.text

    return "\n".join(t.get_text() for t in figure.findobj(matplotlib.text.Text))


def test_bars_stand_in_their_own_units_with_their_intervals():
    tone, lies, bleu, win = figures.bars(BOARD).axes[:4]
    assert [bar.get_width() for bar in tone.patches] == pytest.approx([0.1, 0.9])
    assert [tuple(line.get_xdata()) for line in tone.lines] == [(0.05, 0.2), (0.8, 1.0)]
    assert [bar.get_width() for bar in lies.patches] == pytest.approx([0.8, 0.1])  # not turned
    assert bleu.spines["bottom"].get_bounds() == (0, 100)
    assert len(win.patches) == 1
    assert "no value" in {text.get_text().strip() for text in win.texts}
    assert lies.get_xlabel() == "← lower is better"
    assert tone.get_xlabel() == "higher is better →"


def test_the_radar_turns_and_says_so_and_leaves_out_what_not_all_have():
    figure = figures.radar(BOARD)
    base, other = figure.axes[0].lines
    assert base.get_ydata() == pytest.approx([0.1, 0.2, 0.05, 0.1])
    assert other.get_ydata() == pytest.approx([0.9, 0.9, 0.4, 0.9])
    said = texts(figure)
    assert "Hallucination rate\n1 → 0, turned" in said
    assert "BLEU\n0 → 100" in said
    assert "Win rate" not in said
    assert "not every model has a value: 1" in said
    assert figure.axes[0].get_ylim() == (0, 1)


def test_with_two_common_metrics_a_radar_becomes_bars():
    part = BOARD.only(["tone", "bleu"], SCORES)
    assert figures.picture(part, "radar").axes[0].name == "rectilinear"
    assert figures.picture(BOARD, "radar").axes[0].name == "polar"
    assert figures.picture(BOARD, "bars").axes[0].name == "rectilinear"


def test_a_model_keeps_its_colour_when_another_is_taken_off():
    def colour(board):
        return figures.bars(board).axes[0].patches[-1].get_facecolor()

    assert colour(BOARD) == colour(BOARD.only(["tone"], [EVIL]))


def test_names_are_no_formulas_and_long_ones_are_cut():
    labels = [label.get_text() for label in figures.bars(BOARD).axes[0].get_yticklabels()]
    assert labels[1].startswith("<script>")
    assert "…" in labels[1]
    assert not re.search(r"(?<!\\)\$", labels[1])


def test_japanese_labels_and_a_japanese_name_in_the_english_edition(recwarn):
    from lab_helpers.figures.display import png

    board = dashboard(METRICS, {"私のアダプター": SCORES["base"]})
    png(figures.bars(board))
    png(figures.radar(board))
    set_language("ja")
    assert "ハルシネーション率\n1 → 0、逆向き" in texts(figures.radar(BOARD))
    png(figures.radar(BOARD))
    assert not [w for w in recwarn if "Glyph" in str(w.message)]


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "dashboard.html"
    notes = {"en": "20 <questions> & more", "ja": "質問は20件です。"}
    return write_dashboard(path, BOARD, notes).read_text(encoding="utf-8")


def test_the_page_needs_nothing_else(page):
    assert page.count("data:image/png;base64,") == 4  # bars and radar in two languages
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "<script" not in page
    assert "http" not in re.sub(r"data:image/png;base64,[^\"]*", "", page)


def test_the_page_escapes_names_and_notes(page):
    assert "&lt;script&gt;alert(1)" in page
    assert "20 &lt;questions&gt; &amp; more" in page


def test_the_page_has_both_languages_and_opens_in_the_one_in_force(page, tmp_path):
    for word in ("Models side by side", "モデルの比較", "ハルシネーション率 ↓", "質問は20件です。"):
        assert word in page
    assert re.search(r'id="show-en" checked', page)
    set_language("ja")
    japanese = write_dashboard(tmp_path / "d.html", BOARD).read_text(encoding="utf-8")
    assert re.search(r'id="show-ja" checked', japanese)
    assert '<html lang="ja">' in japanese
    assert language() == "ja"


def test_the_pictures_of_both_languages_differ(page):
    found = re.findall(r"base64,([^\"]+)", page)
    assert len(set(found)) == 4


# --- the widget -----------------------------------------------------------------------------------


def test_choosing_metrics_and_models_redraws(monkeypatch):
    import IPython.display

    shown, drawn = [], []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    monkeypatch.setattr("lab_helpers.figures.widgets.in_notebook", lambda: True)

    def view(kind, metrics, models):
        drawn.append((kind, metrics, models))
        return figures.picture(BOARD.only(metrics, models), kind)

    widgets.dashboard_explorer(view, [(m.label("en"), m.name) for m in METRICS], BOARD.models)
    kind, metrics, models, picture = shown[0].widget.children
    assert drawn == [("bars", ("tone", "lies", "bleu", "win"), ("base", EVIL))]
    before = picture.value
    assert before.startswith("<img")
    kind.value = "radar"
    metrics.value = ("tone", "lies", "bleu")
    assert drawn[-1] == ("radar", ("tone", "lies", "bleu"), ("base", EVIL))
    assert picture.value != before
    models.value = ()
    assert picture.value == "<pre>Choose a model and a metric.</pre>"


def test_one_metric_and_one_model_can_be_drawn():
    figure = figures.picture(BOARD.only(["win"], ["base"]), "bars")
    assert np.isfinite(figure.get_size_inches()).all()
