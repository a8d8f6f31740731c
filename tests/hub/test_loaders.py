"""Models by hub name, through the course's loaders and commands: the same as from a folder."""

import json

import numpy as np
import pytest
import torch
from local_hub import MODEL
from safetensors.torch import load_file

from lab_helpers.models.adapters import load_base_with_adapter, save_adapter
from lab_helpers.models.encoders import load_encoder, load_tagger, load_tokenizer
from lab_helpers.models.hub import fetching
from lab_helpers.models.known_configs import model_config
from lab_helpers.models.language_models import (
    load_chat_tokenizer,
    load_language_model,
    read_context,
)
from lab_helpers.rag.embedders import load_embedder
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.tuning.transfer import TextEncoder

IDS = torch.tensor([[5, 6, 7, 8]])


def test_a_language_model_by_hub_name_is_the_one_of_the_folder(chat_model, tiny_chat_model, heard):
    model, tokenizer = load_language_model(chat_model)
    same, _ = load_language_model(str(tiny_chat_model))
    assert torch.equal(model(IDS).logits, same(IDS).logits)
    assert tokenizer.chat_template
    assert {label for label, *_ in heard} == {f"download {chat_model} (MB)"}


def test_the_hub_is_asked_once_however_often_a_model_is_loaded(hub, chat_model):
    load_language_model(chat_model)
    hub.asked.clear()
    load_language_model(chat_model)
    load_chat_tokenizer(chat_model)
    read_context(chat_model)
    assert hub.asked == []


def test_with_the_hub_gone_and_with_the_network_off_it_is_loaded_again(
    hub, chat_model, monkeypatch
):
    model, _ = load_language_model(chat_model)
    hub.stop()
    fetching._heard.clear()
    assert torch.equal(load_language_model(chat_model)[0](IDS).logits, model(IDS).logits)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert torch.equal(load_language_model(chat_model)[0](IDS).logits, model(IDS).logits)


def test_a_revision_is_loaded_by_option_and_by_name(hub, chat_model, tiny_chat_model):
    first = hub.repositories[chat_model].refs["main"]
    files = dict(hub.repositories[chat_model].commits[first])
    changed = json.loads(files["config.json"]) | {"max_position_embeddings": 512}
    files["config.json"] = json.dumps(changed).encode()
    hub.repositories[chat_model].commits["d" * 40] = files
    hub.repositories[chat_model].refs["main"] = "d" * 40
    assert read_context(chat_model) == 512
    assert read_context(f"{chat_model}@{first}") == 1024
    assert load_language_model(chat_model, revision=first)[0].config.max_position_embeddings == 1024


def test_an_adapter_of_a_hub_model_names_the_hub_model(chat_model, tmp_path):
    from peft import LoraConfig, get_peft_model

    model, _ = load_language_model(chat_model)
    tuned = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"])).eval()
    save_adapter(tuned, tmp_path)
    settings = json.loads((tmp_path / "adapter_config.json").read_text())
    assert settings["base_model_name_or_path"] == MODEL
    loaded, _ = load_base_with_adapter(chat_model, tmp_path)
    assert torch.equal(loaded(IDS).logits, tuned(IDS).logits)


def test_only_what_is_needed_is_fetched(hub, chat_model, encoder_model):
    load_chat_tokenizer(chat_model)
    assert read_context(chat_model) == model_config(chat_model).max_position_embeddings == 1024
    load_tokenizer(encoder_model)
    load_encoder(encoder_model, pretrained=False)
    assert hub.bytes_sent("safetensors") == 0


def test_an_encoder_by_hub_name_is_the_one_of_the_folder(encoder_model, tiny_bert):
    weights = load_file(tiny_bert / "model.safetensors")
    loaded = dict(load_encoder(encoder_model).named_parameters())
    assert all(
        torch.equal(loaded[name], value) for name, value in weights.items() if name in loaded
    )
    assert load_tagger(encoder_model, ["O", "B-part"]).config.id2label[1] == "B-part"
    ours = TextEncoder(encoder_model, 32).embed(["the lamp is warm"])
    assert np.array_equal(ours, TextEncoder(str(tiny_bert), 32).embed(["the lamp is warm"]))


def test_an_embedder_by_hub_name(hub, encoder_model, tiny_bert):
    from sentence_transformers import SentenceTransformer

    folder = tiny_bert.parent / "sentences"
    SentenceTransformer(str(tiny_bert), device="cpu").save(str(folder))
    hub.add("hoshizora/sentences", folder)
    vectors = load_embedder("hoshizora/sentences", device="cpu").encode(["warm"])
    assert np.allclose(vectors, load_embedder(str(folder), device="cpu").encode(["warm"]))


def test_a_gated_model_and_an_unknown_one_are_told_by_the_loaders(hub, chat_model):
    hub.repositories[chat_model].gated = True
    for load in (load_language_model, load_chat_tokenizer, read_context):
        with pytest.raises(BadInput, match="is gated"):
            load(chat_model)
        with pytest.raises(BadInput, match="knows no model"):
            load("hoshizora/tiny-chatt")


def test_weights_that_arrived_wrong_are_not_loaded(hub, chat_model):
    hub.fail("GET", "safetensors", times=9, change=lambda content: content[:-1] + b"\1")
    with pytest.raises(MissingDependency, match="not what the hub announced"):
        load_language_model(chat_model)


@pytest.mark.lab
@pytest.mark.usefixtures("short_trainings")
def test_a_whole_lab_runs_on_a_hub_model(hub, chat_model, labs, tmp_path):
    options = ["--profile", "tiny", "--model", chat_model, "--out", tmp_path, "--json"]
    code, out, error = labs("run", "00", *options)
    assert code == 0, error
    record = json.loads(out.splitlines()[-1])
    assert record["model"] == chat_model
    assert record["outside"] == []
    assert hub.bytes_sent("safetensors") == len(
        hub.repositories[chat_model].commits[hub.repositories[chat_model].refs["main"]][
            "model.safetensors"
        ]
    )


@pytest.mark.lab
def test_a_gated_model_stops_a_lab_with_one_line(hub, chat_model, labs, tmp_path):
    hub.repositories[chat_model].gated = True
    code, _, error = labs(
        "run", "00", "--profile", "tiny", "--model", chat_model, "--out", tmp_path
    )
    assert code == 2
    assert "is gated" in error
    assert "Traceback" not in error
