"""``labs bench``: what is compared is the same work; no test asserts on a number of seconds."""

import json
import math

import pytest

from lab_helpers.bench import speed as benches
from lab_helpers.cli import main as cli
from lab_helpers.labs.lab00 import prompting as lab00
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.sft import prompt_completion

ROWS = [
    {"question": f"Is the lamp {word}?", "answer": f"The lamp is {word}.", "gold": True}
    for word in ("warm", "cold", "old", "new", "loud", "quiet")
]


@pytest.fixture
def small(monkeypatch, tiny_chat_model):
    """The SFT bench on the tiny model and six rows."""

    def parts():
        model, tokenizer = load_language_model(str(tiny_chat_model))
        return model, tokenizer, prompt_completion(ROWS), lab00.lora_config()

    monkeypatch.setattr(benches, "_sft_parts", parts)
    monkeypatch.setattr(lab00, "gold", lambda language, split: ROWS)


@pytest.mark.usefixtures("small", "one_thread")
class TestSft:
    def test_both_arms_train_the_same_tokens(self, monkeypatch):
        counted = []
        real = benches._tokens
        monkeypatch.setattr(
            benches, "_tokens", lambda log: counted.append(real(log)) or counted[-1]
        )
        benches.sft(2)
        assert len(counted) == 4
        assert len(set(counted)) == 1

    def test_the_figures_say_ratio_speed_and_loss_of_each_arm(self):
        figures = benches.sft(1)
        assert [figure.unit for figure in figures] == ["ratio", *["tokens/s", "nats/token"] * 2]
        assert all(math.isfinite(figure.value) and figure.value > 0 for figure in figures)
        ratio, plain, _, ours, _ = (figure.value for figure in figures)
        assert ratio == pytest.approx(ours / plain)


def test_start_up_is_measured_in_processes_of_their_own():
    figures = benches.start_up(1)
    assert [figure.name for figure in figures] == ["import lab_helpers", "labs --help"]
    assert figures[1].value > 0


def test_an_unknown_bench_is_refused():
    with pytest.raises(BadInput, match=r"unknown bench 'speed'\. Use some of: start"):
        benches.bench(["speed"], 1)


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_prints_its_figures(capsys, monkeypatch, as_json):
    figure = benches.Figure("a thing", 1234.56, "tokens/s", ">= 150 tokens/s")
    monkeypatch.setattr(benches, "BENCHES", {"thing": (lambda repeats: [figure] * repeats, None)})
    arguments = ["labs", "bench", "thing", "--repeats", "1", *(["--json"] if as_json else [])]
    monkeypatch.setattr("sys.argv", arguments)
    cli.main()
    out = capsys.readouterr().out
    if as_json:
        assert json.loads(out) == [figure.row()]
    else:
        assert "a thing" in out
        assert "1,235" in out
