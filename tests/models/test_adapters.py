"""Adapters on disk: what is saved, and that only the right base gets them back."""

import errno
import json

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors import SafetensorError

from lab_helpers.models.adapters import (
    fingerprint,
    load_adapter,
    load_adapters,
    load_base_with_adapter,
    save_adapter,
)
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import speaking
from lab_helpers.tuning.lora import adapter_parameters

IDS = torch.tensor([[5, 6, 7, 8]])


def adapted(folder, seed=0):
    """The model of ``folder`` with a LoRA that changes something."""
    model, _ = load_language_model(str(folder))
    torch.manual_seed(seed)
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    return get_peft_model(model, config).eval()


@pytest.fixture
def saved(tiny_chat_model, tmp_path):
    model = adapted(tiny_chat_model)
    size = save_adapter(model, tmp_path / "adapter")
    return model, tmp_path / "adapter", size


def test_what_is_loaded_again_answers_the_same(tiny_chat_model, saved):
    model, folder, _ = saved
    loaded, tokenizer = load_base_with_adapter(str(tiny_chat_model), folder)
    assert torch.equal(loaded(IDS).logits, model(IDS).logits)
    assert tokenizer.chat_template
    assert not loaded.training


def test_the_size_is_that_of_its_parameters(saved):
    model, folder, size = saved
    shapes = [(32, 32), (32, 32)] * 2
    parameters = adapter_parameters(shapes, 2)
    assert sum(p.numel() for n, p in model.named_parameters() if "lora_" in n) == parameters
    assert 4 * parameters < size < 4 * parameters + 2000
    assert not list(folder.glob("*.bin"))


def test_another_base_of_the_same_shape_is_refused(tiny_chat_model, saved):
    """Without the fingerprint it would load and answer nonsense."""
    _, folder, _ = saved
    other, _ = load_language_model(str(tiny_chat_model))
    with torch.no_grad():
        other.get_input_embeddings().weight[0, 0] += 1
    with pytest.raises(BadInput, match="another base"):
        load_adapter(other, folder)


def test_another_base_of_another_shape_is_refused_without_a_fingerprint(saved):
    from transformers import Qwen2Config, Qwen2ForCausalLM

    _, folder, _ = saved
    (folder / "base_fingerprint.json").unlink()
    other = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=50,
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
        )
    )
    with pytest.raises(BadInput, match=r"another base .*size mismatch"):
        load_adapter(other, folder)


def test_a_strangers_adapter_without_a_fingerprint_is_loaded(tiny_chat_model, saved):
    model, folder, _ = saved
    (folder / "base_fingerprint.json").unlink()
    loaded, _ = load_base_with_adapter(str(tiny_chat_model), folder)
    assert torch.equal(loaded(IDS).logits, model(IDS).logits)


@pytest.mark.parametrize("layers", [1, 3])
def test_a_base_of_another_depth_is_refused_without_a_fingerprint(tiny_chat_model, saved, layers):
    """PEFT would leave out what does not fit, with a warning at most."""
    from transformers import AutoConfig, AutoModelForCausalLM

    _, folder, _ = saved
    (folder / "base_fingerprint.json").unlink()
    kinds = ["full_attention"] * layers
    config = AutoConfig.from_pretrained(
        tiny_chat_model, num_hidden_layers=layers, layer_types=kinds
    )
    with pytest.raises(BadInput, match=r"another base .*layers\.\d"):
        load_adapter(AutoModelForCausalLM.from_config(config), folder)


def test_a_base_without_the_adapted_layers_is_another_base(saved):
    from transformers import GPT2Config, GPT2LMHeadModel

    _, folder, _ = saved
    (folder / "base_fingerprint.json").unlink()
    special = {"bos_token_id": 0, "eos_token_id": 0}
    other = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=32, n_layer=1, n_head=2, **special))
    with pytest.raises(BadInput, match="another base"):
        load_adapter(other, folder)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"
        ),
        MemoryError(),
    ],
    ids=["cuda", "mps", "cpu", "python"],
)
@pytest.mark.parametrize("load", ["first", "second"])
def test_too_little_memory_is_told_as_such(tiny_chat_model, saved, monkeypatch, error, load):
    """Not as another base, whether it is the first adapter or one more."""
    from peft import PeftModel

    _, folder, _ = saved
    base, _ = load_language_model(str(tiny_chat_model))
    real, calls = PeftModel.load_adapter, []

    def full(self, *arguments, **options):
        calls.append(arguments)
        if len(calls) < (1 if load == "first" else 2):
            return real(self, *arguments, **options)
        raise error

    monkeypatch.setattr(PeftModel, "load_adapter", full)
    with pytest.raises(BadInput, match="memory of this machine does not suffice") as caught:
        load_adapters(base, {"one": folder, "two": folder})
    assert "another base" not in str(caught.value)
    assert "labs fit" in caught.value.fix


