"""A model's configuration by name, file, folder or hub; what holds none is told in one sentence."""

import difflib
from pathlib import Path

from lab_helpers.models.known_shapes import ALSO_KNOWN, KNOWN
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

SHAPES = KNOWN | ALSO_KNOWN
SHIPPED = ("kotori", "smollm2")
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")


def read_config(model: str):
    """The configuration called ``model``; transformers' own class of it.

    A name in ``KNOWN`` or ``ALSO_KNOWN`` (any case), ``kotori``, ``smollm2``, a ``config.json``, a folder
    with one, or a hub name. Everything else is a :class:`BadInput`, a hub that does not answer a
    :class:`MissingDependency`.
    """
    import transformers

    known = {name.casefold(): name for name in SHAPES}.get(model.casefold().strip())
    if known:
        class_name, values = SHAPES[known]
        return getattr(transformers, class_name)(**values)
    path = Path(model).expanduser()
    if path.is_file():
        return _read_file(path)
    if path.is_dir():
        _check_folder(path)
    return _read_folder_or_hub(model)


def _read_folder_or_hub(model: str):
    from transformers import AutoConfig

    from lab_helpers.models.hub.names import is_hub_name
    from lab_helpers.models.language_models import language_model_source
    from lab_helpers.models.sources import local_model, plain_loading_errors, quiet_loading

    if model not in SHIPPED and not Path(model).expanduser().is_dir() and not is_hub_name(model):
        raise _unknown(model)
    source = language_model_source(model)
    with plain_loading_errors(model), quiet_loading():
        return AutoConfig.from_pretrained(local_model(source, "config"), trust_remote_code=False)


def _unknown(model: str) -> BadInput:
    names = [*SHAPES, *SHIPPED]
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(model.casefold(), folded, n=1, cutoff=0.75)
    meant = folded[near[0]] if near else ""
    en = f"Did you mean {meant}? " if meant else ""
    ja = f"「{meant}」のことでしょうか。" if meant else ""
    return BadInput(
        say(f"unknown model '{model}'", f"「{model}」というモデルは見つかりません"),
        say(
            f"{en}Use one of: {', '.join(names)}, a config.json, a folder with one, or a hub name.",
            f"{ja}{'、'.join(names)}、config.json、それを含むフォルダー、またはハブのモデル名を指定してください。",
        ),
    )


def _read_file(path: Path):
    from transformers import AutoConfig

    from lab_helpers.models.sources import quiet_loading

    if path.suffix.lower() == ".gguf":
        raise _refuse_gguf(path)
    if path.suffix.lower() in _WEIGHTS:
        raise BadInput(
            say(f"{path.name} is a file of weights", f"{path.name} は重みのファイルです"),
            say(
                f"Give the folder it lies in ({path.parent}), or the config.json there.",
                f"そのフォルダー（{path.parent}）か、そこにある config.json を指定してください。",
            ),
        )
    try:
        with quiet_loading():
            return AutoConfig.from_pretrained(path, trust_remote_code=False)
    except Exception as error:  # JSON, types and names each fail in their own way
        raise BadInput(
            say(
                f"{path.name} is no model's config.json ({short(error)})",
                f"{path.name} はモデルの config.json ではありません（{short(error)}）",
            ),
            say(
                "Give the config.json that lies beside a model's weights.",
                "モデルの重みと同じ場所にある config.json を指定してください。",
            ),
        ) from None


def _check_folder(folder: Path) -> None:
    """:class:`BadInput` for a folder that is something else than a language model's."""
    if (folder / "modules.json").is_file():
        raise BadInput(
            say(
                f"{folder} is a sentence-transformers encoder, which does not continue text",
                f"{folder} は文の続きを生成しない sentence-transformers のエンコーダーです",
            ),
            say(
                "Give a causal language model, such as Llama, Gemma or Qwen.",
                "Llama、Gemma、Qwen などの因果言語モデルを指定してください。",
            ),
        )
    if (folder / "config.json").is_file():
        return
    gguf = sorted(folder.glob("*.gguf"))
    if gguf:
        raise _refuse_gguf(gguf[0])
    checkpoints = [path for path in folder.glob("checkpoint-*") if path.is_dir()]
    if checkpoints:
        last = max(checkpoints, key=lambda path: path.stat().st_mtime)
        raise BadInput(
            say(
                f"{folder} holds no config.json, but checkpoints",
                f"{folder} にあるのは config.json ではなくチェックポイントです",
            ),
            say(f"Give one of them, such as {last}.", f"{last} などを指定してください。"),
        )
    raise BadInput(
        say(f"{folder} holds no config.json", f"{folder} に config.json がありません"),
        say(
            "Give a folder saved with save_pretrained(), of a model or of an adapter.",
            "モデルまたはアダプターを save_pretrained() で保存したフォルダーを指定してください。",
        ),
    )


def _refuse_gguf(path: Path) -> BadInput:
    return BadInput(
        say(
            f"{path.name} is a GGUF file, which is for running a model, not for training it",
            f"{path.name} は GGUF ファイルで、学習ではなく実行のための形式です",
        ),
        say(
            "Give the model that it was made from: its folder, its config.json, or its hub name.",
            "変換元のモデルのフォルダー、config.json、またはハブのモデル名を指定してください。",
        ),
    )


def writes_text(config, model: str):
    """``config``, or its text part; an encoder's or another model's is a :class:`BadInput`."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING

    try:
        text = config.get_text_config()
    except ValueError:  # a model of music or speech has several texts
        raise _writes_no_text(model, config.model_type) from None
    if type(text) in MODEL_FOR_CAUSAL_LM_MAPPING or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        config = text
    encoder = type(config) in MODEL_FOR_MASKED_LM_MAPPING and not getattr(config, "is_decoder", 0)
    translates = getattr(config, "is_encoder_decoder", False)
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING or encoder or translates:
        raise _writes_no_text(model, config.model_type)
    return config


def _writes_no_text(model: str, kind: str) -> BadInput:
    return BadInput(
        say(
            f"'{model}' is a {kind} model, which does not continue text",
            f"「{model}」は {kind} のモデルで、文の続きを生成しません",
        ),
        say(
            "Give a causal language model, such as Llama, Gemma or Qwen.",
            "Llama、Gemma、Qwen などの因果言語モデルを指定してください。",
        ),
    )


def short(error: Exception) -> str:
    """An error's message on one line, cut to what a terminal shows."""
    return " ".join(str(error).split())[:140] or type(error).__name__
