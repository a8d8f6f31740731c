"""What belongs to a finished pre-training: the exported model and the pictures of its card."""

from pathlib import Path

import numpy as np
import torch

from lab_helpers.figures import pretraining as pictures
from lab_helpers.models.kotori import architecture
from lab_helpers.models.kotori.export import CURVE, export
from lab_helpers.models.kotori.pretraining import PretrainingSettings
from lab_helpers.models.kotori.tokenizer import load
from lab_helpers.runtime.files import read_json

EXAMPLE = "A red fish, a blue bird, an old dog; a red fish, a blue bird, an old dog"


def export_with_pictures(run_folder: Path, folder: Path, settings: PretrainingSettings) -> str:
    """Write the finished model of ``run_folder`` and its card's pictures; the weights' sha256."""
    digest = export(run_folder, folder, settings)
    draw_pictures(folder)
    return digest


def draw_pictures(folder: Path) -> None:
    """The model card's two pictures, from the exported curve and from a fresh initialisation."""
    curve = read_json(folder / CURVE, {})
    pictures.training_curve(curve).savefig(folder / "training_curve.png", dpi=110)
    previous, induction, tokens = measure_first_attention(folder)
    figure = pictures.induction_head(previous, induction, tokens)
    figure.savefig(folder / "induction_head.png", dpi=110)


@torch.inference_mode()
def measure_first_attention(folder: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Attention (n, n) of the untrained model's first head in layers 0 and 1 on :data:`EXAMPLE`."""
    from transformers import AutoConfig

    words = load(folder)
    model = architecture.build(AutoConfig.from_pretrained(folder), seed=0)
    model.set_attn_implementation("eager")
    ids = words(EXAMPLE, return_tensors="pt")["input_ids"]
    attentions = model(input_ids=ids, output_attentions=True).attentions
    tokens = [words.decode([i]) for i in ids[0]]
    return attentions[0][0, 0].numpy(), attentions[1][0, 0].numpy(), tokens
