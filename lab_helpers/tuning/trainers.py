"""Run any ``transformers`` or TRL trainer: progress, loss curve, clean stop, divergence, resume."""

import math
import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab_helpers.runtime.allocator import give_back_freed_memory, keep_freed_memory
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.runtime.lexicon import term
from lab_helpers.runtime.progress import report, report_curve
from lab_helpers.tuning.trained_weights import float32_where_it_trains


@dataclass
class Tuned:
    """The tuned model (a ``PeftModel`` where an adapter was trained) and how its training went.

    ``losses`` are the logged ones in order, ``log`` the trainer's whole history (a dict a row, with
    its ``step``), ``stopped`` is ``"finished"`` or ``"diverged"``; ``came`` says whether the result was
    ``"trained"``, ``"resumed"`` from a checkpoint or ``"loaded"`` from the store.
    """

    model: object
    losses: list[float]
    seconds: float
    log: list[dict] = field(default_factory=list)
    stopped: str = "finished"
    came: str = "trained"

    def curve(self, name: str = "loss") -> list[tuple[int, float]]:
        """``(step, value)`` of one logged quantity, such as ``"eval_loss"``."""
        return [(row["step"], row[name]) for row in self.log if name in row]


def run_trainer(trainer, label: str, *, resume: bool = False, diverged: str = "raise") -> Tuned:
    """Train, and come back with the model in evaluation mode.

    ``resume`` goes on from the newest checkpoint in ``output_dir``, if there is one, to the same
    weights as an unbroken run. Ctrl-C ends after the current step, saves a checkpoint and raises
    ``KeyboardInterrupt``. A loss that grows out of bounds stops the training: ``diverged="raise"``
    is a :class:`BadInput` that names the last good checkpoint, ``"return"`` hands back what there is.
    What trains is float32, over a 16-bit base too.
    """
    from transformers import PrinterCallback

    keep_freed_memory()
    trainer.remove_callback(PrinterCallback)  # standard output is for the record
    trainer.args.logging_nan_inf_filter = (
        False  # by default a NaN loss is logged as the last good one
    )
    watch = _callback(label)
    trainer.add_callback(watch)
    started = time.perf_counter()
    with (
        _stop_on_interrupt(watch),
        _plain_errors(trainer),
        float32_where_it_trains(trainer.model),
        _plain_attention(trainer),
    ):
        trainer.train(resume_from_checkpoint=_newest_checkpoint(trainer) if resume else None)
    seconds = time.perf_counter() - started
    give_back_freed_memory()
    if watch.interrupted:
        raise KeyboardInterrupt(
            say(
                f"Stopped at step {trainer.state.global_step}; run the same again, and it goes on from there.",
                f"ステップ {trainer.state.global_step} で停止しました。もう一度実行すると、続きから再開します。",
            )
        )
    log = trainer.state.log_history
    losses = [row["loss"] for row in log if "loss" in row]
    # The accelerator has put autocast around the model; what is measured afterwards is the model.
    model = trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
    tuned = Tuned(model.eval(), losses, seconds, log, "finished")
    if watch.bad_step is not None:
        tuned.stopped = "diverged"
        if diverged == "raise":
            raise BadInput(*_what_was_seen(trainer, watch.bad_step, losses))
    return tuned


