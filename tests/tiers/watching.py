"""What a lab holds while it runs: copies of the base's weights, and what each step asked for.

A copy is counted in elements of the base: parameters of every living model, each storage once, adapters
left out. A model that nobody can reach but the collector has not found yet is alive: its memory is gone
all the same. Samples are taken at every load, at the start and end of every training, at every
generation and at every other pass.
"""

import contextlib
import functools
import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from unittest import mock

import torch
from pretended_cuda import LEDGER, device_of

STEPS, ROWS, NEW_TOKENS = 1, 2, 3
TRAINED_ROWS = 1
"""How far trainings and replies go, and with how many rows at once. What was asked for is written down."""


MODELS: weakref.WeakSet = weakref.WeakSet()
"""Every model of transformers that is alive, however it came to be."""


def note_models() -> None:
    """From here on :data:`MODELS` is kept; for good, as Python does not forget a ``__new__``."""
    from transformers import PreTrainedModel

    if "__new__" in vars(PreTrainedModel):
        return

    def new(kind, *args, **kwargs):
        model = object.__new__(kind)
        MODELS.add(model)  # deepcopy and pickle come here as well
        return model

    PreTrainedModel.__new__ = new


@dataclass
class Base:
    """The shapes of the tiny model that stands in for the real one."""

    kind: type
    body: type
    roles: dict[int, str]
    elements: dict[str, int]
    sides: int

    @classmethod
    def of(cls, model) -> "Base":
        roles, elements, sides = {}, {"linear": 0, "embedding": 0}, 0
        for parameter in model.parameters():
            if parameter.ndim == 2:
                is_word = parameter.shape[0] == model.config.vocab_size
                role = "embedding" if is_word else "linear"
                roles[parameter.numel()] = role
                elements[role] += parameter.numel()
                sides += sum(parameter.shape) if role == "linear" else 0
        return cls(type(model), type(model.base_model), roles, elements, sides)

    @property
    def total(self) -> int:
        return sum(self.elements.values())


@dataclass
class Watch:
    """Samples of one lab: ``rows`` are plain dicts, ready for JSON."""

    base: Base
    collect: bool = False
    rows: list[dict] = field(default_factory=list)
    busy: int = 0

    def sample(self, what: str, **asked) -> None:
        """What is alive now, and what is asked for next."""
        if self.collect:
            gc.collect()
        held = self.weights()
        peak = LEDGER.take_peaks()
        self.rows.append({"what": what, "where": _cell(), "asked": asked, "before": peak} | held)

    def weights(self) -> dict:
        """Copies in elements, 4-bit ones among them, and bytes by place: ``models`` and ``loose`` ones.

        ``loose`` are tensors of the size of one of the base's matrices that belong to no living model;
        ``rest`` is what else lies on the card: adapters, and gradients and states of trainings past.
        """
        seen: set[int] = set()
        elements, four_bit = 0, False
        held: dict[str, int] = {}
        for model in list(MODELS):
            for name, parameter in model.named_parameters():
                if parameter.is_meta:
                    continue  # a model that only counts
                storage = parameter.untyped_storage()
                if storage._cdata in seen or "lora_" in name or parameter.ndim < 2:
                    continue
                seen.add(storage._cdata)
                state = getattr(parameter, "quant_state", None)
                size = parameter.numel() if state is None else state.shape.numel()
                role = self.base.roles.get(size)
                if role is None:
                    continue  # an encoder, a head
                elements, four_bit = elements + size, four_bit or state is not None
                place = f"{device_of(parameter).type} {role}"
                held[place] = held.get(place, 0) + storage.nbytes() + _scales(state)
        loose = {
            place: size - held.get(place, 0)
            for place, size in LEDGER.by_role.items()
            if size > held.get(place, 0)
        }
        in_roles = sum(size for place, size in LEDGER.by_role.items() if place.startswith("cuda"))
        return {
            "rest": max(0, LEDGER.live["cuda"] - LEDGER.words["cuda"] - in_roles),
            "copies": elements / self.base.total,
            "four_bit": four_bit,
            "models": held,
            "loose": loose,
        }

    # --- where samples are taken ------------------------------------------------------------------

    def patches(self) -> list[tuple[object, str, Callable]]:
        from transformers import GenerationMixin, PreTrainedModel, Trainer

        return [
            (PreTrainedModel, "from_pretrained", classmethod(self._loading(PreTrainedModel.from_pretrained))),
            (Trainer, "train", self._training(Trainer.train)),
            (GenerationMixin, "generate", self._writing(GenerationMixin.generate)),
            (self.base.kind, "forward", self._passing(self.base.kind.forward)),
            (self.base.body, "forward", self._passing(self.base.body.forward, words=False)),
        ]  # fmt: skip

    def _loading(self, original):
        load = original.__func__

        @functools.wraps(load)
        def from_pretrained(kind, *args, **kwargs):
            self.sample("before loading")
            model = load(kind, *args, **kwargs)
            self.sample("loaded")
            return model

        return from_pretrained

    def _training(self, original):
        @functools.wraps(original)
        def train(trainer, *args, **kwargs):
            settings = trainer.args
            self.sample("train", **_asked_of(trainer))
            settings.max_steps, settings.logging_steps = STEPS, 1
            for name in ("per_device_train_batch_size", "gradient_accumulation_steps"):
                setattr(settings, name, min(TRAINED_ROWS, getattr(settings, name)))
            self.busy += 1
            try:
                return original(trainer, *args, **kwargs)
            finally:
                self.busy -= 1
                self.sample("trained")

        return train

    def _writing(self, original):
        @functools.wraps(original)
        def generate(model, *args, **kwargs):
            ids = kwargs["input_ids"]
            wanted = kwargs["max_new_tokens"]
            self.sample("generate", rows=len(ids), length=ids.shape[1] + wanted, scored=wanted)
            self.busy += 1
            try:
                kwargs["max_new_tokens"] = min(wanted, NEW_TOKENS)
                kwargs |= {name: kwargs[name][:ROWS] for name in ("input_ids", "attention_mask")}
                written = original(model, *args, **kwargs)
                return written[torch.arange(len(ids), device=written.device) % len(written)]
            finally:
                self.busy -= 1

        return generate

    def _passing(self, original, words: bool = True):
        """A pass of the model, or of its body alone, which makes no logits."""

        @functools.wraps(original)
        def forward(model, *args, **kwargs):
            ids = kwargs.get("input_ids", args[0] if args else None)
            if self.busy or ids is None or ids.is_meta:
                return original(model, *args, **kwargs)
            keep = kwargs.get("logits_to_keep") or ids.shape[1]
            self.sample(
                "pass",
                rows=len(ids),
                length=ids.shape[1],
                kept=0 if not words else keep if isinstance(keep, int) else len(keep),
                gradients=torch.is_grad_enabled(),
            )
            self.busy += 1
            try:
                if _may_be_cut(args, kwargs):
                    return _first_rows(original, model, kwargs)
                return original(model, *args, **kwargs)
            finally:
                self.busy -= 1

        return forward


