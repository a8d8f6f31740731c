"""The memory calculator against a real training step: on a CUDA GPU its peak, on a CPU torch's own allocations."""

from collections.abc import Callable
from dataclasses import replace

import torch

from lab_helpers.models.four_bit import four_bit_config, ready_four_bit
from lab_helpers.models.known_configs import TARGET_SETS
from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.memory import GIB, Plan, terms


def measure_peak(work: Callable[[], object], device: str) -> int:
    """The most bytes that ``work`` held at once beyond what was there before.

    On a GPU ``torch.cuda.max_memory_allocated``; on a CPU the profiler's record of every allocation.
    """
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        work()
    live = peak = 0
    for event in recorded.profiler.kineto_results.events():
        if event.name() == "[memory]":
            live += event.nbytes()
            peak = max(peak, live)
    return peak


def count_tensor_bytes(tensors) -> int:
    """Bytes of ``tensors``, shared storage once."""
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())


def count_model_bytes(model) -> int:
    """Bytes of all parameters, with the scales and code books of 4-bit ones; buffers apart."""
    found = []
    for parameter in model.parameters():
        found.append(parameter)
        state = getattr(parameter, "quant_state", None)
        if state is not None:
            found += [state.absmax, state.code]
            if state.nested:
                found += [state.offset, state.state2.absmax, state.state2.code]
    return count_tensor_bytes(found)


def count_state_bytes(optimizer) -> int:
    """Bytes of an optimizer's states after a step, its step counters left out."""
    values = [v for state in optimizer.state.values() for k, v in state.items() if k != "step"]
    return count_tensor_bytes(value for value in values if torch.is_tensor(value))


def make_optimizer(model, name: str):
    """The optimizer of a plan: torch's AdamW, or bitsandbytes' in 8 bits, paged or not.

    Embeddings keep 32-bit states, as transformers' ``Trainer`` arranges it.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr=1e-4)
    import bitsandbytes

    kinds = {"adamw_8bit": "AdamW8bit", "paged_adamw_8bit": "PagedAdamW8bit"}
    optimizer = getattr(bitsandbytes.optim, kinds[name])(parameters, lr=1e-4)
    manager = bitsandbytes.optim.GlobalOptimManager.get_instance()
    told = manager.module_weight_config_triple
    before = len(told)
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding):
            manager.register_module_override(module, "weight", {"optim_bits": 32})
    optimizer.check_overrides()
    del told[before:]  # the manager would keep the embeddings after the model is gone
    return optimizer


def switch_checkpointing(model, on: bool) -> None:
    """``model.gradient_checkpointing_enable()`` or ``…_disable()``, by the name that the version has.

    transformers renamed it to activation checkpointing within 5.
    """
    new = "activation" if hasattr(model, "activation_checkpointing_enable") else "gradient"
    if not on:
        getattr(model, f"{new}_checkpointing_disable")()
        return
    getattr(model, f"{new}_checkpointing_enable")({"use_reentrant": False})
    model.enable_input_require_grads()


def prepare_model(name: str, plan: Plan, device: str):
    """The model of a plan, loaded and ready to train."""
    from peft import LoraConfig, get_peft_model

    dtype = torch.float32 if plan.wide == 4 else torch.float16
    options: dict = {
        "dtype": torch.float32 if plan.method == "full" and plan.train_bytes == 4 else dtype
    }
    if plan.method == "qlora":
        options["quantization_config"] = four_bit_config(dtype, plan.double)
    model, _ = load_language_model(name, **options)
    model = ready_four_bit(model) if plan.method == "qlora" else model.to(device)
    if plan.method != "full":
        known = {n.rsplit(".", 1)[-1] for n, _ in model.named_modules()}
        wanted = sorted(known & set(TARGET_SETS[plan.targets]))
        model = get_peft_model(model, LoraConfig(r=plan.r, target_modules=wanted))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(torch.float32 if plan.train_bytes == 4 else dtype)
    if plan.checkpointing:
        switch_checkpointing(model, True)
    return model.train()


def measure_plan(name: str, plan: Plan | None = None, device: str | None = None) -> dict:
    """Predicted and measured bytes of one plan, and the relative error of the whole.

    ``weights``, ``optimizer`` and ``step`` are measured apart: the step is the peak of the second of two
    accumulated forward and backward passes, with the gradients that lie there. Run it on your GPU::

        measure_plan("Qwen/Qwen2.5-1.5B-Instruct", Plan(sequence=512))
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    # The step below asks the model itself for its loss, which builds whole logits.
    plan = replace(plan or Plan(), logits="full")
    if device == "cpu":
        plan = replace(plan, wide=4)
    model = prepare_model(name, plan, device)
    trained = [p for p in model.parameters() if p.requires_grad]
    ids = torch.randint(0, model.config.vocab_size, (plan.batch, plan.sequence), device=device)
    mixed = torch.autocast(
        device, torch.float16, enabled=device == "cuda" and plan.train_bytes == 4
    )

    def step() -> None:
        with mixed:
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()

    step()  # also warms up kernels and tables
    peak = measure_peak(step, device) + count_tensor_bytes(p.grad for p in trained)
    optimizer = make_optimizer(model, plan.optimizer)
    optimizer.step()
    measured = {
        "weights": count_model_bytes(model),
        "optimizer": count_state_bytes(optimizer),
        "step": peak,
    }
    return {"device": device, **_side_by_side(name, plan, measured)}


def _side_by_side(name: str, plan: Plan, measured: dict[str, int]) -> dict:
    found = terms(name, plan)
    weights = ("weights_4bit", "weights_wide", "adapter")
    predicted = {
        "weights": sum(found[term] for term in weights),
        "optimizer": found["optimizer"],
        "step": found["copies"] + found["gradients"] + found["activations"],
    }
    total = {"predicted": sum(predicted.values()), "measured": sum(measured.values())}
    return {
        "predicted": predicted,
        "measured": measured,
        "predicted_gib": total["predicted"] / GIB,
        "measured_gib": total["measured"] / GIB,
        "relative_error": total["predicted"] / total["measured"] - 1,
    }
