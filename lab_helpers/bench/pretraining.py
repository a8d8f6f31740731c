"""``labs pretrain``: settings, a progress bar with loss and throughput; export and pictures at the end."""

from pathlib import Path

import numpy as np
import torch

from lab_helpers.figures import pretraining as pictures
from lab_helpers.models.kotori import architecture
from lab_helpers.models.kotori.export import CURVE
from lab_helpers.models.kotori.export import export as export_model
from lab_helpers.models.kotori.pretraining import SETTINGS_FILE, Pretraining, read_settings
from lab_helpers.models.kotori.tokenizer import load
from lab_helpers.runtime.files import read_json

EXAMPLE = "A red fish, a blue bird, an old dog; a red fish, a blue bird, an old dog"


def pretrain(out: Path, settings: Path | None, until: int | None, export: Path | None, console):
    """Start or resume the pre-training in ``out`` and show how it goes on ``console``."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    read = read_settings(settings or SETTINGS_FILE)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("tokenizer and first batch", total=read.steps)

        def show(row: dict) -> None:
            rate = row["tokens"] / row["seconds"] if row["seconds"] else 0
            if "loss" in row:
                text = f"loss {row['loss']:.2f}, {rate:,.0f} tokens/s"
                progress.update(task, completed=row["step"], description=text)
            else:
                console.print(watched_line(row))

        run = Pretraining(out, read, show)
        progress.update(task, completed=run.step)
        run.run(until)
    if export and run.step == read.steps:
        console.print(f"sha256 {export_model(out, export, read)}")
        draw(export)


def watched_line(row: dict) -> str:
    """One line of the watched skills."""
    counters = ("step", "tokens", "seconds")
    skills = ", ".join(f"{name} {value:.2f}" for name, value in row.items() if name not in counters)
    return f"step {row['step']}: {skills}"


def draw(folder: Path) -> None:
    """The model card's two pictures, from the exported curve and from a fresh initialisation."""
    curve = read_json(folder / CURVE, {})
    pictures.training_curve(curve).savefig(folder / "training_curve.png", dpi=110)
    previous, induction, tokens = first_attention(folder)
    figure = pictures.induction_head(previous, induction, tokens)
    figure.savefig(folder / "induction_head.png", dpi=110)


@torch.inference_mode()
def first_attention(folder: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Attention (n, n) of the untrained model's first head in layers 0 and 1 on :data:`EXAMPLE`."""
    from transformers import AutoConfig

    words = load(folder)
    model = architecture.build(AutoConfig.from_pretrained(folder), seed=0)
    model.set_attn_implementation("eager")
    ids = words(EXAMPLE, return_tensors="pt")["input_ids"]
    attentions = model(input_ids=ids, output_attentions=True).attentions
    tokens = [words.decode([i]) for i in ids[0]]
    return attentions[0][0, 0].numpy(), attentions[1][0, 0].numpy(), tokens
