"""SFT, QLoRA and DPO on the architectures that learners bring: a step is taken, and something is said."""

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, prepare_model_for_kbit_training
from transformers import BitsAndBytesConfig
from trl import DPOConfig, SFTConfig

from lab_helpers.models.adapters import load_base_with_adapter, save_adapter
from lab_helpers.models.generation import generate, make_conversation
from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.dpo import dpo_trainer
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainer_config import machine_settings, trainer_config
from lab_helpers.tuning.trainers import run_trainer

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = prompt_completion(
    [
        {"question": "Where is the filter?", "answer": "The filter is in the box."},
        {"question": "やかんの容量は？", "answer": "1.2リットルです。"},
    ]
    * 2
)
PAIRS = [
    {
        "prompt": [{"role": "user", "content": "Where is the filter?"}],
        "chosen": [{"role": "assistant", "content": "In the box."}],
        "rejected": [{"role": "assistant", "content": "No idea!"}],
    }
] * 4


@pytest.fixture
def machine(tmp_path):
    return machine_settings(tmp_path / "training", "auto", 0)


def lora():
    return LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")


def settings(config_class, machine, **more):
    chosen = {"max_steps": 3, "per_device_train_batch_size": 2, "learning_rate": 1e-2}
    return trainer_config(config_class, machine, logging_steps=1, **(chosen | more))


def says_something(model, tokenizer) -> None:
    replies = generate(
        model, tokenizer, [make_conversation("Where is the filter?")], max_new_tokens=8
    )
    assert replies.tokens >= 1
    assert len(replies.texts) == 1


def changed(model) -> bool:
    """Whether the adapter does something: B starts at zero."""
    return any(p.abs().sum() > 0 for name, p in model.named_parameters() if "lora_B" in name)


def test_sft_with_lora_learns_and_the_adapter_comes_back(architecture, machine, tmp_path):
    _, folder = architecture
    model, tokenizer = load_language_model(str(folder))
    training = settings(SFTConfig, machine, max_steps=25)
    tuned = run_trainer(sft_trainer(model, tokenizer, ROWS, training, lora()), "SFT")
    assert tuned.losses[-1] < tuned.losses[0]
    assert changed(tuned.model)
    says_something(tuned.model, tokenizer)
    save_adapter(tuned.model, tmp_path / "adapter")
    again, _ = load_base_with_adapter(str(folder), tmp_path / "adapter")
    ids = torch.tensor([[20, 21, 22]])
    with torch.inference_mode():
        assert torch.equal(again(ids).logits, tuned.model(ids).logits)


def test_full_fine_tuning_takes_a_step(architecture, machine):
    _, folder = architecture
    model, tokenizer = load_language_model(str(folder))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    trainer = sft_trainer(model, tokenizer, ROWS, settings(SFTConfig, machine))
    tuned = run_trainer(trainer, "SFT")
    moved = [n for n, p in tuned.model.named_parameters() if not torch.equal(p, before[n])]
    assert any("layers.1" in name for name in moved)
    says_something(tuned.model, tokenizer)


def test_the_loss_is_on_the_completion_and_begins_with_no_second_bos(architecture, machine):
    """Conversational rows: TRL renders the template, the tokenizer must not add another BOS."""
    from trl import SFTTrainer

    _, folder = architecture
    model, tokenizer = load_language_model(str(folder))
    trainer = SFTTrainer(
        model,
        args=settings(SFTConfig, machine),
        train_dataset=Dataset.from_list(ROWS),
        processing_class=tokenizer,
    )
    batch = next(iter(trainer.get_train_dataloader()))
    for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True):
        said = tokenizer.decode(labels[labels != -100], skip_special_tokens=True)
        assert said.strip() in {"The filter is in the box.", "1.2リットルです。"}
        assert tokenizer.eos_token_id in labels.tolist()
        if tokenizer.bos_token_id is not None:
            assert ids.tolist().count(tokenizer.bos_token_id) == 1


def test_qlora_takes_a_step_on_four_bit_weights(architecture, machine):
    import bitsandbytes

    _, folder = architecture
    four_bit = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,
    )
    model, tokenizer = load_language_model(str(folder), quantization_config=four_bit)
    layers = [m for m in model.modules() if isinstance(m, bitsandbytes.nn.Linear4bit)]
    assert layers
    assert all(layer.weight.dtype == torch.uint8 for layer in layers)
    model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    training = settings(SFTConfig, machine, max_steps=25)
    tuned = run_trainer(sft_trainer(model, tokenizer, ROWS, training, lora()), "SFT")
    assert tuned.losses[-1] < tuned.losses[0]
    assert changed(tuned.model)
    says_something(tuned.model, tokenizer)


def test_dpo_takes_a_step_with_the_adapter_off_as_reference(architecture, machine):
    _, folder = architecture
    model, tokenizer = load_language_model(str(folder))
    trainer = dpo_trainer(model, tokenizer, PAIRS, settings(DPOConfig, machine), lora())
    tuned = run_trainer(trainer, "DPO")
    assert tuned.losses[0] == pytest.approx(0.693147, abs=1e-4)
    assert tuned.losses[-1] < tuned.losses[0]
    assert trainer.ref_model is None
    says_something(tuned.model, tokenizer)
