"""``labs fit MODEL``: what a fine-tuning needs in memory, term by term, and on which GPU it fits."""

import json
from dataclasses import asdict, replace
from typing import Annotated

import typer

from lab_helpers.cli.options import AsJson, Language, speak
from lab_helpers.runtime.language import say


def fit(
    model: Annotated[
        str,
        typer.Argument(
            help=say(
                "A known name ('Llama 3 8B'), a config.json, a folder of a model or of an adapter, a hub name.",
                "登録済みの名前（'Llama 3 8B' など）、config.json、モデルまたはアダプターのフォルダー、ハブのモデル名。",
            )
        ),
    ],
    method: Annotated[
        str | None,
        typer.Option(
            help=say(
                "full, lora or qlora; all three when left out.",
                "full、lora、qlora のいずれか。省略すると 3 つとも計算します。",
            )
        ),
    ] = None,
    training: Annotated[
        str,
        typer.Option(
            help=say("sft, dpo, grpo, ppo or reward.", "sft、dpo、grpo、ppo、reward のいずれか。")
        ),
    ] = "sft",
    rank: Annotated[
        int, typer.Option(help=say("Rank of the adapter.", "アダプターのランク。"))
    ] = 16,
    targets: Annotated[
        str,
        typer.Option(
            help=say(
                "'q, v', 'q, k, v, o', 'MLP' or 'all linear'.",
                "'q, v'、'q, k, v, o'、'MLP'、'all linear' のいずれか。",
            )
        ),
    ] = "all linear",
    sequence: Annotated[
        int,
        typer.Option(
            help=say(
                "Tokens of one example; of its prompt with grpo and ppo.",
                "1 例のトークン数。grpo と ppo ではプロンプトのトークン数。",
            )
        ),
    ] = 512,
    batch: Annotated[
        int,
        typer.Option(
            help=say(
                "Examples at a time: texts, pairs, or completions.",
                "一度に処理する例の数（文章、ペア、または生成文）。",
            )
        ),
    ] = 1,
    completion: Annotated[
        int,
        typer.Option(
            help=say(
                "Tokens that are generated after the prompt (grpo, ppo).",
                "プロンプトに続けて生成するトークン数（grpo、ppo）。",
            )
        ),
    ] = 512,
    generations: Annotated[
        int,
        typer.Option(
            help=say(
                "Completions of one prompt (grpo).", "1 つのプロンプトに対する生成の本数（grpo）。"
            )
        ),
    ] = 8,
    reference: Annotated[
        bool | None,
        typer.Option(
            help=say(
                "A frozen reference takes part; when left out as in TRL: dpo and ppo yes, grpo no.",
                "凍結した参照モデルを使うかどうか。省略すると TRL と同じで、dpo と ppo は使い、grpo は使いません。",
            )
        ),
    ] = None,
    reward_model: Annotated[
        str | None,
        typer.Option(
            help=say(
                "A reward model: a name like MODEL's (ppo takes the policy's size).",
                "報酬モデル。書き方は MODEL と同じです（ppo の既定は方策と同じ大きさ）。",
            )
        ),
    ] = None,
    optimizer: Annotated[
        str,
        typer.Option(
            help=say(
                "adamw, adamw_8bit or paged_adamw_8bit.",
                "adamw、adamw_8bit、paged_adamw_8bit のいずれか。",
            )
        ),
    ] = "adamw",
    checkpointing: Annotated[
        bool,
        typer.Option(
            help=say(
                "Gradient checkpointing: less memory, more time.",
                "勾配チェックポイント。メモリーは減り、時間は増えます。",
            )
        ),
    ] = True,
    logits: Annotated[
        str,
        typer.Option(
            help=say(
                "How the loss reads words: trl (what TRL does), fused, fused_torch, full.",
                "損失の計算方法。trl（TRL と同じ）、fused、fused_torch、full のいずれか。",
            )
        ),
    ] = "trl",
    double: Annotated[
        bool,
        typer.Option(
            help=say(
                "Double quantization of the 4-bit scales.",
                "4 ビット量子化のスケールを二重量子化します。",
            )
        ),
    ] = True,
    train_bytes: Annotated[
        int,
        typer.Option(
            help=say(
                "Bytes of a number that trains: 4, or 2 for bf16.",
                "学習する数値 1 つのバイト数。4、bf16 なら 2。",
            )
        ),
    ] = 4,
    gpu: Annotated[
        str | None,
        typer.Option(
            help=say(
                "One card, by name ('T4') or by its GiB ('12').",
                "GPU を 1 つ、名前（'T4'）か GiB（'12'）で指定します。",
            )
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help=say(
                "The model that an adapter belongs to, where it is now.",
                "アダプターの元のモデルの、現在の場所。",
            )
        ),
    ] = None,
    activations: Annotated[
        bool,
        typer.Option(
            help=say(
                "Count a step's activations; off for what lies still alone.",
                "1 ステップの活性値も数えます。無効にすると、置かれたままのものだけになります。",
            )
        ),
    ] = True,
    as_json: AsJson = False,
    lang: Language = None,
) -> None:
    """What full fine-tuning, LoRA and QLoRA need in memory, and on which GPU they fit. No weight is loaded."""
    from lab_helpers.cli.fit_output import show
    from lab_helpers.tuning import memory

    speak(lang)
    name, adapter = _adapter_and_base(model, base)
    plan = memory.Plan(
        method=method or "qlora",
        r=rank,
        targets=targets,
        sequence=sequence,
        batch=batch,
        checkpointing=checkpointing,
        optimizer=optimizer,
        double=double,
        train_bytes=train_bytes,
        training=training,
        logits=logits,
        completion=completion,
        generations=generations,
        reference=reference,
        reward_model=reward_model,
        adapter=adapter.folder if adapter else None,
    )
    cards = _cards(gpu)
    methods = [method] if method else list(memory.METHODS[1:] if adapter else memory.METHODS)
    plans = [_count(name, replace(plan, method=one), activations) for one in methods]
    found = {
        "model": model,
        "gpus": cards,
        "plans": plans,
        "smaller": _smaller(name, plan, plans, cards) if activations else {},
        "notes": _notes(name, plan, methods),
        "adapter": asdict(adapter) if adapter else None,
        "activations": activations,
    }
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        show(found)


