"""``labs fit MODEL``: what a fine-tuning needs in memory, term by term, and on which GPU it fits."""

import json
from dataclasses import replace
from typing import Annotated

import typer

from lab_helpers.cli.options import AsJson, Language, speak


def fit(
    model: Annotated[
        str,
        typer.Argument(
            help="A known name ('Llama 3 8B'), a config.json, a folder with one, a hub name."
        ),
    ],
    method: Annotated[
        str | None, typer.Option(help="full, lora or qlora; all three when left out.")
    ] = None,
    rank: Annotated[int, typer.Option(help="Rank of the adapter.")] = 16,
    targets: Annotated[
        str, typer.Option(help="'q, v', 'q, k, v, o', 'MLP' or 'all linear'.")
    ] = "all linear",
    sequence: Annotated[int, typer.Option(help="Tokens of one example.")] = 512,
    batch: Annotated[int, typer.Option(help="Examples at a time.")] = 1,
    optimizer: Annotated[
        str, typer.Option(help="adamw, adamw_8bit or paged_adamw_8bit.")
    ] = "adamw",
    checkpointing: Annotated[
        bool, typer.Option(help="Gradient checkpointing: less memory, more time.")
    ] = True,
    double: Annotated[bool, typer.Option(help="Double quantization of the 4-bit scales.")] = True,
    train_bytes: Annotated[
        int, typer.Option(help="Bytes of a number that trains: 4, or 2 for bf16.")
    ] = 4,
    as_json: AsJson = False,
    lang: Language = None,
) -> None:
    """What full fine-tuning, LoRA and QLoRA need in memory, and on which GPU they fit. No weight is loaded."""
    from lab_helpers.tuning import memory

    speak(lang)
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
    )
    methods = [method] if method else list(memory.METHODS)
    plans = [memory.fit(model, replace(plan, method=name)) for name in methods]
    if as_json:
        print(json.dumps({"model": model, "gpus": memory.GPUS, "plans": plans}, ensure_ascii=False))
        return
    _show(model, plans)


def _show(model: str, plans: list[dict]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from lab_helpers.figures.quantization import term_names
    from lab_helpers.runtime.language import say
    from lab_helpers.tuning import memory

    table = Table(
        title=escape(f"{model}: {plans[0]['parameters']:,} ") + say("parameters", "パラメータ")
    )
    table.add_column("GiB")
    for plan in plans:
        table.add_column(plan["plan"]["method"], justify="right")
    for term, name in term_names().items():
        if any(plan["terms"][term] for plan in plans):
            sizes = [plan["terms"][term] / memory.GIB for plan in plans]
            table.add_row(name, *(f"{size:.3f}" if size else "-" for size in sizes))
    table.add_section()
    table.add_row(say("together", "合計"), *(f"[bold]{plan['gib']:.2f}[/]" for plan in plans))
    if any(plan["pageable"] for plan in plans):
        moved = (f"{plan['pageable'] / memory.GIB:.3f}" for plan in plans)
        table.add_row(say("of it pageable", "うちページ化できる分"), *moved)
    table.add_section()
    for gpu, gib in memory.GPUS.items():
        answers = (say("[green]fits[/]", "[green]載る[/]") if p["fits"][gpu] else say("no", "不可") for p in plans)  # fmt: skip
        table.add_row(f"{gpu} ({gib:g})", *answers)
    screen = Console()
    screen.print(table)
    settings = plans[0]["plan"]
    screen.print(
        f"r={settings['r']}, {settings['targets']}, {settings['batch']} × {settings['sequence']} "
        + say("tokens", "トークン")
        + f", {settings['optimizer']}, checkpointing={settings['checkpointing']}"
    )
    screen.print(say(f"Not counted: {memory.NOT_COUNTED}.", memory.NOT_COUNTED_JA))
