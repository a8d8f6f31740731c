"""From a finished pre-training to the files that are shipped: bf16 weights, tokenizer, curve."""

import json
from pathlib import Path

from lab_helpers.models.kotori import architecture, pretraining, tokenizer
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import read_json, sha256_of, write_json
from lab_helpers.runtime.language import say

CURVE = "training_curve.json"


def trained_model(run_folder: Path, settings: pretraining.PretrainingSettings | None = None):
    """The float32 model and tokenizer of a pre-training's last checkpoint.

    ``settings`` are the run's own, by default those of the package.
    """
    from safetensors import safe_open

    state = run_folder / pretraining.STATE
    if not state.is_file():
        raise BadInput(
            say(
                f"{run_folder} holds no pre-training", f"{run_folder} に事前学習の結果がありません"
            ),
            say("Run labs pretrain first.", "先に labs pretrain を実行してください。"),
        )
    words = tokenizer.load(run_folder / "tokenizer")
    settings = settings or pretraining.read_settings()
    model = architecture.build(pretraining.configuration(words, settings), settings.seed)
    with safe_open(state, "pt") as saved:
        for name, parameter in model.named_parameters():
            parameter.data.copy_(saved.get_tensor(f"model.{name}"))
    return model.eval(), words


def export(
    run_folder: Path, out: Path, settings: pretraining.PretrainingSettings | None = None
) -> str:
    """Write what ``AutoModelForCausalLM.from_pretrained(out)`` needs; the weights' sha256.

    Also the training curve as JSON. The model card is written by hand and left alone.
    """
    import torch
    from transformers import GenerationConfig

    model, words = trained_model(run_folder, settings)
    model.to(torch.bfloat16)
    model.generation_config = GenerationConfig(
        eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id, max_new_tokens=96
    )
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    words.save_pretrained(out)
    _without_traces_of_loading(out / "tokenizer_config.json")
    rows = [json.loads(line) for line in (run_folder / pretraining.LOG).open(encoding="utf-8")]
    write_json(out / CURVE, curve(rows))
    return sha256_of(out / "model.safetensors")


def _without_traces_of_loading(path: Path) -> None:
    """transformers notes how a tokenizer was loaded among its settings; that is no setting."""
    settings = read_json(path, {})
    write_json(
        path, {k: v for k, v in settings.items() if k not in ("is_local", "local_files_only")}
    )


def curve(rows: list[dict]) -> dict:
    """The log as columns: losses by step, and the watched skills by step."""
    losses = [row for row in rows if "loss" in row]
    skills = [row for row in rows if "repetition" in row]
    return {
        "loss": {
            key: [row[key] for row in losses] for key in ("step", "tokens", "seconds", "loss")
        },
        "skills": {key: [row[key] for row in skills] for key in (skills[0] if skills else ())},
    }
