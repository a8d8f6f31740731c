"""A T4's arithmetic without a T4: an fp16 base, float32 adapters, native autocast and a gradient scaler.

torch has all three on a CPU too. Only accelerate takes neither autocast nor scaler there when it is told
fp16, so both are put into a trainer after it is made; the rest is TRL's and the course's own.
"""

import math

import pytest
import torch
from peft import LoraConfig
from random_models import save_random_model
from torch import nn
from trl import DPOConfig, SFTConfig

from lab_helpers.models.generation import generate, make_conversation
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.dpo import dpo_trainer
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainer_config import machine_settings, trainer_config
from lab_helpers.tuning.trainers import run_trainer

pytestmark = pytest.mark.usefixtures("one_thread")

QUESTION = "Where is the filter?"
ROWS = prompt_completion(
    [
        {"question": QUESTION, "answer": "The filter is in the box."},
        {"question": "やかんの容量は？", "answer": "1.2リットルです。"},
    ]
    * 2
)
PAIRS = [{"prompt": QUESTION, "chosen": "The filter is in the box.", "rejected": "No idea!"}] * 4


@pytest.fixture(scope="module", params=["Qwen2", "Llama"])
def folder(request, tmp_path_factory):
    return save_random_model(tmp_path_factory.mktemp("fp16") / request.param, request.param)


@pytest.fixture
def settings(tmp_path):
    def choose(config_class, **more):
        """On a T4 ``machine_settings`` says fp16; here it is said for it."""
        machine = machine_settings(tmp_path / "training", "auto", 0) | {"fp16": True}
        usual = {"max_steps": 20, "per_device_train_batch_size": 2, "learning_rate": 1e-2}
        return trainer_config(config_class, machine, logging_steps=1, **(usual | more))

    return choose


def lora(**more):
    return LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM", **more)


def load_fp16(folder):
    return load_language_model(str(folder), dtype=torch.float16)


def as_on_a_t4(trainer):
    """The trainer with what accelerate gives it on a GPU: autocast to fp16, and a gradient scaler."""
    accelerator = trainer.accelerator
    assert accelerator.mixed_precision == "fp16"
    accelerator.native_amp = True
    accelerator.scaler = torch.amp.GradScaler("cpu")
    return trainer


def formats(model) -> set[tuple[bool, torch.dtype]]:
    """``(trains, dtype)`` of all weights."""
    return {(p.requires_grad, p.dtype) for p in model.parameters()}


def products(trainer) -> set[tuple[torch.dtype, torch.dtype]]:
    """Filled while it trains: ``(weight's dtype, product's dtype)`` of every linear layer."""
    seen: set[tuple[torch.dtype, torch.dtype]] = set()
    for module in trainer.model.modules():
        if isinstance(module, nn.Linear):
            module.register_forward_hook(lambda m, _, out: seen.add((m.weight.dtype, out.dtype)))
    return seen


def says_something(model, tokenizer) -> str:
    replies = generate(model, tokenizer, [make_conversation(QUESTION)], max_new_tokens=16)
    assert replies.tokens >= 1
    return replies.texts[0]


def falls(losses: list[float]) -> bool:
    return all(map(math.isfinite, losses)) and losses[-1] < 0.5 * losses[0]


def test_sft_trains_float32_adapters_over_an_fp16_base(folder, settings):
    model, tokenizer = load_fp16(folder)
    trainer = as_on_a_t4(sft_trainer(model, tokenizer, ROWS, settings(SFTConfig), lora()))
    seen = products(trainer)
    tuned = run_trainer(trainer, "SFT")
    assert formats(tuned.model) == {(True, torch.float32), (False, torch.float16)}
    assert falls(tuned.losses)
    assert (torch.float32, torch.float16) in seen, "autocast computed with float32 adapters in fp16"
    assert trainer.accelerator.scaler.get_scale() > 1, "the gradients went through the scaler"
    assert says_something(tuned.model, tokenizer)