@contextmanager
def _plain_attention(trainer):
    """In bf16 on a CPU, torch's fused attention takes a third longer than matrices written out."""
    if not (trainer.args.bf16 and trainer.args.use_cpu):
        yield
        return
    model = trainer.model
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def _callback(label: str):
    """The callback of one run; its class is made here so that importing this module stays cheap."""
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        """Reports steps and losses, and ends the training when asked or when the loss runs away."""

        def __init__(self):
            self.interrupted = False
            self.bad_step: int | None = None
            self._curve: list[tuple[int, float]] = []
            self._bad_in_a_row = 0

        def on_train_begin(self, args, state, control, **kwargs):
            """A resumed training knows from where its loss came."""
            self._curve = [(row["step"], row["loss"]) for row in state.log_history if "loss" in row]

        def on_step_end(self, args, state, control, **kwargs):
            report(term(label), state.global_step, state.max_steps)
            if self.interrupted:
                control.should_training_stop = control.should_save = True

        def on_log(self, args, state, control, logs=None, **kwargs):
            loss = (logs or {}).get("loss")
            if loss is None:
                return
            self._curve.append((state.global_step, loss))
            report_curve(term(label), self._curve)
            self._bad_in_a_row = self._bad_in_a_row + 1 if self._runs_away(loss) else 0
            if not math.isfinite(loss) or self._bad_in_a_row == 2:
                self.bad_step = self._curve[-self._bad_in_a_row][0]
                control.should_training_stop = True
                control.should_save = False

        def _runs_away(self, loss: float) -> bool:
            """Not finite, or above twice the first loss (and by 2 at least)."""
            first = self._curve[0][1]
            return not math.isfinite(loss) or loss > first + max(first, 2.0)

        def on_train_end(self, args, state, control, **kwargs):
            report_curve(term(label), [])

    return Watch()


@contextmanager
def _stop_on_interrupt(watch):
    """The first Ctrl-C asks the training to end after its step; a second one breaks it off."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = signal.getsignal(signal.SIGINT)

    def ask(number, frame):
        if watch.interrupted:
            signal.signal(signal.SIGINT, usual)
            raise KeyboardInterrupt
        watch.interrupted = True

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


@contextmanager
def _plain_errors(trainer):
    """A full disk and too little memory as one line each."""
    try:
        yield
    except OSError as error:
        raise BadInput(
            say(
                f"the checkpoint cannot be written to {trainer.args.output_dir} ({error})",
                f"チェックポイントを {trainer.args.output_dir} に書き込めません（{error}）",
            ),
            say(
                "Free some disk space, or choose another output_dir, and run the same again.",
                "ディスクの空きを増やすか、別の output_dir を指定して、もう一度実行してください。",
            ),
        ) from None
    except RuntimeError as error:  # torch.cuda.OutOfMemoryError is one
        if "out of memory" not in str(error) and "can't allocate memory" not in str(error):
            raise
        raise BadInput(
            say("the training does not fit into memory", "学習に必要なメモリが足りません"),
            say(
                "Halve per_device_train_batch_size and double gradient_accumulation_steps; "
                "`labs fit MODEL` shows what needs the memory.",
                "per_device_train_batch_size を半分に、gradient_accumulation_steps を 2 倍にしてください。何がメモリを使うかは `labs fit MODEL` で確認できます。",
            ),
        ) from None


def checkpoints(folder: str | Path) -> list[Path]:
    """The checkpoints in ``folder``, oldest first."""
    found = [path for path in Path(folder).glob("checkpoint-*") if _is_whole(path)]
    return sorted(found, key=lambda path: int(path.name.rsplit("-", 1)[1]))


def _is_whole(path: Path) -> bool:
    """transformers writes ``trainer_state.json`` last."""
    return path.name.rsplit("-", 1)[1].isdigit() and (path / "trainer_state.json").is_file()


def _newest_checkpoint(trainer) -> str | None:
    found = checkpoints(trainer.args.output_dir)
    return str(found[-1]) if found else None


def _what_was_seen(trainer, bad_step: int, losses: list[float]) -> tuple[str, str]:
    good = [
        path
        for path in checkpoints(trainer.args.output_dir)
        if int(path.name.rsplit("-", 1)[1]) < bad_step
    ]
    kept = (
        say(
            f" The last good checkpoint is {good[-1]}.",
            f"最後の正常なチェックポイントは {good[-1]} です。",
        )
        if good
        else ""
    )
    what = say(
        f"the training diverged at step {bad_step}: loss {losses[0]:.3g} → {losses[-1]:.3g}",
        f"ステップ {bad_step} で学習が発散しました: 損失 {losses[0]:.3g} → {losses[-1]:.3g}",
    )
    return what, say(
        f"Lower learning_rate (it is {trainer.args.learning_rate:g}).{kept}",
        f"learning_rate（現在 {trainer.args.learning_rate:g}）を下げてください。{kept}",
    )
