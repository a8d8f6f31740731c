"""Which number format to train in.

The trap: ``torch.cuda.is_bf16_supported()`` answers True on a T4 because it counts emulation, and
emulated bf16 is slow. Native bf16 starts at compute capability 8.0 (Ampere), so that is the test.
Below it, fp16 autocast over *float32* trainable weights: gradients of fp16 weights cannot be
unscaled by the gradient scaler.
"""

from dataclasses import dataclass

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.hardware import Hardware
from lab_helpers.runtime.language import say

NATIVE_BF16_FROM = (8, 0)


@dataclass(frozen=True)
class Precision:
    """``autocast`` is ``"bf16"``, ``"fp16"`` or ``None``; trainable weights are always float32.

    ``trainer_arguments()`` is what ``TrainingArguments``, ``SFTConfig`` and ``DPOConfig`` take.
    """

    name: str
    autocast: str | None
    gradient_scaler: bool
    use_cpu: bool

    def trainer_arguments(self) -> dict[str, bool]:
        return {
            "bf16": self.autocast == "bf16",
            "fp16": self.autocast == "fp16",
            "use_cpu": self.use_cpu,
        }


FLOAT32 = Precision("fp32", None, False, True)


def has_native_bf16(hardware: Hardware) -> bool:
    """Whether bf16 runs without emulation: on an Ampere or newer GPU, or a CPU with bf16 instructions."""
    if hardware.accelerator == "cuda":
        return (hardware.compute_capability or (0, 0)) >= NATIVE_BF16_FROM
    import torch

    known = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return hardware.accelerator == "cpu" and any(
        getattr(torch.cpu, name, lambda: False)() for name in known
    )


def weight_format(hardware: Hardware) -> str:
    """In which format a model's weights lie in memory: ``"bf16"``, ``"fp16"`` or ``"fp32"``.

    On a CUDA GPU half as wide, in the format that autocast computes in there: of 1.5 billion float32
    weights a T4 holds two copies and nothing else. Elsewhere float32, in which a CPU computes. What
    *trains* is float32 everywhere.
    """
    if hardware.accelerator != "cuda":
        return "fp32"
    return "bf16" if has_native_bf16(hardware) else "fp16"


def pick_precision(hardware: Hardware, wanted: str = "auto") -> Precision:
    """Choose the precision for ``hardware``; ``wanted`` may force ``fp32``, ``fp16`` or ``bf16``.

    ``"auto"`` stays with fp32 on a CPU, so that numbers do not depend on the CPU's kind; ``"native"``
    takes bf16 there too where the CPU has instructions for it, which halves the seconds of a training.
    Raises :class:`BadInput` where the forced format does not run natively on this machine.
    """
    cuda = hardware.accelerator == "cuda"
    native_bf16 = has_native_bf16(hardware) and (cuda or wanted == "native")
    if wanted in ("auto", "native"):
        wanted = "bf16" if native_bf16 else "fp16" if cuda else "fp32"
    if wanted == "bf16" and not native_bf16:
        raise BadInput(
            say(
                f"{hardware.name or hardware.accelerator} has no native bf16 (compute capability 8.0 or newer has)",
                f"{hardware.name or hardware.accelerator} は bf16 にネイティブ対応していません（compute capability 8.0 以上が必要です）",
            ),
            say("Use precision = 'auto'.", "precision = 'auto' にしてください。"),
        )
    if wanted == "fp16" and not cuda:
        raise BadInput(
            say("fp16 training needs a CUDA GPU", "fp16 での学習には CUDA 対応の GPU が必要です"),
            say("Use precision = 'auto'.", "precision = 'auto' にしてください。"),
        )
    if wanted not in {"fp32", "fp16", "bf16"}:
        raise BadInput(
            say(f"unknown precision '{wanted}'", f"「{wanted}」という精度はありません"),
            say(
                "Use auto, native, fp32, fp16 or bf16.",
                "auto、native、fp32、fp16、bf16 のいずれかを指定してください。",
            ),
        )
    autocast = None if wanted == "fp32" else wanted
    return Precision(wanted, autocast, autocast == "fp16", hardware.accelerator == "cpu")
