"""Lab 04's figures show what they are handed."""

import pytest

from lab_helpers.figures import sft
from lab_helpers.runtime.language import set_language
from lab_helpers.tuning.masks import Token


def words_of(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_mask_shows_every_token_in_its_colour(tmp_path):
    tokens = [
        Token("Hi", 1, False),
        Token("\n", 2, False),
        Token(" you", 3, True),
        Token("", 4, True),
    ]
    figure = sft.label_mask(tokens, "trial")
    assert words_of(figure) == ["Hi", "\\n", " you"]
    shades = [text.get_bbox_patch().get_facecolor() for text in figure.axes[0].texts]
    assert shades[0] == shades[1] != shades[2]
    places = [text.get_position() for text in figure.axes[0].texts]
    assert places[0] == (0.0, 0)
    assert places[2] == (0.0, 1), "a line end begins a new line"
    figure.savefig(tmp_path / "mask.png")


def test_a_long_row_of_tokens_is_wrapped_inside_the_figure():
    figure = sft.label_mask([Token(" word", 1, True)] * 100)
    places = [text.get_position() for text in figure.axes[0].texts]
    assert max(y for _, y in places) >= 3
    assert all(0 <= x < 1 for x, _ in places)


def test_dollars_and_japanese_are_drawn_as_they_are(tmp_path, recwarn):
    figure = sft.label_mask([Token("$5 and $6", 1, True), Token("何色ですか。", 2, False)])
    figure.savefig(tmp_path / "mask.png")
    assert not [w for w in recwarn if "missing from" in str(w.message)]


def test_faults_before_and_after():
    figure = sft.faults_left([{"fault": "test_leak", "planted": 24, "left": 0}, {"fault": "pii", "planted": 90, "left": 28}])  # fmt: skip
    widths = [patch.get_width() for patch in figure.axes[0].patches]
    assert widths == [24, 90, 0, 28]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["test leak", "pii"]


def test_rows_and_scores_have_a_line_for_format_and_one_for_facts():
    rows = [{"n": 10, "tone": 0.5, "facts": 0.0}, {"n": 1000, "tone": 1.0, "facts": 0.1}]
    tone, facts = sft.rows_and_scores(rows).axes[0].lines
    assert (tone.get_ydata().tolist(), facts.get_ydata().tolist()) == ([0.5, 1.0], [0.0, 0.1])
    assert tone.get_xdata().tolist() == [10, 1000]


def test_facts_over_the_passes_leave_the_controls_out():
    rows = [
        {"taught": name, "passes": passes, "training wording": share, "other words": 0.0}
        | {"error on known facts": cost}
        for name, passes, share, cost in (
            ("nothing", 0, 0.0, 0.0),
            ("new facts", 10, 1.0, 0.4),
            ("known facts, rate × 1", 10, 0.5, 0.9),
        )
    ]
    trained, otherwise, cost = sft.facts_by_passes(rows).axes[0].lines
    assert trained.get_ydata().tolist() == [0.0, 1.0]
    assert otherwise.get_ydata().tolist() == [0.0, 0.0]
    assert cost.get_ydata().tolist() == [0.0, 0.4]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_picture_of_the_method_has_its_five_lanes(language, tmp_path, recwarn):
    set_language(language)
    figure = sft.training_picture()
    figure.savefig(tmp_path / "picture.png")
    assert "-100  -100  -100  -100  …" in words_of(figure)
    assert len({text.get_position()[1] for text in figure.axes[0].texts if text.get_text()}) == 5
    assert not [w for w in recwarn if "missing from" in str(w.message)]


def arm(method: str, rate: float, loss: float, skill: float) -> dict:
    return {"method": method, "learning rate": rate, "validation loss": loss, "old skill": skill}


def test_forgetting_sorts_the_rates_of_each_method():
    rows = [arm("lora", 1e-2, 0.9, 0.2), arm("full", 1e-3, 0.8, 0.0), arm("lora", 1e-3, 0.1, 0.4)]
    left, right = sft.forgetting_by_rate(rows, 0.5).axes
    full, lora = left.lines
    assert lora.get_xdata().tolist() == [1e-3, 1e-2]
    assert lora.get_ydata().tolist() == [0.1, 0.9]
    assert full.get_ydata().tolist() == [0.8]
    assert right.lines[1].get_ydata().tolist() == [0.4, 0.2]
    assert list(right.lines[2].get_ydata()) == [0.5, 0.5]


def test_forgetting_without_one_of_the_methods():
    left, _ = sft.forgetting_by_rate([arm("lora", 1e-3, 0.1, 0.4)], 0.5).axes
    assert [line.get_label() for line in left.lines] == ["LoRA"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_errors_after_teaching(language):
    set_language(language)
    metrics = {}
    for name, value in (("before", 0.1), ("after_known", 0.2), ("after_unknown", 0.9)):
        metrics[f"known_fact_error_{name}"] = value
        metrics[f"known_fact_error_{name}_ci"] = [value - 0.05, value + 0.05]
    axis = sft.errors_after_teaching(metrics).axes[0]
    assert [patch.get_height() for patch in axis.patches] == [0.1, 0.2, 0.9]
    assert [text.get_text() for text in axis.texts] == ["0.10", "0.20", "0.90"]
    assert any("ぁ" <= c <= "ヿ" for t in axis.get_xticklabels() for c in t.get_text()) == (language == "ja")  # fmt: skip
