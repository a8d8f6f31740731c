"""The pre-training loop: batches by number, AdamW, bf16 autocast where native, exact resume."""

import json
import math
import shutil
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import torch

from lab_helpers.models.kotori import architecture, batches, corpus, skills, tokenizer
from lab_helpers.runtime.allocator import keep_freed_memory
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import content_key, read_json, write_json
from lab_helpers.runtime.hardware import detect
from lab_helpers.runtime.language import say
from lab_helpers.runtime.precision import has_native_bf16

SETTINGS_FILE = Path(__file__).with_suffix(".toml")
LOG = "training_log.jsonl"
STATE = "state.safetensors"
_LOG_EVERY = 20


@dataclass(frozen=True)
class PretrainingSettings:
    """``pretraining.toml`` as an object; ``phases`` are its ``[[phase]]`` tables in order."""

    seed: int
    vocab_size: int
    tokenizer_documents: int
    learning_rate: float
    final_learning_rate: float
    warmup_steps: int
    weight_decay: float
    checkpoint_every: int
    watch_every: int
    phases: tuple[dict, ...]
    sizes: dict

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase["steps"] for phase in self.phases)

    def shape(self, step: int) -> batches.Shape:
        """The shape of batch ``step``."""
        for phase in self.phases:
            if step < phase["steps"]:
                return batches.Shape(**{k: v for k, v in phase.items() if k != "steps"})
            step -= phase["steps"]
        raise IndexError("the pre-training has no such step")

    def rate(self, step: int) -> float:
        """Learning rate of ``step``: linear warm-up, then half a cosine."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        cosine = (1 + math.cos(math.pi * done)) / 2
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * cosine


def read_settings(path: Path = SETTINGS_FILE, **changes) -> PretrainingSettings:
    """Settings from ``path``; ``changes`` override single values."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(
            say(f"no such file: {path}", f"ファイルがありません: {path}"),
            say(
                "Give a TOML file like pretraining.toml.",
                "pretraining.toml のような TOML ファイルを指定してください。",
            ),
        ) from None
    except ValueError as error:
        raise BadInput(
            say(
                f"{path.name} is not TOML: {error}",
                f"{path.name} は TOML として読めません: {error}",
            ),
            say("Mend that line.", "その行を直してください。"),
        ) from None
    phases = tuple(table.pop("phase", ()))
    sizes = table.pop("sizes", {})
    try:
        return PretrainingSettings(**(table | changes), phases=phases, sizes=sizes)
    except TypeError as error:
        raise BadInput(
            say(f"{path.name}: {error}", f"{path.name} の設定が正しくありません: {error}"),
            say(
                f"Compare with {SETTINGS_FILE.name}.", f"{SETTINGS_FILE.name} と見比べてください。"
            ),
        ) from None


def can_compile() -> bool:
    """Whether ``torch.compile`` has a C++ compiler to work with; a quarter faster on a CPU."""
    return any(shutil.which(name) for name in ("g++", "clang++"))


def prepare(folder: Path, settings: PretrainingSettings):
    """The tokenizer of a run, trained once and kept in ``folder/tokenizer``."""
    place = folder / "tokenizer"
    if not (place / "tokenizer.json").is_file():
        stream = corpus.documents(settings.seed)
        texts = (next(stream).text for _ in range(settings.tokenizer_documents))
        tokenizer.train(texts, settings.vocab_size).save_pretrained(place)
    return tokenizer.load(place)


def configuration(tokenizer, settings: PretrainingSettings):
    """The model's configuration for a tokenizer."""
    return architecture.config(
        len(tokenizer),
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **settings.sizes,
    )


