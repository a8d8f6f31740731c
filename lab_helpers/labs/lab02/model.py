"""Lab 02: the model whose matrices are studied."""

from lab_helpers.course.record import Run
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def load_model_to_tune(run: Run):
    """A model in float32 and its tokenizer; small enough that all of it can be tuned on the machine too.

    The lab's table names it, since the profile's own may not fit with 16 bytes a weight. The lab writes the layers'
    names, Llama's, into its cells: a model that calls them otherwise is a :class:`BadInput`.
    """
    import torch

    name = run.model or run.settings["language_model"]
    model, tokenizer = load_language_model(name, dtype=torch.float32)
    found = {path.rpartition(".")[2] for path, _ in model.named_modules()}
    missing = [target for target in TARGETS if target not in found]
    if missing:
        raise BadInput(
            say(
                f"'{name}' has no layer called {missing[0]}",
                f"「{name}」には {missing[0]} という名前の層がありません",
            ),
            say(
                "Use a model of the Llama or Qwen kind, or the profile's own (leave --model out).",
                "Llama や Qwen と同じ層の名前を持つモデルを使うか、--model を外してください。",
            ),
        )
    return model, tokenizer
