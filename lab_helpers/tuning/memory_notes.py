"""What a reader of a plan's numbers should know about this model: sentences in both languages."""

from math import prod

from lab_helpers.models.known_configs import (
    has_experts,
    linear_shapes,
    model_config,
    parameter_shapes,
    quantized_shapes,
    whole_model,
)
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.dry_run import can_checkpoint, walked_length
from lab_helpers.tuning.memory_plan import Plan

_GIB = 2**30


def memory_notes(model: str, plan: Plan) -> list[Text]:
    """Sentences about ``plan``; none for a plain decoder with the default settings."""
    found = [
        _wide_matrices(model, plan),
        _adapted_experts(model, plan),
        _checkpointing(model, plan),
        _attention(model),
        _walked(model),
        _quantized_already(model),
    ]
    return [note for note in found if note is not None]


def _wide_matrices(model: str, plan: Plan) -> Text | None:
    """QLoRA, and a good part of the model that is not quantized, the embeddings and the head apart."""
    if plan.method != "qlora":
        return None
    total = linear_shapes(model)[1]
    four_bit = sum(map(prod, quantized_shapes(model).values()))
    shapes = parameter_shapes(model)
    words = max(shape[0] for shape in shapes.values())
    rest = total - four_bit - sum(prod(shape) for shape in shapes.values() if shape[0] == words)
    if rest < 0.1 * total:
        return None
    gib = plan.wide * rest / _GIB
    return Text(
        f"{gib:.1f} GiB of this model's matrices stay in 16 bits: bitsandbytes quantizes plain linear "
        "layers only, not experts stacked in one tensor or a family's own kinds of layers",
        f"このモデルの行列のうち {gib:.1f} GiB は 16 ビットのままです。bitsandbytes が量子化するのは通常の線形層だけで、"
        "1 つのテンソルにまとめられたエキスパートや、独自の層は対象外です。",
    )


def _adapted_experts(model: str, plan: Plan) -> Text | None:
    if plan.method == "full" or plan.adapter or not has_experts(model):
        return None
    if plan.targets not in ("all linear", "MLP"):
        return None
    return Text(
        "PEFT puts the adapter on the experts too in many mixtures, which makes it large: "
        "--targets 'q, k, v, o' adapts attention alone",
        "多くの混合エキスパートモデルで、PEFT はエキスパートにもアダプターを付けるため大きくなります。"
        "--targets 'q, k, v, o' ならアテンションだけに付けます。",
    )


def _checkpointing(model: str, plan: Plan) -> Text | None:
    if not plan.checkpointing or can_checkpoint(model):
        return None
    return Text(
        "transformers has no gradient checkpointing for this family: counted without it",
        "transformers はこの系統のモデルの勾配チェックポイントに対応していないため、なしで計算しています。",
    )


def _attention(model: str) -> Text | None:
    config = whole_model(model).config.get_text_config()
    heads = getattr(config, "num_attention_heads", 0)
    if getattr(config, "_attn_implementation", "") != "eager" or not heads:
        return None
    return Text(
        "transformers runs this family's attention unfused: it grows with the square of the length",
        "transformers はこの系統のアテンションを融合せずに計算するため、メモリは系列長の 2 乗で増えます。",
    )


def _walked(model: str) -> Text | None:
    if walked_length(model) is None:
        return None
    return Text(
        "this family walks through a text token by token in torch's own code, and is counted so; "
        "with its own kernels (mamba-ssm, flash-linear-attention) it needs less",
        "この系統は torch のコードでトークンを 1 つずつ処理するものとして計算しています。"
        "専用カーネル（mamba-ssm、flash-linear-attention）を使えば、必要なメモリは減ります。",
    )


def _quantized_already(model: str) -> Text | None:
    quantized = getattr(model_config(model), "quantization_config", None)
    if not quantized:
        return None
    return Text(
        "its weights are published quantized: counted is what they take once they are unpacked",
        "公開されている重みは量子化済みです。ここでは、展開した後の大きさで計算しています。",
    )