def _may_be_cut(args, kwargs) -> bool:
    """Whether the rows of a pass do not know of each other, and nobody wants their gradients."""
    alone = not args and kwargs.get("labels") is None and kwargs.get("past_key_values") is None
    return alone and not torch.is_grad_enabled() and len(kwargs["input_ids"]) > ROWS


def _first_rows(forward, model, kwargs):
    """The pass of the first rows; what the others would have given has its place, with other numbers."""
    count = len(kwargs["input_ids"])

    def cut(value):
        return value[:ROWS] if isinstance(value, torch.Tensor) and value.ndim and len(value) == count else value  # fmt: skip

    found = forward(model, **{name: cut(value) for name, value in kwargs.items()})
    name = "logits" if "logits" in found else "last_hidden_state"
    again = torch.arange(count, device=found[name].device) % ROWS
    found[name] = found[name][again]
    found["past_key_values"] = None
    return found


def _cell() -> str:
    """The cell that is running."""
    frame = sys._getframe()
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<") and " cell " in name:
            return name.strip("<>")
        frame = frame.f_back
    return ""


def _scales(state) -> int:
    """Bytes of what lies beside a 4-bit weight."""
    if state is None:
        return 0
    tensors = [state.absmax] + ([state.state2.absmax, state.offset] if state.nested else [])
    return sum(t.numel() * t.element_size() for t in tensors)


def _asked_of(trainer) -> dict:
    """What decides the memory of a training: method, loss, rows at once and the longest of them."""
    from peft import PeftModel
    from trl import DPOTrainer

    model, settings = trainer.model, trainer.args
    config = next(iter(model.peft_config.values())) if isinstance(model, PeftModel) else None
    modules = model.modules()
    four_bit = any(type(module).__name__ == "Linear4bit" for module in modules)
    dpo = isinstance(trainer, DPOTrainer)
    return {
        "method": "full" if config is None else "qlora" if four_bit else "lora",
        "r": None if config is None else config.r,
        "targets": None if config is None else sorted(config.target_modules),
        "training": "dpo" if dpo else "sft",
        "batch": settings.per_device_train_batch_size,
        "longest": _longest(trainer.train_dataset),
        "limit": settings.max_length,
        "checkpointing": _checkpoints(settings),
        "reference": dpo and trainer.ref_model is not None,
        "optimizer": str(getattr(settings.optim, "value", settings.optim)),
        "autocast": "fp16" if settings.fp16 else "bf16" if settings.bf16 else None,
        "devices": settings.n_gpu,
        "trained_dtypes": sorted({str(p.dtype) for p in model.parameters() if p.requires_grad}),
    }


def _checkpoints(settings) -> bool:
    new = getattr(settings, "activation_checkpointing", None)
    return bool(settings.gradient_checkpointing if new is None else new)


def _longest(rows) -> int:
    """Tokens of the longest row, before the collator cuts it."""
    longest = 0
    for row in rows:
        if "input_ids" in row:
            size = len(row["input_ids"])
        else:
            ends = [row[name] for name in ("chosen_ids", "rejected_ids", "chosen_input_ids", "rejected_input_ids") if name in row]  # fmt: skip
            size = len(row["prompt_ids"] if "prompt_ids" in row else row["prompt_input_ids"]) + max(map(len, ends))  # fmt: skip
        longest = max(longest, size)
    return longest


@contextlib.contextmanager
def watching(base: Base, collect: bool = False) -> Iterator[Watch]:
    """While inside, everything that loads, trains, writes or reads is sampled.

    Python's collector is off: what is freed is freed by its last reference, or by a collection that the
    labs themselves ask for. With ``collect`` it runs before each sample.
    """
    note_models()
    watch = Watch(base, collect)
    LEDGER.roles = base.roles
    enabled = gc.isenabled()
    gc.disable()
    gc.freeze()  # what was there before is not gone through at every load
    with contextlib.ExitStack() as stack:
        for owner, name, value in watch.patches():
            stack.enter_context(mock.patch.object(owner, name, value))
        try:
            yield watch
        finally:
            gc.unfreeze()
            if enabled:
                gc.enable()
