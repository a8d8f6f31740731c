"""What is a model's configuration, and one sentence for everything that is not."""

import json

import pytest

from lab_helpers.models.config_files import read_config, writes_text
from lab_helpers.models.known_configs import linear_shapes, model_config
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import speaking


def test_a_known_name_in_any_case():
    assert read_config(" qwen3 30b-a3b ").num_experts == 128


@pytest.mark.parametrize(("typed", "meant"), [("Llama 8B", "Llama 3 8B"), ("kotory", "kotori")])
def test_a_mistyped_name_is_guessed(typed, meant):
    with pytest.raises(BadInput, match="unknown model") as caught:
        read_config(typed)
    assert f"Did you mean {meant}?" in caught.value.fix


def gguf_file(folder):
    (folder / "model.gguf").write_bytes(b"GGUF")
    return folder / "model.gguf"


def gguf_folder(folder):
    gguf_file(folder)
    return folder


def weights(folder):
    (folder / "model.safetensors").write_bytes(b"")
    return folder / "model.safetensors"


def encoder(folder):
    (folder / "modules.json").write_text("[]")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    return folder


def checkpoints(folder):
    (folder / "checkpoint-100").mkdir()
    return folder


@pytest.mark.parametrize(
    ("make", "said", "way_out"),
    [
        (gguf_file, "is a GGUF file, which is for running", "that it was made from"),
        (gguf_folder, "is a GGUF file, which is for running", "that it was made from"),
        (weights, "is a file of weights", "Give the folder it lies in"),
        (encoder, "is a sentence-transformers encoder", "causal language model"),
        (checkpoints, "but checkpoints", "checkpoint-100"),
        (lambda folder: folder, "holds no config.json", "of a model or of an adapter"),
    ],
)
def test_what_is_no_model_says_what_it_is(tmp_path, make, said, way_out):
    path = str(make(tmp_path))
    with pytest.raises(BadInput, match=said) as caught:
        read_config(path)
    assert way_out in caught.value.fix
    with speaking("ja"), pytest.raises(BadInput) as japanese:
        read_config(path)
    assert any("ぁ" <= letter <= "ん" for letter in str(japanese.value))


def test_a_merged_model_is_a_model(tiny_chat_model):
    assert linear_shapes(str(tiny_chat_model))[1] > 0


def test_the_text_part_of_a_model_that_sees_is_counted(tmp_path):
    from transformers import CONFIG_MAPPING

    CONFIG_MAPPING["gemma3"]().save_pretrained(tmp_path)
    assert model_config(str(tmp_path)).model_type == "gemma3_text"


def test_a_family_whose_text_part_is_no_model_of_its_own(tmp_path):
    from transformers import CONFIG_MAPPING

    CONFIG_MAPPING["emu3"]().save_pretrained(tmp_path)
    assert model_config(str(tmp_path)).model_type == "emu3"


def test_a_model_of_music_writes_no_text():
    from transformers import CONFIG_MAPPING

    with pytest.raises(BadInput, match="is a musicgen model, which does not continue text"):
        writes_text(CONFIG_MAPPING["musicgen"](), "music")


def test_a_gated_model_says_so_though_transformers_wraps_it(monkeypatch):
    """The reason lies two causes deep in an ``OSError``."""
    import httpx
    import transformers
    from huggingface_hub.errors import GatedRepoError

    answer = httpx.Response(403, request=httpx.Request("GET", "https://example.org"))

    def refuse(*args, **kwargs):
        try:
            raise GatedRepoError("restricted", response=answer)
        except GatedRepoError as gated:
            raise OSError("You are trying to access a gated repo.") from gated

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", refuse)
    monkeypatch.setattr("lab_helpers.models.sources.local_model", lambda source, part: source)
    with pytest.raises(BadInput, match="'meta/gated-one' is gated") as caught:
        read_config("meta/gated-one")
    assert "licence" in caught.value.fix
