"""TRL's fused loss: that its trainers use it, what it keeps by its own code, and on this machine."""

from dataclasses import replace

import pytest
import torch
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
from trl.kernels import chunked_logprob
from trl.trainer.utils import _CHUNKED_LOGPROB_CHUNK_SIZE, add_fused_lm_head

from lab_helpers.labs.lab03.memory_check import measure_peak, prepare_model
from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning import step_losses
from lab_helpers.tuning.dry_run import DryStep, activation_bytes, peak_bytes
from lab_helpers.tuning.live_bytes import LiveBytes
from lab_helpers.tuning.memory import GIB
from lab_helpers.tuning.memory_plan import Plan
from lab_helpers.tuning.stand_ins import HEAD_COLUMNS, HEAD_ROWS, FusedHead, without_kernels

pytestmark = pytest.mark.usefixtures("one_thread")
QWEN = "Qwen2.5 1.5B"


# What the installed TRL does


def counted_heads(model) -> list[int]:
    """A list that grows whenever the head multiplies, which is when whole logits are built."""
    calls: list[int] = []
    model.get_output_embeddings().register_forward_hook(lambda *_: calls.append(1))
    return calls


def arguments(kind, folder, **more):
    return kind(output_dir=str(folder), use_cpu=True, report_to=[], bf16=False, max_steps=1, **more)


def test_sft_never_multiplies_by_the_head(tiny_chat_model, tmp_path):
    model, tokenizer = load_language_model(str(tiny_chat_model))
    calls = counted_heads(model)
    rows = [{"text": "The lamp is warm."}] * 2
    from datasets import Dataset

    settings = arguments(SFTConfig, tmp_path, per_device_train_batch_size=2)
    trainer = SFTTrainer(model, settings, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)  # fmt: skip
    trainer.train()
    assert calls == []
    model(input_ids=torch.zeros(1, 4, dtype=torch.long, device=model.device))
    assert calls == [1], "the hook sees the head"


def test_dpo_never_multiplies_by_the_head(tiny_chat_model, tmp_path):
    model, tokenizer = load_language_model(str(tiny_chat_model))
    reference, _ = load_language_model(str(tiny_chat_model))
    calls = counted_heads(model)
    from datasets import Dataset

    rows = [{"prompt": "The lamp", "chosen": " is warm.", "rejected": " is cold."}] * 2
    settings = arguments(DPOConfig, tmp_path, per_device_train_batch_size=2)
    trainer = DPOTrainer(
        model,
        reference,
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    trainer.train()
    assert calls == []


def test_the_tile_is_as_large_as_trls():
    assert (HEAD_COLUMNS, HEAD_ROWS) == (
        _CHUNKED_LOGPROB_CHUNK_SIZE,
        chunked_logprob.TOKEN_CHUNK_SIZE,
    )


# The stand-in against TRL's own code


def trls_own(hidden, weight, bias):
    """TRL's function on meta tensors, its Triton kernels (which write in place) left out."""
    labels = torch.zeros(len(hidden), dtype=torch.long, device="meta")
    outputs = ("log_probs", "entropy", "is_top1")
    return chunked_logprob.ChunkedLogProbFunction.apply(
        hidden, weight, bias, labels, 1.0, HEAD_COLUMNS, None, 1.0, outputs
    )[0]


@pytest.fixture
def in_place(monkeypatch):
    """TRL's tiles are folded in place, as Triton folds them, and products go into their sums (``addmm``)."""
    for name in ("_forward_tile", "_backward_tile", "_addmm_fp32"):
        monkeypatch.setattr(chunked_logprob, name, lambda *_, **__: None)


@pytest.mark.parametrize("tokens", [1, 100, HEAD_ROWS, 3 * HEAD_ROWS + 5])
@pytest.mark.parametrize("words", [300, HEAD_COLUMNS, 128_256])
@pytest.mark.parametrize("trained", [False, True])
def test_the_stand_in_keeps_what_trl_keeps(in_place, tokens, words, trained):
    peaks = []
    for loss in (trls_own, FusedHead.apply):
        hidden = torch.empty(tokens, 64, dtype=torch.bfloat16, device="meta", requires_grad=True)
        weight = torch.empty(words, 64, dtype=torch.bfloat16, device="meta", requires_grad=trained)
        with LiveBytes([hidden, weight], set()) as live, without_kernels():
            loss(hidden, weight, None).sum().backward()
        peaks.append(live.peak)
    small = 40 * tokens + 1000  # single numbers a token: masks and sums
    assert peaks[1] == pytest.approx(peaks[0], rel=0.002, abs=small)


@pytest.mark.parametrize("rows", [1, 8])
def test_a_whole_step_with_the_stand_in_is_the_same(in_place, monkeypatch, rows):
    step = DryStep(QWEN, rows=rows, length=512, loss="fused")
    ours = activation_bytes(step)
    monkeypatch.setattr(step_losses, "_fused", lambda hidden, head: trls_own(hidden.reshape(-1, hidden.shape[-1]), head.weight, None).sum())  # fmt: skip
    activation_bytes.cache_clear()
    assert activation_bytes(step) == pytest.approx(ours, rel=0.01)
    activation_bytes.cache_clear()


@pytest.mark.parametrize(
    ("rows", "length", "full", "without_triton", "fused"),
    [(8, 512, 7.31, 4.25, 1.09), (8, 1024, 14.61, 4.65, 2.19)],
)
def test_long_batches_no_longer_read_too_high(rows, length, full, without_triton, fused):
    """Qwen2.5 1.5B in 4 bits: the numbers of the audit (7.3 → 4.3 and 14.6 → 4.7 are without Triton)."""
    ways = {"model": full, "fused_torch": without_triton, "fused": fused}
    for loss, gib in ways.items():
        found = activation_bytes(DryStep(QWEN, rows=rows, length=length, loss=loss))
        assert found / GIB == pytest.approx(gib, abs=0.01), loss


# TRL's fused head on this machine's CPU


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_peak_on_a_cpu_within_ten_percent(method, checkpointing):
    plan = Plan(method=method, r=8, batch=8, sequence=256, checkpointing=checkpointing, wide=4)
    model = prepare_model("kotori", plan, "cpu")
    causal = model if method == "full" else model.get_base_model()
    add_fused_lm_head(causal, outputs=("log_probs", "entropy", "is_top1"))
    ids = torch.randint(0, 1000, (plan.batch, plan.sequence))

    def step() -> None:
        model(input_ids=ids, labels=ids, fused_lm_head=True).loss.backward()

    step()
    measured = measure_peak(step, "cpu")
    counted = activation_bytes(
        DryStep(
            "kotori",
            method,
            8,
            checkpointing=checkpointing,
            wide=4,
            rows=8,
            length=256,
            loss="fused_torch",
        )
    )
    assert counted == pytest.approx(measured, rel=0.10)


def test_whole_logits_are_those_of_the_scored_tokens():
    long = DryStep("Qwen2.5 0.5B", "lora", rows=2, length=2048, loss="logprobs")
    assert peak_bytes(replace(long, scored=16), 2) < 0.5 * peak_bytes(long, 2)
