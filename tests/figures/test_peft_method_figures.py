"""Figures of lab 08: what they show, in both languages."""

import pytest

from lab_helpers.figures import peft_methods
from lab_helpers.runtime.language import set_language


@pytest.fixture(params=["en", "ja"], autouse=True)
def language(request):
    set_language(request.param)
    yield request.param
    set_language("en")


def test_the_picture_names_four_places():
    texts = [text.get_text() for text in peft_methods.places().axes[0].texts]
    assert all(any(text.startswith(f"{number} ·") for text in texts) for number in (1, 2, 3, 4))


def test_a_bar_a_matrix_and_stage():
    stages = {"at the start": {"0.v_proj": 12, "0.o_proj": 12}, "with the callback": {"0.v_proj": 7, "0.o_proj": 1}}  # fmt: skip
    axis = peft_methods.ranks(stages).axes[0]
    assert [bar.get_height() for bar in axis.patches] == [12, 12, 7, 1]
    assert len(axis.get_legend().get_texts()) == 2


def test_a_dot_a_seed_and_one_for_the_mean(language):
    rows = [
        {"method": "LoRA", "parameters": 4096, "each seed": [2.0, 2.2]},
        {"method": "prompt tuning", "parameters": 512, "each seed": [4.0, 4.4]},
    ]
    axis = peft_methods.quality_by_size(rows).axes[0]
    assert [len(line.get_xdata()) for line in axis.lines] == [2, 1, 2, 1]
    assert axis.lines[1].get_ydata()[0] == pytest.approx(2.1)
    shown = [text.get_text() for text in axis.texts]
    assert ("プロンプトチューニング" in shown) == (language == "ja")


def test_two_bars_a_way():
    rows = [
        {"way": "tone alone", "house tone": 2.0, "kind of request": 6.0},
        {"way": "kinds alone", "house tone": 7.0, "kind of request": 1.0},
    ]
    axis = peft_methods.interference(rows).axes[0]
    assert [bar.get_height() for bar in axis.patches] == [2.0, 7.0, 6.0, 1.0]
