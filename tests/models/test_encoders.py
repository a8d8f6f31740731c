"""Encoders by name: the shipped one, a local folder, a hub name, and the ways a name is wrong."""

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModel

from lab_helpers.models.encoders import encoder_source, load_encoder, load_tagger, load_tokenizer
from lab_helpers.models.minilm import minilm_folder
from lab_helpers.models.sources import quiet_loading
from lab_helpers.runtime.errors import EXIT_BAD_INPUT, EXIT_MISSING, BadInput, MissingDependency
from lab_helpers.tuning.transfer import TextEncoder

SENTENCES = [
    "The heater warms the whole room.",
    "Broke.",
    "I ordered two lamps in May, and one of them arrived with a cracked shade; who pays for it?",
    "ヒーターが動きません。",
]


@pytest.fixture
def copied(tiny_bert, tmp_path):
    """A copy of the tiny BERT's folder that a test may damage."""
    return shutil.copytree(tiny_bert, tmp_path / "copied")


def weights(model) -> dict[str, torch.Tensor]:
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


# MiniLM


@pytest.fixture(scope="module")
def minilm():
    return load_encoder("minilm")


def test_minilm_is_loaded_in_float32_without_dropout(minilm):
    assert {parameter.dtype for parameter in minilm.parameters()} == {torch.float32}
    assert minilm.config.hidden_size == 384
    assert len(minilm.encoder.layer) == 6
    assert minilm.config.hidden_dropout_prob == minilm.config.attention_probs_dropout_prob == 0
    assert 22_000_000 < sum(p.numel() for p in minilm.parameters()) < 23_000_000


def test_minilm_embeds_like_sentence_transformers_from_the_same_folder(minilm):
    from sentence_transformers import SentenceTransformer

    ours = TextEncoder("minilm", 256).embed(SENTENCES, minilm)
    assert ours.dtype == np.float32
    assert ours.shape == (len(SENTENCES), 384)
    assert np.isfinite(ours).all()
    ours /= np.linalg.norm(ours, axis=1, keepdims=True)
    theirs = SentenceTransformer(str(minilm_folder()), device="cpu").encode(
        SENTENCES, normalize_embeddings=True
    )
    assert np.abs(ours - theirs).max() <= 1e-5
    assert np.abs(ours[0] - ours[1]).max() > 0.01


def test_embeddings_do_not_depend_on_batch_or_order(minilm):
    encoder = TextEncoder("minilm", 64)
    together = encoder.embed(SENTENCES, minilm)
    alone = np.concatenate([encoder.embed([text], minilm, batch_size=1) for text in SENTENCES])
    backwards = encoder.embed(SENTENCES[::-1], minilm, batch_size=2)[::-1]
    assert np.abs(together - alone).max() <= 1e-5
    assert np.abs(together - backwards).max() <= 1e-5


def test_a_random_minilm_has_the_shape_but_not_the_weights(minilm):
    random = load_encoder("minilm", pretrained=False)
    ours, theirs = weights(minilm), weights(random)
    assert {n: w.shape for n, w in ours.items()} == {n: w.shape for n, w in theirs.items()}
    name = "encoder.layer.0.attention.self.query.weight"
    assert not torch.allclose(ours[name], theirs[name], atol=1e-2)


# Names


def test_encoder_source_of_good_names(tiny_bert, monkeypatch):
    assert encoder_source("minilm") == str(minilm_folder())
    assert encoder_source(str(tiny_bert)) == str(tiny_bert)
    assert encoder_source("intfloat/multilingual-e5-small") == "intfloat/multilingual-e5-small"
    monkeypatch.setenv("HOME", str(tiny_bert.parent))
    assert encoder_source("~/bert") == str(tiny_bert)
    monkeypatch.chdir(tiny_bert.parent)
    assert encoder_source("./bert") == "bert"


@pytest.mark.parametrize(
    "name", ["nonsense", "/no/such", "./no", "../no/such", "~/no", "a/b/c", "MiniLM"]
)
def test_a_name_that_cannot_be_meant_is_refused(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput) as caught:
        encoder_source(name)
    assert caught.value.exit_code == EXIT_BAD_INPUT
    assert f"unknown model '{name}'" in caught.value.what
    assert "minilm" in caught.value.fix
    assert "save_pretrained" in caught.value.fix


def test_a_folder_without_config_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"holds no config\.json") as caught:
        encoder_source(str(tmp_path))
    assert "save_pretrained" in caught.value.fix


@pytest.mark.parametrize("load", [load_tokenizer, load_encoder, lambda n: load_tagger(n, ["O"])])
def test_a_hub_name_that_is_not_there_is_one_sentence_with_the_way_out(load):
    name = "no-such-organisation/no-such-model"
    with pytest.raises(MissingDependency, match=f"cannot load '{name}'") as caught:
        load(name)
    assert caught.value.exit_code == EXIT_MISSING
    assert "\n" not in str(caught.value)
    assert "--model" in caught.value.fix