@pytest.mark.parametrize("kept", [0, 4, 700])
def test_a_half_copied_weight_file_is_told_as_such(tiny_chat_model, saved, kept):
    _, folder, _ = saved
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(BadInput, match=r"adapter_model\.safetensors is damaged") as caught:
        load_base_with_adapter(str(tiny_chat_model), folder)
    assert "Copy the adapter's folder again" in caught.value.fix


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"r": 2}'])
def test_damaged_settings_are_told_as_such(tiny_chat_model, saved, content):
    _, folder, _ = saved
    (folder / "adapter_config.json").write_text(content)
    with pytest.raises(BadInput, match=r"adapter_config\.json is damaged, or no adapter's"):
        load_base_with_adapter(str(tiny_chat_model), folder)


def test_a_kind_of_adapter_that_peft_does_not_know_is_no_other_base(tiny_chat_model, saved):
    _, folder, _ = saved
    settings = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(settings | {"peft_type": "MAGIC"}))
    with pytest.raises(BadInput, match=r"cannot be loaded .*MAGIC") as caught:
        load_base_with_adapter(str(tiny_chat_model), folder)
    assert "pip install -U peft" in caught.value.fix


def test_a_strange_note_of_a_fingerprint_is_as_none(tiny_chat_model, saved):
    _, folder, _ = saved
    (folder / "base_fingerprint.json").write_text("[1]")
    load_base_with_adapter(str(tiny_chat_model), folder)


def test_messages_are_told_in_japanese_too(tiny_chat_model, saved, tmp_path):
    other, _ = load_language_model(str(tiny_chat_model))
    with torch.no_grad():
        other.get_input_embeddings().weight[0, 0] += 1
    with speaking("ja"), pytest.raises(BadInput, match="別のベースモデル"):
        load_adapter(other, saved[1])
    with speaking("ja"), pytest.raises(BadInput, match="アダプターがありません"):
        load_adapter(other, tmp_path)


def test_the_first_adapter_of_no_folders_is_the_base(tiny_chat_model):
    base, _ = load_language_model(str(tiny_chat_model))
    assert load_adapters(base, {}) is base


def test_a_folder_without_an_adapter_is_refused(tiny_chat_model, tmp_path):
    with pytest.raises(BadInput, match=r"holds no adapter \(adapter_config.json is missing\)"):
        load_base_with_adapter(str(tiny_chat_model), tmp_path)


def test_pickled_weights_are_never_loaded(tiny_chat_model, saved):
    _, folder, _ = saved
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(BadInput, match="pickled weights are never loaded"):
        load_base_with_adapter(str(tiny_chat_model), folder)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("I/O error: No space left on device (os error 28)"),
    ],
    ids=["system", "safetensors"],
)
def test_a_full_disk_is_one_line_and_keeps_the_model(tiny_chat_model, tmp_path, monkeypatch, error):
    model = adapted(tiny_chat_model)

    def full(*args, **kwargs):
        raise error

    monkeypatch.setattr(type(model), "save_pretrained", full)
    with pytest.raises(BadInput, match="still in memory"):
        save_adapter(model, tmp_path / "adapter")


def test_the_fingerprint_is_of_the_base_not_of_the_adapter(tiny_chat_model):
    base, _ = load_language_model(str(tiny_chat_model))
    assert fingerprint(base) == fingerprint(adapted(tiny_chat_model, 0))
    assert fingerprint(base) == fingerprint(adapted(tiny_chat_model, 1))


def test_the_fingerprint_of_a_large_vocabulary_reads_its_ends_only(tiny_chat_model):
    base, _ = load_language_model(str(tiny_chat_model))
    base.set_input_embeddings(torch.nn.Embedding(10_000, 32))
    before = fingerprint(base)
    with torch.no_grad():
        base.get_input_embeddings().weight[-1] += 1
    assert fingerprint(base) != before
