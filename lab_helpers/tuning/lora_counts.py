"""What LoRA trains on published models, counted from their configs."""

from lab_helpers.models.known_configs import linear_shapes, target_shapes
from lab_helpers.tuning.lora import adapter_parameters


def lora_counts(model: str, r: int, targets: str) -> dict:
    """Trainable and all parameters, the ratio "one in N", and the adapter file's size.

    PEFT keeps and saves adapters in float32 by default, also on a base of 16 bits.
    """
    trainable = adapter_parameters(target_shapes(model, targets), r)
    _, total = linear_shapes(model)
    return {
        "model": model,
        "r": r,
        "targets": targets,
        "trainable": trainable,
        "total": total,
        "one_in": total / trainable,
        "MB (float32)": trainable * 4 / 1e6,
        "MB (16-bit)": trainable * 2 / 1e6,
    }