def _adapter_and_base(model: str, base: str | None):
    """The model whose shapes are counted, and the adapter on it where ``model`` names one."""
    from lab_helpers.models.adapter_configs import adapter_folder, read_adapter
    from lab_helpers.runtime.errors import BadInput

    folder = adapter_folder(model)
    if folder is None:
        if base:
            raise BadInput(
                say(f"{model} is no adapter", f"{model} はアダプターではありません"),
                say(
                    "Leave out --base, which says where an adapter's model is.",
                    "--base はアダプターの元のモデルを示すものです。外してください。",
                ),
            )
        return model, None
    adapter = read_adapter(folder, base)
    return adapter.base, adapter


def _count(name: str, plan, activations: bool) -> dict:
    from lab_helpers.tuning import memory

    found = memory.fit(name, plan, activations)
    return found | {"logits": memory.logits_compared(name, plan) if activations else {}}


def _cards(gpu: str | None) -> dict[str, float]:
    """All known cards, or the one that was asked for."""
    from lab_helpers.runtime.errors import BadInput
    from lab_helpers.tuning.memory import GPUS

    if gpu is None:
        return dict(GPUS)
    folded = gpu.casefold().strip()
    for name, gib in GPUS.items():
        if name.casefold() == folded:
            return {name: gib}
    number = folded.removesuffix("gib").removesuffix("gb").strip()
    try:
        gib = float(number)
    except ValueError:
        gib = 0.0
    if not 0 < gib < 100_000:
        raise BadInput(
            say(f"unknown card '{gpu}'", f"「{gpu}」という GPU は登録されていません"),
            say(
                f"Use one of: {', '.join(GPUS)}, or its memory in GiB, such as --gpu 12.",
                f"{'、'.join(GPUS)} のいずれか、または --gpu 12 のように GiB 単位のメモリー量を指定してください。",
            ),
        )
    return {f"{gib:g} GiB": gib}


def _smaller(name: str, plan, plans: list[dict], cards: dict[str, float]) -> dict:
    """For each card that no plan fits: what to change of the leanest of them; ``None``: nothing helps."""
    from lab_helpers.tuning.memory import needed_gib
    from lab_helpers.tuning.smaller_plans import change_options, smallest_change

    found: dict[str, str | None] = {}
    for card, gib in cards.items():
        needed = [needed_gib(one["terms"], one["pageable"]) for one in plans]
        if min(needed) > gib:
            leanest = plans[needed.index(min(needed))]["plan"]["method"]
            change = smallest_change(name, replace(plan, method=leanest), gib)
            if change is not None and len(plans) > 1:
                change = {"method": leanest} | change
            found[card] = None if change is None else change_options(change)
    return found


def _notes(name: str, plan, methods: list[str]) -> list[str]:
    from lab_helpers.tuning.memory_notes import memory_notes

    notes = [str(note) for one in methods for note in memory_notes(name, replace(plan, method=one))]
    return list(dict.fromkeys(notes))
