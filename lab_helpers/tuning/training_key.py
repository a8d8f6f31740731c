"""What decides a training's result, as one short key: base, rows, settings, code of the learner's own, versions."""

import functools
import hashlib
import json
import types
from importlib import metadata

_VERSIONS = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "datasets")
_LIBRARIES = {"torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "datasets"}
# Where a training writes, what it calls itself and whom it tells change nothing about its weights.
_SETTINGS_LEFT_OUT = {
    "output_dir",
    "logging_dir",
    "run_name",
    "disable_tqdm",
    "report_to",
    "project",
}
_SETTINGS_LEFT_OUT |= {"push_to_hub", "trackio_space_id", "trackio_bucket_id"}
_PARTS_OF_A_TRAINER = ("data_collator", "compute_loss_func", "compute_metrics", "reward_funcs")
# Deep enough for a collator that the learner wraps: function, what it holds, collator, its settings.
_DEEPEST = 6


class NoKey(Exception):
    """The training has rows that cannot be read twice; it cannot be remembered."""


def training_key(trainer) -> str:
    """Sixteen hex digits that change with anything that changes the result of ``trainer.train()``.

    Raises :class:`NoKey` for rows that are a stream, or of a kind that cannot be hashed.
    """
    parts = {
        "trainer": _describe_type(type(trainer)),
        "base": digest_of_weights(trainer.model),
        "trains": sorted(n for n, p in trainer.model.named_parameters() if p.requires_grad),
        "adapters": _adapters(trainer.model),
        "modules": _own_modules(trainer.model),
        "reference": _reference(trainer),
        "rows": digest_of_rows(trainer.train_dataset),
        "evaluation": digest_of_rows(trainer.eval_dataset) if trainer.eval_dataset else None,
        "settings": _settings(trainer.args),
        "device": str(trainer.args.device.type),
        "parts": {name: describe(getattr(trainer, name, None)) for name in _PARTS_OF_A_TRAINER},
        "callbacks": [describe(c) for c in trainer.callback_handler.callbacks if not _of_library(type(c))],
        "versions": {name: _version(name) for name in _VERSIONS},
    }  # fmt: skip
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest_of_weights(model) -> str:
    """SHA-256 of every tensor of the model, frozen and trainable, with its name, kind and shape."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        if hasattr(tensor, "detach"):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor_bytes(tensor))
        else:
            digest.update(f"{name} {tensor}".encode())
    return digest.hexdigest()


def tensor_bytes(tensor) -> memoryview:
    """The numbers of a tensor of any kind, as they lie in memory."""
    import torch

    plain = tensor.detach().cpu().contiguous().reshape(-1)
    return memoryview(plain.view(torch.uint8).numpy()) if plain.numel() else memoryview(b"")


def digest_of_rows(dataset) -> str:
    """SHA-256 of all rows of a ``datasets.Dataset`` in their order, or of a dict of some."""
    if isinstance(dataset, dict):
        return "".join(f"{name}:{digest_of_rows(rows)}" for name, rows in sorted(dataset.items()))
    from datasets import Dataset

    if not isinstance(dataset, Dataset):
        raise NoKey
    import pyarrow

    table = dataset.with_format("arrow")[:].combine_chunks().replace_schema_metadata(None)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _settings(args) -> dict:
    return {
        name: value
        for name, value in args.to_dict().items()
        if name not in _SETTINGS_LEFT_OUT and not name.startswith(("save_", "hub_", "_"))
    }


def _adapters(model) -> dict:
    configs = getattr(model, "peft_config", {})
    return {name: describe(vars(config)) for name, config in configs.items()}


def _reference(trainer) -> str | None:
    model = getattr(trainer, "ref_model", None)
    return digest_of_weights(model) if model is not None else None


def _own_modules(model) -> list:
    """The code of layers that the learner wrote: the same weights under another ``forward`` learn otherwise."""
    kinds = {type(module) for module in model.modules()}
    return sorted(str(_describe_type(kind)) for kind in kinds if not _of_library(kind))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


# --- code and objects -----------------------------------------------------------------------------


def describe(thing, depth: int = _DEEPEST):
    """Something JSON can hold that changes with the code or the plain attributes of ``thing``.

    Of a library's objects the type and the attributes count; of the learner's functions and classes
    the code as well.
    """
    if thing is None or isinstance(thing, (str, int, float, bool)):
        return thing
    if depth == 0:
        return _name(type(thing))
    below = depth - 1
    if isinstance(thing, (list, tuple)):
        return [describe(item, below) for item in thing]
    if isinstance(thing, (set, frozenset)):
        return sorted(str(describe(item, below)) for item in thing)
    if isinstance(thing, dict):
        return {str(key): describe(value, below) for key, value in thing.items()}
    if isinstance(thing, type):
        return _describe_type(thing)
    if isinstance(thing, functools.partial):
        return [describe(thing.func, below), describe(thing.args, below), describe(thing.keywords, below)]  # fmt: skip
    if isinstance(thing, types.MethodType):
        return [describe(thing.__func__, below), describe(thing.__self__, below)]
    if isinstance(thing, types.FunctionType):
        held = [cell.cell_contents for cell in thing.__closure__ or ()]
        return [_name(thing), _code(thing.__code__), describe(held, below)]
    if hasattr(thing, "get_vocab"):  # a tokenizer: its attributes are many and change with use
        return [_name(type(thing)), thing.pad_token_id, thing.eos_token_id, getattr(thing, "chat_template", None)]  # fmt: skip
    if hasattr(thing, "state_dict"):
        return [_name(type(thing)), digest_of_weights(thing)]
    attributes = {k: v for k, v in vars(thing).items() if not k.startswith("_")} if hasattr(thing, "__dict__") else {}  # fmt: skip
    return [_describe_type(type(thing)), describe(attributes, below)]


def _describe_type(kind: type) -> list:
    """The names of a class and its bases; of those that are no library's the code of their methods too."""
    return [
        [_name(base), {} if _of_library(base) else _methods(base)]
        for base in kind.__mro__
        if base is not object
    ]


def _methods(kind: type) -> dict:
    code = (getattr(value, "__code__", None) for value in vars(kind).values())
    return {name: _code(c) for name, c in zip(vars(kind), code, strict=True) if c is not None}


def _code(code: types.CodeType) -> str:
    """A digest of what a function does, wherever it stands in its file."""
    digest = hashlib.sha256(code.co_code)
    for constant in code.co_consts:
        text = _code(constant) if isinstance(constant, types.CodeType) else repr(constant)
        digest.update(text.encode())
    digest.update(repr((code.co_names, code.co_varnames)).encode())
    return digest.hexdigest()


def _of_library(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in _LIBRARIES | {"builtins", "abc", "typing"}


def _name(kind) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
