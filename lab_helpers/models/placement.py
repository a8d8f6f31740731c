"""Where a language model's weights go, and in which number format.

The rule: what a learner brings, and what the larger profiles load, lies on a CUDA GPU in the format that
this GPU computes in, bf16 or fp16. What the course ships stays in float32 everywhere: it is small (half a
GB at most), and its numbers are compared between machines.
"""

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.hardware import Hardware
from lab_helpers.runtime.language import say
from lab_helpers.runtime.precision import weight_format


def loading_options(machine: Hardware, shipped: bool, wanted: dict) -> dict:
    """What ``from_pretrained`` is given besides the name; ``wanted`` wins.

    On a CUDA GPU ``device_map`` names the card, so that each tensor goes from the file straight onto it
    and the machine's own memory never holds the whole model.
    """
    options = {"dtype": weight_dtype(machine, shipped)}
    if machine.accelerator == "cuda":
        options["device_map"] = {"": 0}
    options |= wanted
    _refuse_eager_fp16(options)
    return options


def weight_dtype(machine: Hardware, shipped: bool = False):
    """The rule above as a ``torch.dtype``."""
    import torch

    kinds = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
    return kinds["fp32" if shipped else weight_format(machine)]


def _refuse_eager_fp16(options: dict) -> None:
    """Attention written out in fp16 overflows (Qwen2 gives NaN); torch's fused one sums in float32.

    Left alone, transformers takes the fused one wherever an architecture has it. Gemma 2 has not, and caps
    its scores itself.
    """
    import torch

    if options["dtype"] == torch.float16 and options.get("attn_implementation") == "eager":
        raise BadInput(
            say(
                "attention written out ('eager') overflows in fp16",
                "attn_implementation='eager' は fp16 ではオーバーフローします",
            ),
            say(
                "Leave attn_implementation out, or load the model in float32.",
                "attn_implementation を指定しないか、float32 で読み込んでください。",
            ),
        )
