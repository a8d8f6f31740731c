"""`labs fit` against what others measured: the table in BENCHMARKS.md.

Write it anew with ``python -m lab_helpers.tuning.published_memory``; a test compares it with what the
code counts today.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from lab_helpers.tuning.memory import GIB, terms
from lab_helpers.tuning.memory_plan import Plan

BEGIN = "<!-- labs fit: begin -->"
END = "<!-- labs fit: end -->"
_TUNE = "[torchtune](https://github.com/pytorch/torchtune/blob/0031bfb080bd35ec533c412df883cf2bf7bf7fe4/README.md#memory-and-training-speed)"
_TRL = "[TRL, sft_trl_lora_qlora.ipynb](https://github.com/huggingface/trl/blob/08806954f4defd01fa8f2f9bf7557f45ce148344/examples/notebooks/sft_trl_lora_qlora.ipynb)"
_GRPO = "[TRL, grpo_trl_lora_qlora.ipynb](https://github.com/huggingface/trl/blob/08806954f4defd01fa8f2f9bf7557f45ce148344/examples/notebooks/grpo_trl_lora_qlora.ipynb)"
_UNSLOTH = "[Unsloth, requirements](https://unsloth.ai/docs/get-started/fine-tuning-for-beginners/unsloth-requirements)"
_UNSLOTH_GRPO = "[Unsloth, GRPO](https://unsloth.ai/blog/grpo)"
_FACTORY = (
    "[LLaMA-Factory, wiki](https://github.com/hiyouga/LLaMA-Factory/wiki/Performance-comparison)"
)
_COMPILED = "They measured with torch.compile, which fuses what a block makes on the way; we count plain torch."
_LEAST = "Said to be the least, for no named model, length or rank."
_OLD = "transformers of 2024 copied the shifted logits and held them in float32; `full` is what today's does."


@dataclass(frozen=True)
class Published:
    """One figure: ``said`` as printed, in GiB or GB, for ``plan`` of ``model``; ``part`` is which terms it is of."""

    model: str
    plan: Plan
    said: float
    unit: str
    source: str
    why: str
    part: tuple[str, ...] = ()


def _notebook(r: int = 32, **settings) -> Plan:
    """The settings that both notebooks of TRL share: adapters in bf16, paged 8-bit states."""
    return Plan("qlora", r=r, optimizer="paged_adamw_8bit", train_bytes=2, **settings)


_TUNED = Plan("qlora", r=8, batch=2, sequence=2048, train_bytes=2)
_STEP = ("adapter", "gradients", "optimizer", "activations")
_TWENTY = Plan("qlora", training="grpo", generations=1, sequence=1, completion=20_000)
FIGURES = (
    Published("Llama 3 8B", _TUNED, 7.4, "GiB", _TUNE, _COMPILED),
    Published("Llama 3 8B", replace(_TUNED, method="lora"), 16.2, "GiB", _TUNE, _COMPILED),
    Published(
        "Llama 3 8B",
        _notebook(sequence=1024),
        10.9,
        "GiB",
        _TRL,
        "What the allocator reserved, the peak of loading in it; what of it training needs is not said. An older TRL, before its fused loss.",
    ),
    Published(
        "Qwen3 14B",
        _notebook(sequence=1024),
        1.967,
        "GiB",
        _TRL,
        "Reserved for training on top of the loaded model; checkpoints were offloaded.",
        _STEP,
    ),
    Published(
        "Qwen2.5 7B",
        _notebook(training="grpo", batch=8, sequence=256, completion=256),
        8.832,
        "GiB",
        _GRPO,
        "Qwen2 7B, of the same shapes. Reserved, with fragmentation; the prompts' length is assumed.",
    ),
    *(
        Published(model, Plan(optimizer="adamw_8bit"), said, "GB", _UNSLOTH, why)
        for model, said, why in (
            ("Llama 3 8B", 6, _LEAST),
            (
                "Qwen3 14B",
                8.5,
                f"{_LEAST} Qwen3's weights alone take 9.2 GiB (152k words): a 14B of fewer words.",
            ),
            (
                "Qwen2.5 32B",
                26,
                f"{_LEAST} Its dynamic 4-bit models keep some layers in 16 bits.",
            ),
            ("Llama 3 70B", 41, _LEAST),
        )
    ),
    Published(
        "Llama 3 8B",
        _TWENTY,
        2.5,
        "GiB",
        _UNSLOTH_GRPO,
        "The cache of keys and values of one text of 20,000 tokens, computed there too.",
        ("kv_cache",),
    ),
    *(
        Published(
            "Llama 2 7B", Plan(r=8, sequence=tokens, logits="full"), said, "GB", _FACTORY, _OLD
        )
        for tokens, said in ((1024, 6), (8192, 12), (32768, 32))
    ),
)


def predicted_bytes(figure: Published) -> int:
    """What `labs fit` counts of the figure's terms, without the reserve."""
    found = terms(figure.model, figure.plan)
    parts = figure.part or [term for term in found if term not in ("kv_cache", "generation")]
    return sum(found[term] for term in parts)


def published_table() -> str:
    """The table as Markdown."""
    head = "| model | plan | of it | counted | published | differs | source, and why |"
    rows = [head, "|---|---|---|---:|---:|---:|---|"]
    for figure in FIGURES:
        unit = GIB if figure.unit == "GiB" else 1e9
        counted = predicted_bytes(figure) / unit
        said = f"{figure.said:g} {figure.unit}"
        differs = f"{counted / figure.said - 1:+.0%}"
        part = ", ".join(figure.part).replace("_", " ") or "all"
        why = f"{figure.source}: {figure.why}"
        rows.append(
            f"| {figure.model} | {_settings(figure.plan)} | {part} | {counted:.2f} | {said} | {differs} | {why} |"
        )
    return "\n".join(rows)


def _settings(plan: Plan) -> str:
    size = f"{plan.batch} × {plan.sequence}"
    size += f" + {plan.completion}" if plan.generates else ""
    kind = plan.method if plan.training == "sft" else f"{plan.training}, {plan.method}"
    logits = ", full logits" if plan.logits == "full" else ""
    wide = ", bf16 adapter" if plan.train_bytes == 2 else ""
    return f"{kind}, r={plan.r}, {size}, {plan.optimizer}{wide}{logits}"


def with_table(text: str) -> str:
    """``text`` with today's table between the two markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{published_table()}\n{END}{after}"


if __name__ == "__main__":
    page = Path("BENCHMARKS.md")
    page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")