class Pretraining:
    """A run in ``folder``: start or resume it with :meth:`run`; ``report`` gets every log row."""

    def __init__(self, folder: Path, settings: PretrainingSettings, report=lambda row: None):
        keep_freed_memory()
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.settings, self.report = folder, settings, report
        self._same_settings_as_before()
        self.tokenizer = prepare(folder, settings)
        hardware = detect()
        self.device = torch.device("cuda" if hardware.accelerator == "cuda" else "cpu")
        self.bf16 = has_native_bf16(hardware)
        shape = configuration(self.tokenizer, settings)
        self.model = architecture.build(shape, settings.seed).to(self.device)
        # On a CPU the plain attention's backward pass is much faster than the fused one's.
        self.model.set_attn_implementation("eager" if self.device.type == "cpu" else "sdpa")
        self.body = torch.compile(self.model.model) if can_compile() else self.model.model
        self.optimizers = self._optimizers()
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self._last_watched = -1
        self._resume()

    def run(self, until: int | None = None) -> None:
        """Train to step ``until`` (all by default), saving and watching on the way.

        Ctrl-C saves first; the same call goes on from there.
        """
        last = self.settings.steps if until is None else min(until, self.settings.steps)
        try:
            while self.step < last:
                self._watch_if_due()
                self._train_step()
                if self.step % self.settings.checkpoint_every == 0:
                    self.save()
            self._watch_if_due()
        finally:
            self.save()

    def _train_step(self) -> None:
        started = time.perf_counter()
        shape = self.settings.shape(self.step)
        ids, weights = batches.batch(self.step, self.settings.seed, shape, self.tokenizer)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.settings.rate(self.step)
        loss = self._loss(torch.from_numpy(ids), torch.from_numpy(weights))
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if not math.isfinite(float(norm)):
            raise BadInput(
                say(
                    f"the loss diverged at step {self.step}",
                    f"ステップ {self.step} で損失が発散しました",
                ),
                say("Lower learning_rate.", "learning_rate を下げてください。"),
            )
        for optimizer in self.optimizers:
            optimizer.step()
        self.model.zero_grad()
        self.step += 1
        self.tokens += ids.size
        self.seconds += time.perf_counter() - started
        if self.step % _LOG_EVERY == 0:
            self._log(loss=float(loss.detach()), learning_rate=self.settings.rate(self.step - 1))

    def _loss(self, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy by weight; logits only where the next token carries loss."""
        ids, weights = ids.to(self.device), weights[:, 1:].to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            hidden = self.body(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
            heard = weights > 0
            logits = self.model.lm_head(hidden[heard])
        losses = torch.nn.functional.cross_entropy(
            logits.float(), ids[:, 1:][heard], reduction="none"
        )
        return (losses * weights[heard]).sum() / weights.sum()

    def _optimizers(self):
        """Muon for the matrices between the layers, AdamW for embeddings, biases and norms.

        Muon (Jordan et al. 2024) takes a step of equal size in all directions of a matrix, so that
        rare directions, such as single facts, are learned sooner. Layer 0's queries and keys stay with
        AdamW: such steps would blur the heads that are written down there.
        """
        named = list(self.model.named_parameters())
        written = ("layers.0.self_attn.q_proj", "layers.0.self_attn.k_proj", "embed_tokens")
        matrices = [p for n, p in named if p.dim() == 2 and not any(w in n for w in written)]
        chosen = {id(p) for p in matrices}
        others = [p for _, p in named if id(p) not in chosen]
        return (
            torch.optim.Muon(
                matrices,
                lr=self.settings.learning_rate,
                weight_decay=self.settings.weight_decay,
                adjust_lr_fn="match_rms_adamw",
            ),
            torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
        )

    def _watch_if_due(self) -> None:
        if self.step % self.settings.watch_every and self.step != self.settings.steps:
            return
        if self._last_watched == self.step:
            return
        self.model.eval()
        self._log(**skills.watched(self.model, self.tokenizer))
        self.model.train()
        self._last_watched = self.step

    def _log(self, **row) -> None:
        row = {"step": self.step, "tokens": self.tokens, "seconds": round(self.seconds, 1), **row}
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        self.report(row)

    # --- save and resume ---------------------------------------------------------------------

    def _same_settings_as_before(self) -> None:
        """A run cannot change its settings half-way: it would be neither model."""
        key = content_key(str(self.settings), architecture.PREVIOUS_TOKEN_HEADS)
        kept = self.folder / "settings.json"
        if kept.is_file() and read_json(kept, {}).get("key") != key:
            raise BadInput(
                say(
                    f"{self.folder} holds a pre-training with other settings",
                    f"{self.folder} には別の設定での事前学習が入っています",
                ),
                say(
                    "Give another folder with --out, or delete this one.",
                    "--out で別のフォルダーを指定するか、このフォルダーを削除してください。",
                ),
            )
        write_json(kept, {"key": key, "settings": str(self.settings)})

    def save(self) -> None:
        """Weights and optimizer state in one safetensors file, replaced as a whole."""
        from safetensors.torch import save_file

        state = {f"model.{name}": p.detach() for name, p in self._named()}
        for name, parameter in self._named():
            for optimizer in self.optimizers:
                for key, value in optimizer.state.get(parameter, {}).items():
                    state[f"{key}.{name}"] = value
        progress = {"step": self.step, "tokens": self.tokens, "seconds": self.seconds}
        fresh = self.folder / (STATE + ".new")
        metadata = {"progress": json.dumps(progress)}
        save_file({k: v.contiguous().cpu() for k, v in state.items()}, fresh, metadata)
        fresh.replace(self.folder / STATE)

    def _resume(self) -> None:
        """Take up the saved state, if there is one; log rows after it are dropped."""
        from safetensors import safe_open

        path = self.folder / STATE
        if not path.is_file():
            (self.folder / LOG).unlink(missing_ok=True)
            return
        try:
            with safe_open(path, "pt") as saved:
                state = {name: saved.get_tensor(name) for name in saved.keys()}  # noqa: SIM118
                metadata = saved.metadata()
        except Exception as error:
            raise BadInput(
                say(f"{path} cannot be read ({error})", f"{path} を読み込めません（{error}）"),
                say(
                    "Delete it to start again from the beginning.",
                    "削除すると、最初からやり直せます。",
                ),
            ) from None
        owners = {
            p: optimizer
            for optimizer in self.optimizers
            for group in optimizer.param_groups
            for p in group["params"]
        }
        for name, parameter in self._named():
            parameter.data.copy_(state.pop(f"model.{name}"))
            kept = [key for key in state if key.endswith(f".{name}")]
            owners[parameter].state[parameter].update(
                {
                    key.removesuffix(f".{name}"): state[key].to(
                        "cpu" if key.startswith("step.") else parameter.device
                    )
                    for key in kept
                }
            )
        progress = json.loads(metadata["progress"])
        self.step, self.tokens, self.seconds = (
            progress["step"],
            progress["tokens"],
            progress["seconds"],
        )
        self._trim_log()

    def _trim_log(self) -> None:
        log = self.folder / LOG
        rows = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
        whole = [row for row in rows if row.endswith("}")]  # the last may be cut off
        kept = [row for row in whole if json.loads(row)["step"] <= self.step]
        watched = (json.loads(row) for row in kept if "repetition" in row)
        self._last_watched = max((row["step"] for row in watched), default=-1)
        log.write_text("".join(row + "\n" for row in kept), encoding="utf-8")

    def _named(self):
        return [(name, p) for name, p in self.model.named_parameters()]
