"""Trainings are remembered: run again, what is finished is loaded and what was broken off goes on.

A finished training is a folder ``KEY/`` with the tensors that changed (safetensors) and how it went
(JSON); one that is going on is ``KEY.partial/`` with the newest checkpoint. The key
(:mod:`~lab_helpers.tuning.training_key`) changes with anything that changes the result.
"""

import copy
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab_helpers.runtime.errors import LabError
from lab_helpers.runtime.files import read_json, sha256_of
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import writable
from lab_helpers.runtime.progress import note, report
from lab_helpers.runtime.seeds import random_state, set_random_state
from lab_helpers.tuning.trainers import Tuned, checkpoints, run_trainer
from lab_helpers.tuning.training_key import NoKey, tensor_bytes, training_key

WEIGHTS, HISTORY, ELAPSED = "weights.safetensors", "training.json", "elapsed.json"
SECONDS_BETWEEN_CHECKPOINTS = 10.0
DEFAULT_LIMIT_GB = 4.0


def size_limit_gb() -> float:
    """How much the store may hold: ``LAB_TRAININGS_GB``, else 4."""
    try:
        return float(os.environ["LAB_TRAININGS_GB"])
    except (KeyError, ValueError):
        return DEFAULT_LIMIT_GB


@dataclass(frozen=True)
class TrainingStore:
    """A folder of trainings. What cannot be stored is trained all the same, and said in one line."""

    folder: Path

    @property
    def gigabytes(self) -> float:
        """What the store holds now."""
        return sum(_size(path) for path in self._places()) / 1e9

    def train(
        self, trainer, label: str = "training", *, diverged: str = "raise", fresh: bool = False
    ) -> Tuned:
        """``trainer.train()``, or what the same training gave before; ``fresh`` forgets it first.

        ``label`` and ``diverged`` as in :func:`~lab_helpers.tuning.trainers.run_trainer`. Two
        processes that want the same training make it once: the second waits and loads.
        """
        # A training changes its settings, and a lab may share one object of them among several: of the
        # next one's key nothing may depend on whether this one was trained or loaded.
        trainer.args = copy.copy(trainer.args)
        try:
            key = training_key(trainer)
            writable(self.folder)
        except NoKey:
            return run_trainer(trainer, label, diverged=diverged)
        except LabError as error:
            note(say(f"Trainings are not remembered: {error.what}.", f"学習結果は記憶されません: {error.what}"))  # fmt: skip
            return run_trainer(trainer, label, diverged=diverged)
        with _locked(self.folder / f".{key}.lock", label):
            if fresh:
                for path in (self.folder / key, self.folder / f"{key}.partial"):
                    shutil.rmtree(path, ignore_errors=True)
            return self._loaded(key, trainer, diverged) or self._trained(key, trainer, label, diverged)  # fmt: skip

    # --- loading ----------------------------------------------------------------------------------

    def _loaded(self, key: str, trainer, diverged: str) -> Tuned | None:
        """The finished training ``key`` put into the trainer's model; ``None`` where there is none, or a damaged one."""
        place = self.folder / key
        if not place.is_dir():
            return None
        try:
            history = json.loads((place / HISTORY).read_text(encoding="utf-8"))
            if sha256_of(place / WEIGHTS) != history["sha256"]:
                raise ValueError(say("the weights have changed", "重みが変わっています"))
            if history["stopped"] == "diverged" and diverged == "raise":
                return None  # the training itself says what was seen, in one sentence
            tensors = _read_tensors(place / WEIGHTS)
            _put_into(trainer.model, {n: t for n, t in tensors.items() if not n.startswith("rng.")})
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            note(
                say(
                    f"A remembered training is damaged ({error}); it is trained anew.",
                    f"記憶された学習結果が壊れているため（{error}）、学習し直します。",
                )
            )
            shutil.rmtree(place, ignore_errors=True)
            return None
        set_random_state(tensors, history["random"])
        with suppress(OSError):
            os.utime(place)  # the store forgets what was longest unused
        trainer.state.log_history = history["log"]
        losses = [row["loss"] for row in history["log"] if "loss" in row]
        model = trainer.model.eval()
        return Tuned(model, losses, history["seconds"], history["log"], history["stopped"], "loaded")  # fmt: skip

    # --- training ---------------------------------------------------------------------------------

    def _trained(self, key: str, trainer, label: str, diverged: str) -> Tuned:
        """Train, going on from the newest checkpoint of a training that was broken off; store the result."""
        partial, before = self.folder / f"{key}.partial", _changeable(trainer.model)
        own_checkpoints = (
            trainer.args.save_strategy != "no"
        )  # the learner's own, in their own folder
        found = [] if own_checkpoints else checkpoints(partial)
        elapsed = read_json(found[-1] / ELAPSED, 0.0) if found else 0.0
        if own_checkpoints:
            tuned = run_trainer(trainer, label, diverged=diverged)
        else:
            with _checkpoints_in(partial, trainer, elapsed):
                tuned = run_trainer(trainer, label, resume=True, diverged=diverged)
        tuned.seconds += elapsed
        tuned.came = "resumed" if found else "trained"
        try:
            self._keep(key, tuned, before)
        except Exception as error:  # safetensors has errors of its own for a full disk
            note(
                say(
                    f"This training could not be stored ({_first_line(error)}); it will be trained anew next time.",
                    f"この学習結果は保存できませんでした（{_first_line(error)}）。次回は学習し直します。",
                )
            )
        shutil.rmtree(partial, ignore_errors=True)
        return tuned

    def _keep(self, key: str, tuned: Tuned, before: dict[str, bytes]) -> None:
        from safetensors.torch import save_file

        model = tuned.model
        after = _changeable(model)
        changed = {n for n, digest in after.items() if before.get(n) != digest}
        tensors = {n: t for n, t in _tensors(model).items() if n in changed}
        tensors = {n: t.detach().cpu().contiguous().clone() for n, t in tensors.items()}
        state, plain = random_state()
        place, made = self.folder / key, self.folder / f"{key}.new-{os.getpid()}"
        try:
            made.mkdir(parents=True)
            save_file(tensors | state, str(made / WEIGHTS))
            history = {
                "seconds": tuned.seconds,
                "stopped": tuned.stopped,
                "log": tuned.log,
                "random": plain,
                "sha256": sha256_of(made / WEIGHTS),
            }
            (made / HISTORY).write_text(json.dumps(history), encoding="utf-8")
            shutil.rmtree(place, ignore_errors=True)
            made.rename(place)
        finally:
            shutil.rmtree(made, ignore_errors=True)
        self._forget_oldest(key)

    def _forget_oldest(self, kept: str) -> None:
        """Take away what was longest unused until the store is within its limit."""
        places = sorted(self._places(), key=lambda path: path.stat().st_mtime)
        size = sum(map(_size, places))
        for place in places:
            if size <= size_limit_gb() * 1e9:
                return
            if place.name != kept:
                size -= _size(place)
                shutil.rmtree(place, ignore_errors=True)

    def _places(self) -> list[Path]:
        return [path for path in self.folder.glob("*") if path.is_dir()]


