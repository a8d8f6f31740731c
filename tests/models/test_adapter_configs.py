"""An adapter's folder: its base wherever it is, its rank and targets, and what PEFT makes of it."""

import json
import shutil

import pytest

from lab_helpers.models.adapter_configs import adapter_folder, peft_config, read_adapter
from lab_helpers.models.known_configs import linear_shapes
from lab_helpers.runtime.errors import BadInput


@pytest.fixture
def adapter(tmp_path):
    """A function that writes ``adapter_config.json`` with these settings; its folder."""

    def write(base, **settings):
        folder = tmp_path / "adapter"
        folder.mkdir(exist_ok=True)
        known = {"peft_type": "LORA", "r": 8, "target_modules": ["q_proj", "v_proj"]}
        known |= {"task_type": "CAUSAL_LM", "base_model_name_or_path": base} | settings
        (folder / "adapter_config.json").write_text(json.dumps(known))
        return folder

    return write


def test_a_folder_and_its_settings_file_are_the_same(adapter):
    folder = adapter("kotori")
    assert (
        adapter_folder(str(folder)) == adapter_folder(str(folder / "adapter_config.json")) == folder
    )


def test_what_is_no_adapter(tmp_path, tiny_chat_model):
    assert adapter_folder("Llama 3 8B") is None
    assert adapter_folder(str(tmp_path)) is None
    assert adapter_folder(str(tiny_chat_model)) is None


def test_a_merged_model_beside_old_settings_is_a_model(adapter, tiny_chat_model):
    folder = adapter("kotori")
    shutil.copy(tiny_chat_model / "config.json", folder)
    assert adapter_folder(str(folder)) is None
    (folder / "adapter_model.safetensors").write_bytes(b"")
    assert adapter_folder(str(folder)) == folder


def test_rank_targets_and_method(adapter):
    found = read_adapter(adapter("kotori", target_modules=["model.layers.0.q_proj", "v_proj"]))
    assert (found.kind, found.r, found.targets) == ("LORA", 8, "q_proj, v_proj")
    assert read_adapter(adapter("kotori", target_modules="all-linear")).targets == "all-linear"
    assert read_adapter(adapter("kotori", r=None, target_modules=None)).r is None


def test_a_base_that_is_here(adapter, tiny_chat_model):
    assert read_adapter(adapter(str(tiny_chat_model))).base == str(tiny_chat_model)


def test_a_base_beside_the_adapter(adapter, tiny_chat_model):
    folder = adapter("../base")
    shutil.copytree(tiny_chat_model, folder.parent / "base")
    assert linear_shapes(read_adapter(folder).base) == linear_shapes(str(tiny_chat_model))


def test_a_base_on_the_hub(adapter):
    assert read_adapter(adapter("Qwen/Qwen2.5-0.5B")).base == "Qwen/Qwen2.5-0.5B"


def test_kotori_of_another_copy_of_the_course(adapter):
    found = read_adapter(adapter("/home/someone/course/lab_helpers/models/kotori/weights"))
    assert found.base == "kotori"


@pytest.mark.parametrize("base", ["/gone/with/the/wind", None, ""])
def test_a_base_that_is_not_here_can_be_named(adapter, base):
    folder = adapter(base)
    with pytest.raises(BadInput, match=r"which is not on this machine|names no base") as caught:
        read_adapter(folder)
    assert "--base MODEL" in caught.value.fix
    assert read_adapter(folder, "kotori").base == "kotori"


@pytest.mark.parametrize("content", ["{", "[]", '{"r": 8}'])
def test_damaged_settings(adapter, content):
    folder = adapter("kotori")
    (folder / "adapter_config.json").write_text(content)
    with pytest.raises(BadInput, match="is damaged, or no adapter's"):
        read_adapter(folder)


def test_peft_settings_are_ready_for_training(adapter):
    assert peft_config(str(adapter("kotori"))).inference_mode is False
    with pytest.raises(BadInput, match="PEFT cannot read"):
        peft_config(str(adapter("kotori", peft_type="MAGIC")))
