"""``labs chat``: what is asked, piped or typed is answered by base and tuned model side by side."""

import io
import json

import pytest
import torch
from peft import LoraConfig, get_peft_model

from lab_helpers.models.adapters import save_adapter
from lab_helpers.models.language_models import load_language_model
from lab_helpers.models.side_by_side import SideBySide


@pytest.fixture(scope="module")
def adapter(tiny_chat_model, tmp_path_factory):
    """The folder of an adapter that changes every answer."""
    model, _ = load_language_model(str(tiny_chat_model))
    torch.manual_seed(0)
    config = LoraConfig(
        r=8, lora_alpha=64, target_modules=["q_proj", "v_proj"], init_lora_weights=False
    )
    folder = tmp_path_factory.mktemp("chat") / "adapter"
    save_adapter(get_peft_model(model, config), folder)
    return folder


@pytest.fixture
def chat(labs, tiny_chat_model, adapter):
    """``chat("--ask", …)`` with the tiny model and its adapter: exit code, output, standard error."""
    options = ["--adapter", adapter, "--model", tiny_chat_model, "--max-new-tokens", 8]
    return lambda *arguments: labs("chat", *options, *arguments)


@pytest.fixture
def pair(tiny_chat_model, adapter):
    return SideBySide.load(str(tiny_chat_model), adapter, max_new_tokens=8)


class Terminal(io.StringIO):
    """Lines that a person types."""

    def isatty(self) -> bool:
        return True


def test_it_answers_what_it_is_asked(chat, pair):
    code, out, _ = chat("--ask", "Is it warm?", "--ask", "ヒーターは？", "--json")
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows[0] == {"message": "Is it warm?", **pair.ask("Is it warm?")}
    assert [row["message"] for row in rows] == ["Is it warm?", "ヒーターは？"]


def test_it_reads_lines_from_a_pipe(chat, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Is it warm?\n\nIs it cold?\n"))
    code, out, _ = chat("--json")
    assert code == 0
    messages = [json.loads(line)["message"] for line in out.splitlines()]
    assert messages == ["Is it warm?", "Is it cold?"]


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_dialogue_ends_with_an_empty_line_or_with_the_input(chat, pair, monkeypatch, end):
    monkeypatch.setattr("sys.stdin", Terminal(f"Is it warm?\n{end}"))
    code, out, _ = chat()
    assert code == 0
    assert "An empty line ends the chat." in out
    assert pair.ask("Is it warm?")["tuned"].split("\n")[0][:10] in out


def test_a_message_that_is_refused_does_not_end_the_chat(chat, pair):
    code, out, _ = chat("--ask", "warm " * 2000, "--ask", "Is it warm?")
    assert code == 0
    assert "tokens and the model has room for 1016" in out
    assert pair.ask("Is it warm?")["tuned"].split("\n")[0][:10] in out


def test_it_speaks_japanese(chat):
    code, out, _ = chat("--ask", "?", "--lang", "ja")
    assert code == 0
    assert "ベース" in out
    assert "調整後" in out


@pytest.mark.parametrize(
    ("change", "message"),
    [(["--adapter", "nowhere"], "holds no adapter"), (["--model", "gpt-77"], "unknown model")],
)
def test_bad_input_is_one_line(chat, change, message):
    code, _, error = chat(*change)
    assert code == 2
    assert message in error
    assert len(error.strip().splitlines()) == 1
