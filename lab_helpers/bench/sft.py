"""The course's SFT path against TRL's as it comes, in turns."""

import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab_helpers.bench.figure import Figure
from lab_helpers.runtime.language import say

_SAME: dict[str, Any] = {"num_train_epochs": 2, "learning_rate": 1e-2, "seed": 0}


def measure_sft(repeats: int) -> list[Figure]:
    """The course's SFT path against an ``SFTTrainer`` as it comes; same model, rows, rate, epochs.

    The other arm sets only what a CPU needs (``use_cpu=True, bf16=False``). The arms take turns;
    the ratio is the median over the turns, the held-out loss is per answer token of the test rows.
    from lab_helpers.models.generation import make_conversation
    """
    arms: dict[str, Callable[[Path], tuple[float, float]]] = {
        say("as it comes", "既定のまま"): _train_as_it_comes,
        say("the course's", "講座"): _train_as_the_course,
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for name, train in arms.items():
                with contextlib.redirect_stdout(io.StringIO()):
                    found[name].append(train(Path(folder)))
    plain, ours = found.values()
    ratio = statistics.median(a / b for (_, a), (_, b) in zip(ours, plain, strict=True))
    figures = [
        Figure(
            say(
                "SFT tokens a second, course / as it comes",
                "SFT の毎秒トークン数、講座 / 既定のまま",
            ),
            ratio,
            "ratio",
            ">= 1.5",
        )
    ]
    for name, runs in found.items():
        speed = statistics.median(rate for _, rate in runs)
        figures.append(Figure(say(f"SFT, {name}", f"SFT、{name}"), speed, "tokens/s"))
        figures.append(
            Figure(
                say(f"SFT, {name}: held-out loss", f"SFT、{name}: 学習に使っていない質問での損失"),
                runs[-1][0],
                "nats/token",
                say("equal", "同等"),
            )
        )
    return figures


def _load_parts():
    """Model, tokenizer, rows and adapter settings: fresh for each arm, the same for both."""
    from peft import LoraConfig

    from lab_helpers.models.language_models import load_language_model
    from lab_helpers.tuning.sft import prompt_completion

    model, tokenizer = load_language_model("kotori")
    adapter = LoraConfig(
        r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"
    )
    return model, tokenizer, prompt_completion(_load_rows("train")), adapter


def _load_rows(split: str) -> list[dict]:
    from lab_helpers.labs.shared.support import gold_rows

    return gold_rows("en", split)


def _train_as_it_comes(folder: Path) -> tuple[float, float]:
    """Held-out loss, and tokens a second."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    model, tokenizer, rows, adapter = _load_parts()
    trainer = SFTTrainer(
        model,
        args=SFTConfig(output_dir=str(folder), use_cpu=True, bf16=False, report_to="none", **_SAME),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=adapter,
    )
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    loss = _held_out_loss(trainer.model.eval(), tokenizer)
    return loss, _count_tokens(trainer.state.log_history) / seconds


def _train_as_the_course(folder: Path) -> tuple[float, float]:
    """Held-out loss, and tokens a second. No remembered training is loaded: the act itself is measured."""
    from trl import SFTConfig

    from lab_helpers.runtime.profiles import load_profile
    from lab_helpers.tuning.sft import sft_trainer
    from lab_helpers.tuning.trainer_config import machine_settings, trainer_config
    from lab_helpers.tuning.trainers import run_trainer

    model, tokenizer, rows, adapter = _load_parts()
    machine = machine_settings(folder, load_profile("tiny").precision, _SAME["seed"])
    config = trainer_config(SFTConfig, machine, **_SAME)
    tuned = run_trainer(sft_trainer(model, tokenizer, rows, config, adapter), "SFT")
    return _held_out_loss(tuned.model, tokenizer), _count_tokens(tuned.log) / tuned.seconds


def _count_tokens(log: list[dict]) -> float:
    """Tokens trained on, padding not counted, as TRL logs them."""
    return max(row["num_tokens"] for row in log if "num_tokens" in row)


def _held_out_loss(model, tokenizer) -> float:
    """Negative log-probability per answer token of the test rows."""
    from lab_helpers.models.generation import make_conversation
    from lab_helpers.models.kotori.skills import scores

    questions = [
        (
            tokenizer.apply_chat_template(
                make_conversation(row["question"]), add_generation_prompt=True, tokenize=False
            ),
            row["answer"] + tokenizer.eos_token,
        )
        for row in _load_rows("test")
    ]
    _, log_probabilities = scores(model, tokenizer, questions)
    sizes = [len(tokenizer(a, add_special_tokens=False)["input_ids"]) for _, a in questions]
    return -float(log_probabilities.sum()) / sum(sizes)
