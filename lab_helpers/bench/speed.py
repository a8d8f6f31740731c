"""``labs bench``: how fast the course is, as medians and as ratios of arms that ran in turn.

Seconds differ from machine to machine, and with what else it does; a ratio of two arms that took
turns does so much less. No test asserts on a number that is measured here.
"""

import contextlib
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import Text


@dataclass(frozen=True)
class Figure:
    """One measured number; ``target`` in words, as the project has promised it."""

    name: str
    value: float
    unit: str
    target: str = ""

    def row(self) -> dict:
        return {
            "name": self.name,
            "value": float(f"{self.value:.4g}"),
            "unit": self.unit,
            "target": self.target,
        }


def _process_seconds(code: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(code, capture_output=True, check=True)
    return time.perf_counter() - started


def start_up(repeats: int) -> list[Figure]:
    """``import lab_helpers`` beyond a bare interpreter, and ``labs --help``."""
    bare = statistics.median(
        _process_seconds([sys.executable, "-c", "pass"]) for _ in range(repeats)
    )
    package = statistics.median(
        _process_seconds([sys.executable, "-c", "import lab_helpers"]) for _ in range(repeats)
    )
    command = statistics.median(
        _process_seconds([sys.executable, "-m", "lab_helpers.cli.main", "--help"])
        for _ in range(repeats)
    )
    return [
        Figure("import lab_helpers", package - bare, "s", "< 0.3 s"),
        Figure("labs --help", command, "s", "< 1 s"),
    ]


def generation(repeats: int) -> list[Figure]:
    """Tokens a second of Kotori: a batch of 64 questions, greedy, with the KV cache."""
    from lab_helpers.labs.lab00.prompting import gold, plain
    from lab_helpers.models.generation import generate
    from lab_helpers.models.language_models import load_language_model

    model, tokenizer = load_language_model("kotori")
    asked = [plain(row["question"]) for row in gold("en", "train")[:64]]
    rates = [
        generate(model, tokenizer, asked, max_new_tokens=48).tokens_per_second
        for _ in range(repeats)
    ]
    return [Figure("generated tokens", statistics.median(rates), "tokens/s", ">= 150 tokens/s")]


def sft(repeats: int) -> list[Figure]:
    """The course's SFT path against an ``SFTTrainer`` as it comes; same model, rows, rate, epochs.

    The other arm sets only what a CPU needs (``use_cpu=True, bf16=False``). The arms take turns;
    the ratio is the median over the turns, the held-out loss is per answer token of the test rows.
    """
    arms: dict[str, Callable[[Path], tuple[float, float]]] = {
        "as it comes": _sft_as_it_comes,
        "the course's": _sft_of_the_course,
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for name, train in arms.items():
                with contextlib.redirect_stdout(io.StringIO()):
                    found[name].append(train(Path(folder)))
    plain, ours = found.values()
    ratio = statistics.median(a / b for (_, a), (_, b) in zip(ours, plain, strict=True))
    figures = [Figure("SFT tokens a second, course / as it comes", ratio, "ratio", ">= 1.5")]
    for name, runs in found.items():
        speed = statistics.median(rate for _, rate in runs)
        figures.append(Figure(f"SFT, {name}", speed, "tokens/s"))
        figures.append(Figure(f"SFT, {name}: held-out loss", runs[-1][0], "nats/token", "equal"))
    return figures


_SAME: dict[str, Any] = {"num_train_epochs": 2, "learning_rate": 1e-2, "seed": 0}


def _sft_parts():
    """Model, tokenizer, rows and adapter settings: fresh for each arm, the same for both."""
    from lab_helpers.labs.lab00.prompting import gold, lora_config
    from lab_helpers.models.language_models import load_language_model
    from lab_helpers.tuning.sft import prompt_completion

    model, tokenizer = load_language_model("kotori")
    return model, tokenizer, prompt_completion(gold("en", "train")), lora_config()


def _sft_as_it_comes(folder: Path) -> tuple[float, float]:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    model, tokenizer, rows, adapter = _sft_parts()
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
    return _held_out_loss(trainer.model.eval(), tokenizer), _tokens(trainer.state.log_history) / seconds  # fmt: skip


def _sft_of_the_course(folder: Path) -> tuple[float, float]:
    from trl import SFTConfig

    from lab_helpers.runtime.profiles import load_profile
    from lab_helpers.tuning.sft import supervised_fine_tune
    from lab_helpers.tuning.trainer_config import trainer_config

    model, tokenizer, rows, adapter = _sft_parts()
    run = SimpleNamespace(folder=folder, profile=load_profile("tiny"), seed=0, sizes={})
    tuned = supervised_fine_tune(
        model, tokenizer, rows, trainer_config(SFTConfig, run, **_SAME), adapter
    )
    return _held_out_loss(tuned.model, tokenizer), _tokens(tuned.log) / tuned.seconds


def _tokens(log: list[dict]) -> float:
    """Tokens trained on, padding not counted, as TRL logs them."""
    return max(row["num_tokens"] for row in log if "num_tokens" in row)


def _held_out_loss(model, tokenizer) -> float:
    from lab_helpers.labs.lab00.prompting import gold, plain
    from lab_helpers.models.kotori.skills import scores

    questions = [
        (
            tokenizer.apply_chat_template(
                plain(row["question"]), add_generation_prompt=True, tokenize=False
            ),
            row["answer"] + tokenizer.eos_token,
        )
        for row in gold("en", "test")
    ]
    _, log_probabilities = scores(model, tokenizer, questions)
    sizes = [len(tokenizer(a, add_special_tokens=False)["input_ids"]) for _, a in questions]
    return -float(log_probabilities.sum()) / sum(sizes)


def rag(repeats: int) -> list[Figure]:
    """Indexing and searching documents: :mod:`bench_rag`."""
    from lab_helpers.bench import rag as bench_rag

    return bench_rag.rag(repeats)


BENCHES: dict[str, tuple[Callable[[int], list[Figure]], Text]] = {
    "start": (start_up, Text("how fast the package and the command start", "起動の速さ")),
    "generation": (generation, Text("generated tokens a second", "生成の速さ")),
    "rag": (rag, Text("indexing and searching documents", "文書の索引付けと検索の速さ")),
    "sft": (sft, Text("SFT against TRL as it comes", "既定の設定の TRL と比べた SFT の速さ")),
}


def bench(names: Iterable[str], repeats: int) -> list[dict]:
    """The figures of the named benches, all by default."""
    wanted = list(names) or list(BENCHES)
    for name in wanted:
        if name not in BENCHES:
            raise BadInput(f"unknown bench '{name}'", f"Use some of: {', '.join(BENCHES)}.")
    return [figure.row() for name in wanted for figure in BENCHES[name][0](repeats)]
