"""Base and tuned side by side, in the terminal."""

import io
import json

import pytest
import torch
from peft import LoraConfig, get_peft_model
from rich.console import Console

from lab_helpers.cli import main as cli
from lab_helpers.models.adapters import save_adapter
from lab_helpers.models.generation import asked, generate
from lab_helpers.models.language_models import load_language_model
from lab_helpers.models.side_by_side import SideBySide, chat
from lab_helpers.runtime.errors import BadInput


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
def pair(tiny_chat_model, adapter):
    return SideBySide.load(str(tiny_chat_model), adapter, max_new_tokens=8)


def test_the_base_answers_as_without_an_adapter_and_the_tuned_one_differently(
    pair, tiny_chat_model
):
    plain, tokenizer = load_language_model(str(tiny_chat_model))
    wanted = generate(plain, tokenizer, [asked("Is the lamp cold?")], max_new_tokens=8).texts[0]
    replies = pair.ask("  Is the lamp cold? ")
    assert replies["base"] == wanted
    assert replies["tuned"] != wanted
    assert pair.ask("Is the lamp cold?") == replies, "nothing remains of the message before"


def test_a_system_message_comes_first(tiny_chat_model, adapter, pair):
    told = SideBySide.load(
        str(tiny_chat_model), adapter, system="The box is late.", max_new_tokens=8
    )
    assert told.ask("Is the lamp cold?") != pair.ask("Is the lamp cold?")


@pytest.mark.parametrize("message", ["", "   "])
def test_an_empty_message_is_refused(pair, message):
    with pytest.raises(BadInput, match="empty"):
        pair.ask(message)


def test_a_message_beyond_the_context_is_refused_and_the_chat_goes_on(pair):
    written = io.StringIO()
    chat(pair, ["warm " * 2000, "Is it warm?"], Console(file=written, width=200))
    text = written.getvalue()
    assert "tokens and the model has room for 1016" in text
    assert pair.ask("Is it warm?")["tuned"].split("\n")[0][:10] in text


def labs(capsys, monkeypatch, *arguments) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["labs", *map(str, arguments)])
    try:
        cli.main()
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_labs_chat_answers_what_it_is_asked(capsys, monkeypatch, tiny_chat_model, adapter, pair):
    arguments = ["chat", "--adapter", adapter, "--model", tiny_chat_model, "--max-new-tokens", 8]
    arguments += ["--ask", "Is it warm?", "--ask", "ヒーターは？", "--json"]
    code, out, _ = labs(capsys, monkeypatch, *arguments)
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows[0] == {"message": "Is it warm?", **pair.ask("Is it warm?")}
    assert [row["message"] for row in rows] == ["Is it warm?", "ヒーターは？"]


def test_labs_chat_reads_lines_from_a_pipe(capsys, monkeypatch, tiny_chat_model, adapter):
    monkeypatch.setattr("sys.stdin", io.StringIO("Is it warm?\n\nIs it cold?\n"))
    arguments = ["chat", "--adapter", adapter, "--model", tiny_chat_model, "--max-new-tokens", 4]
    code, out, _ = labs(capsys, monkeypatch, *arguments, "--json")
    assert code == 0
    assert [json.loads(line)["message"] for line in out.splitlines()] == [
        "Is it warm?",
        "Is it cold?",
    ]


def test_labs_chat_speaks_japanese(capsys, monkeypatch, tiny_chat_model, adapter):
    arguments = ["chat", "--adapter", adapter, "--model", tiny_chat_model, "--max-new-tokens", 4]
    code, out, _ = labs(capsys, monkeypatch, *arguments, "--ask", "?", "--lang", "ja")
    assert code == 0
    assert "ベース" in out
    assert "調整後" in out


@pytest.mark.parametrize(
    ("change", "message"),
    [({"--adapter": "nowhere"}, "holds no adapter"), ({"--model": "gpt-77"}, "unknown model")],
)
def test_bad_input_is_one_line(capsys, monkeypatch, tiny_chat_model, adapter, change, message):
    options = {"--adapter": adapter, "--model": tiny_chat_model} | change
    code, _, error = labs(capsys, monkeypatch, "chat", *[x for o in options.items() for x in o])
    assert code == 2
    assert message in error
    assert len(error.strip().splitlines()) == 1