def test_dpo_starts_at_ln_2_with_the_fp16_base_as_its_own_reference(folder, settings):
    model, tokenizer = load_fp16(folder)
    trainer = as_on_a_t4(dpo_trainer(model, tokenizer, PAIRS, settings(DPOConfig), lora()))
    tuned = run_trainer(trainer, "DPO")
    assert trainer.ref_model is None
    assert formats(tuned.model) == {(True, torch.float32), (False, torch.float16)}
    assert tuned.losses[0] == pytest.approx(math.log(2), abs=1e-3)
    assert falls(tuned.losses)
    assert says_something(tuned.model, tokenizer)


def test_generation_on_an_fp16_base_stays_in_fp16_and_close_to_float32(folder):
    model, tokenizer = load_fp16(folder)
    assert formats(model) == {(True, torch.float16)}
    ids, (plain, _) = torch.tensor([[20, 21, 22]]), load_language_model(str(folder))
    logits = model(ids).logits
    assert logits.dtype == torch.float16
    assert torch.allclose(plain(ids).logits, logits.float(), atol=0.05)
    assert says_something(model, tokenizer)


def test_full_fine_tuning_of_an_fp16_base_is_done_in_float32(folder, settings):
    model, tokenizer = load_fp16(folder)
    trainer = as_on_a_t4(
        sft_trainer(model, tokenizer, ROWS, settings(SFTConfig, learning_rate=2e-3))
    )
    tuned = run_trainer(trainer, "SFT")
    assert formats(tuned.model) == {(True, torch.float32)}
    assert falls(tuned.losses)
    assert says_something(tuned.model, tokenizer)


def test_a_head_that_trains_along_comes_back_in_the_format_of_its_base(folder, settings):
    """Without autocast a float32 head cannot read what fp16 layers hand it: nothing could be measured."""
    model, tokenizer = load_fp16(folder)
    adapter = lora(modules_to_save=["lm_head"])
    trainer = as_on_a_t4(sft_trainer(model, tokenizer, ROWS, settings(SFTConfig), adapter))
    before = trainer.model.get_output_embeddings().weight.detach().clone()
    tuned = run_trainer(trainer, "SFT")
    head = tuned.model.get_output_embeddings().weight
    assert head.dtype == torch.float16
    assert not torch.equal(head, before)
    assert falls(tuned.losses)
    assert says_something(tuned.model, tokenizer)


def test_a_card_too_small_for_float32_weights_is_told_in_one_line(folder, settings, monkeypatch):
    """Full fine-tuning of what just fitted in fp16: twice the weights before the first step."""
    model, tokenizer = load_fp16(folder)
    trainer = as_on_a_t4(sft_trainer(model, tokenizer, ROWS, settings(SFTConfig)))

    def full(self):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 892.00 MiB")

    monkeypatch.setattr(torch.Tensor, "float", full)
    with pytest.raises(BadInput, match="the training does not fit into memory"):
        run_trainer(trainer, "SFT")


@pytest.mark.parametrize("kind", ["adapter", "everything"])
def test_what_the_scaler_does_with_fp16_weights_that_train(folder, settings, kind):
    """Why all this: the same trainers without :func:`run_trainer`, which widens what trains."""
    model, tokenizer = load_fp16(folder)
    adapter = lora() if kind == "adapter" else None
    trainer = as_on_a_t4(sft_trainer(model, tokenizer, ROWS, settings(SFTConfig), adapter))
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.half()
    with pytest.raises(ValueError, match="Attempting to unscale FP16 gradients"):
        trainer.train()


def test_attention_written_out_is_never_computed_in_fp16(folder):
    """Qwen2's scores leave fp16's range there; torch's fused attention adds them up in float32."""
    model, _ = load_fp16(folder)
    assert model.config._attn_implementation == "sdpa"
    with pytest.raises(BadInput, match=r"'eager'\) overflows in fp16"):
        load_language_model(str(folder), dtype=torch.float16, attn_implementation="eager")