# --- tensors --------------------------------------------------------------------------------------


def _tensors(model) -> dict:
    """What a training may change, by name: trainable weights, and buffers."""
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    return trained | dict(model.named_buffers())


def _changeable(model) -> dict[str, bytes]:
    """A digest of each of :func:`_tensors`."""
    import hashlib

    return {n: hashlib.sha256(tensor_bytes(t)).digest() for n, t in _tensors(model).items()}


def _read_tensors(path: Path) -> dict:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(path))
    except SafetensorError as error:
        raise ValueError(_first_line(error)) from None


def _put_into(model, tensors: dict) -> None:
    held = _tensors(model)
    if missing := sorted(tensors.keys() - held.keys()):
        raise KeyError(say(f"the model has no {missing[0]}", f"モデルに {missing[0]} がありません"))
    for name, tensor in tensors.items():
        held[name].data = tensor.to(held[name].device)


# --- checkpoints while it trains ------------------------------------------------------------------


@contextmanager
def _checkpoints_in(folder: Path, trainer, elapsed: float) -> Iterator[None]:
    """While inside, the trainer saves a checkpoint in ``folder`` now and then; a full disk stops only that."""
    from transformers import TrainerCallback

    class Keep(TrainerCallback):
        """At a logged step, every ten seconds, and at most a twentieth of the time."""

        def __init__(self):
            self.started = self.saved = time.monotonic()
            self.cost, self.on = 0.0, True

        def on_log(self, args, state, control, logs=None, **kwargs):
            pause = max(SECONDS_BETWEEN_CHECKPOINTS, 20 * self.cost)
            due = time.monotonic() - self.saved > pause
            if self.on and due and "loss" in (logs or {}) and not control.should_training_stop:
                control.should_save = True

        def save(self, *arguments, **options):
            before = time.monotonic()
            try:
                usual_save(*arguments, **options)
                newest = folder / f"checkpoint-{trainer.state.global_step}"
                spent = elapsed + time.monotonic() - self.started
                (newest / ELAPSED).write_text(json.dumps(spent), encoding="utf-8")
                for older in checkpoints(folder)[:-1]:
                    shutil.rmtree(older, ignore_errors=True)
            except (
                Exception
            ) as error:  # torch and safetensors have errors of their own for a full disk
                self.on = False
                note(
                    say(
                        f"No checkpoint could be written ({_first_line(error)}); the training goes on without.",
                        f"チェックポイントを書き込めません（{_first_line(error)}）。そのまま学習を続けます。",
                    )
                )
            self.saved = time.monotonic()
            self.cost = self.saved - before

    keep, usual_save = Keep(), trainer._save_checkpoint
    before, trainer.args.output_dir = trainer.args.output_dir, str(folder)
    trainer._save_checkpoint = keep.save
    trainer.add_callback(keep)
    try:
        yield
    finally:
        trainer.remove_callback(keep)
        del trainer._save_checkpoint
        trainer.args.output_dir = before


@contextmanager
def _locked(path: Path, label: str) -> Iterator[None]:
    """While inside, no other process trains the same; where there can be no lock, there is none."""
    from filelock import FileLock, Timeout

    lock = FileLock(str(path))
    try:
        while True:
            try:
                lock.acquire(timeout=0.5)
                break
            except Timeout:
                report(say(f"{label}: waiting for another process that trains the same", f"{label}: 同じ学習を行う別のプロセスを待っています"), 0, 1)  # fmt: skip
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


def _size(place: Path) -> int:
    size = 0
    for path in place.rglob("*"):
        with suppress(OSError):  # another process may take it away meanwhile
            size += path.stat().st_size
    return size


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0][:120] if text else type(error).__name__
