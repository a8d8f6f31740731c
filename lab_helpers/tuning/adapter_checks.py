"""A LoRA configuration that would train nothing, or fits no layer: refused before the first step."""

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

MOST_NAMES = 8


def check_adapter(adapter, model) -> None:
    """A LoRA configuration against the layers that ``model`` has."""
    rank = getattr(adapter, "r", None)
    if rank is not None and (not isinstance(rank, int) or rank < 1):
        raise BadInput(
            say(
                f"r={rank}: an adapter needs a rank of at least 1",
                f"r={rank} は使えません。アダプターのランクは 1 以上でなければなりません",
            ),
            say("r=8 is usual.", "r=8 が一般的です。"),
        )
    if rank is not None and getattr(adapter, "lora_alpha", 1) == 0:
        raise BadInput(
            say(
                "lora_alpha=0: the adapter would add nothing",
                "lora_alpha=0 では、アダプターが何も加えません",
            ),
            say("lora_alpha=2*r is usual.", "lora_alpha=2*r が一般的です。"),
        )
    targets = getattr(adapter, "target_modules", None)
    if not targets or isinstance(targets, str):
        return  # a pattern, "all-linear", or PEFT's own choice for this architecture
    import torch

    names = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    parts = {name for name, _ in model.named_modules()}
    missing = [t for t in sorted(targets) if not any(f".{n}".endswith(f".{t}") for n in parts)]
    if missing:
        endings = sorted({name.rpartition(".")[2] for name in names})
        raise BadInput(
            say(
                f"the model has no layer called {', '.join(missing)}",
                f"モデルに {', '.join(missing)} という名前の層はありません",
            ),
            say(
                f"Its linear layers: {', '.join(endings[:MOST_NAMES])}. Or target_modules='all-linear'.",
                f"線形層: {', '.join(endings[:MOST_NAMES])}。target_modules='all-linear' も使えます。",
            ),
        )
