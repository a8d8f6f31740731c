"""Figures of transfer learning show what they are handed."""

import pytest

from lab_helpers.figures import transfer as figures
from lab_helpers.runtime.language import set_language

CURVE = [
    {"method": method, "n": n, "seed": seed, "accuracy": start + n / 100 + seed / 10}
    for method, start in (("probe", 0.3), ("TF-IDF", 0.1))
    for n in (16, 32)
    for seed in (0, 1)
]
FROZEN = [
    {"method": "probe", "trains": [False] * 6, "accuracy": 0.4, "trainable": 0},
    {"method": "top third", "trains": [False] * 4 + [True] * 2, "accuracy": 0.5, "trainable": 35},
    {"method": "full", "trains": [True] * 6, "accuracy": 0.7, "trainable": 10_650_634},
]


def test_a_curve_is_the_mean_over_seeds_with_chance_beside_it():
    figure = figures.learning_curves({"one": CURVE, "two": CURVE}, {"one": 0.25})
    one, two = figure.axes[:2]
    assert (one.get_title(), two.get_title()) == ("one", "two")
    assert list(one.lines[0].get_ydata()) == pytest.approx([0.51, 0.67])
    assert [line.get_label() for line in one.lines] == ["probe", "TF-IDF", "chance"]
    assert [line.get_label() for line in two.lines] == ["probe", "TF-IDF"]


def test_a_single_panel_is_a_figure_too():
    assert len(figures.learning_curves({"mine.csv": CURVE}).axes) == 1


def test_the_map_of_changes_has_its_lowest_block_at_the_bottom():
    rows = [
        {"block": block, "matrix": matrix, "change": block + step}
        for block in (0, 1)
        for matrix, step in (("query", 0.1), ("MLP up", 0.2))
    ]
    axis = figures.weight_change(rows).axes[0]
    assert [text.get_text() for text in axis.texts] == ["1.100", "1.200", "0.100", "0.200"]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["block 1", "block 0"]


@pytest.mark.parametrize(("asked", "open_blocks"), [("probe", 0), ("top third", 2), ("full", 6)])
def test_freezing_shows_the_chosen_way_among_all(asked, open_blocks):
    stack, right = figures.freezing(FROZEN, asked).axes
    states = [text.get_text() for text in stack.texts]
    assert states == ["frozen"] * (6 - open_blocks) + ["trains"] * open_blocks
    chosen = next(row for row in FROZEN if row["method"] == asked)
    assert stack.get_title().startswith(f"{chosen['trainable']:,}")
    assert [text.get_text() for text in right.texts] == [" 0.40", " 0.50", " 0.70"]


def test_the_ways_stand_side_by_side_with_what_trains():
    axis = figures.ways_to_transfer().axes[0]
    shown = [text.get_text() for text in axis.texts]
    assert [name for name in ("scratch", "probe", "top blocks", "full", "LoRA") if name in shown] == [
        "scratch", "probe", "top blocks", "full", "LoRA"
    ]  # fmt: skip


def test_reset_blocks_stand_beside_the_untouched_model():
    rows = [{"reset": "bottom third", "accuracy": 0.3}, {"reset": "top third", "accuracy": 0.5}]
    axis = figures.reset_blocks(0.6, rows).axes[0]
    assert set(axis.lines[0].get_xdata()) == {0.6}
    assert [bar.get_width() for bar in axis.patches] == [0.3, 0.5]


def test_entities_overall_and_by_kind():
    kinds = [{"kind": "part", "f1": 0.5}, {"kind": "date", "f1": 0.75}]
    left, right = figures.entity_scores(kinds, {"pretrained": 0.8, "scratch": 0.1}).axes
    assert [bar.get_height() for bar in left.patches] == [0.8, 0.1]
    assert [bar.get_width() for bar in right.patches] == [0.5, 0.75]


def test_forgetting_is_new_skill_against_old_with_the_untouched_encoder():
    rows = [
        {"method": "full", "new_skill": 0.6, "old_skill": 0.4},
        {"method": "replay", "new_skill": 0.5, "old_skill": 0.9},
    ]
    axis = figures.forgetting(rows, 0.95).axes[0]
    assert set(axis.lines[0].get_ydata()) == {0.95}
    points = {line.get_label(): tuple(line.get_xydata()[0]) for line in axis.lines[1:]}
    assert points == {"full": (0.6, 0.4), "replay": (0.5, 0.9)}


def test_words_are_in_the_learners_language(tmp_path, recwarn):
    set_language("ja")
    figure = figures.freezing(FROZEN, "top third")
    assert [text.get_text() for text in figure.axes[0].texts].count("学習") == 2
    figure.savefig(tmp_path / "figure.png")
    assert not [warning for warning in recwarn if "missing from" in str(warning.message)]