# A folder of the user's own


def test_a_local_folder_keeps_its_weights(tiny_bert):
    loaded = weights(load_encoder(str(tiny_bert)))
    saved = weights(AutoModel.from_pretrained(tiny_bert))
    assert set(loaded) == set(saved)
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)


def test_a_local_folder_without_its_weights_starts_at_random(tiny_bert):
    torch.manual_seed(1)
    one = weights(load_encoder(str(tiny_bert), pretrained=False))
    torch.manual_seed(2)
    two = weights(load_encoder(str(tiny_bert), pretrained=False))
    torch.manual_seed(1)
    again = weights(load_encoder(str(tiny_bert), pretrained=False))
    name = "encoder.layer.1.output.dense.weight"
    saved = weights(load_encoder(str(tiny_bert)))
    assert saved[name].shape == one[name].shape
    assert not torch.equal(saved[name], one[name])
    assert not torch.equal(one[name], two[name])
    assert all(torch.equal(one[n], again[n]) for n in one)


@pytest.mark.parametrize("pretrained", [True, False])
def test_training_mode_has_no_dropout(tiny_bert, pretrained):
    model = load_encoder(str(tiny_bert), pretrained).train()
    ids = torch.tensor([[2, 4, 5, 6, 3]])
    assert torch.equal(model(ids).last_hidden_state, model(ids).last_hidden_state)


@pytest.mark.parametrize("pretrained", [True, False])
def test_a_folder_saved_in_half_precision_is_loaded_in_float32(tiny_bert, tmp_path, pretrained):
    AutoModel.from_pretrained(tiny_bert, dtype=torch.float16).save_pretrained(tmp_path / "half")
    model = load_encoder(str(tmp_path / "half"), pretrained)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("pretrained", [True, False])
def test_a_tagger_has_one_output_a_tag(tiny_bert, pretrained):
    labels = ["O", "B-part", "I-part"]
    model = load_tagger(str(tiny_bert), labels, pretrained)
    assert model(torch.tensor([[2, 4, 3]])).logits.shape == (1, 3, 3)
    assert [model.config.id2label[i] for i in range(3)] == labels
    assert model.config.label2id == {"O": 0, "B-part": 1, "I-part": 2}
    encoder = weights(model.base_model)
    saved = weights(load_encoder(str(tiny_bert)))
    name = "encoder.layer.0.attention.self.value.weight"
    assert torch.equal(encoder[name], saved[name]) is pretrained


def test_the_local_tokenizer_is_loaded(tiny_bert):
    tokenizer = load_tokenizer(str(tiny_bert))
    ids = tokenizer("The heater, zx")["input_ids"]
    expected = ["[CLS]", "the", "heater", ",", "z", "##x", "[SEP]"]
    assert tokenizer.convert_ids_to_tokens(ids) == expected


def refusal(load, folder) -> MissingDependency | BadInput:
    with pytest.raises((BadInput, MissingDependency)) as caught:
        load(str(folder))
    assert str(folder) in caught.value.what
    assert caught.value.fix
    return caught.value


def test_a_folder_without_weights_is_refused(copied):
    (copied / "model.safetensors").unlink()
    refusal(load_encoder, copied)


def test_pickled_weights_are_not_loaded(copied):
    torch.save(AutoModel.from_pretrained(copied).state_dict(), copied / "pytorch_model.bin")
    (copied / "model.safetensors").unlink()
    refusal(load_encoder, copied)


def test_a_damaged_config_is_refused(copied):
    (copied / "config.json").write_text('{"model_type": "bert",')
    refusal(load_encoder, copied)


def test_an_unknown_architecture_is_refused(copied):
    (copied / "config.json").write_text(json.dumps({"model_type": "my-own-thing"}))
    refusal(load_encoder, copied)


@pytest.mark.parametrize("kept", [0, 4, 100, 5000])
def test_a_half_copied_weight_file_is_refused(copied, kept):
    content = (copied / "model.safetensors").read_bytes()
    assert kept < len(content)
    (copied / "model.safetensors").write_bytes(content[:kept])
    refusal(load_encoder, copied)


def test_a_damaged_tokenizer_is_refused(copied):
    (copied / "tokenizer.json").write_text('{"version": "1.0", "model"')
    refusal(load_tokenizer, copied)


def test_quiet_loading_puts_the_volume_back_even_after_an_error():
    from transformers.utils import logging

    def volume() -> tuple[int, bool]:
        return logging.get_verbosity(), logging.is_progress_bar_enabled()

    before = volume()
    logging.set_verbosity_info()
    logging.enable_progress_bar()
    try:
        loud = volume()
        with quiet_loading():
            assert volume() == (logging.ERROR, False)
        assert volume() == loud
        with pytest.raises(ZeroDivisionError), quiet_loading():
            raise ZeroDivisionError
        assert volume() == loud
    finally:
        logging.set_verbosity(before[0])
        (logging.enable_progress_bar if before[1] else logging.disable_progress_bar)()
