"""``labs bench sft`` compares the same work; nothing here asserts on a number of seconds."""

import math

import pytest
from peft import LoraConfig

from lab_helpers.bench import sft
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.paths import home
from lab_helpers.tuning.sft import prompt_completion

ROWS = [
    {"question": f"Is the lamp {word}?", "answer": f"The lamp is {word}.", "gold": True}
    for word in ("warm", "cold", "old", "new", "loud", "quiet")
]

pytestmark = pytest.mark.usefixtures("small", "one_thread")


@pytest.fixture
def small(monkeypatch, tiny_chat_model):
    """The bench on the tiny model and six rows."""

    def parts():
        model, tokenizer = load_language_model(str(tiny_chat_model))
        adapter = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
        return model, tokenizer, prompt_completion(ROWS), adapter

    monkeypatch.setattr(sft, "_load_parts", parts)
    monkeypatch.setattr(sft, "_load_rows", lambda split: ROWS)


def test_both_arms_train_the_same_tokens_every_time(monkeypatch):
    counted = []
    real = sft._count_tokens
    monkeypatch.setattr(sft, "_count_tokens", lambda log: counted.append(real(log)) or counted[-1])
    sft.measure_sft(2)
    assert len(counted) == 4
    assert len(set(counted)) == 1
    assert not (home() / "trainings").exists(), "nothing is remembered, so nothing can be loaded"


def test_the_figures_say_ratio_speed_and_loss_of_each_arm():
    figures = sft.measure_sft(1)
    assert [figure.unit for figure in figures] == ["ratio", *["tokens/s", "nats/token"] * 2]
    assert all(math.isfinite(figure.value) and figure.value > 0 for figure in figures)
    ratio, plain, _, ours, _ = (figure.value for figure in figures)
    assert ratio == pytest.approx(ours / plain)
