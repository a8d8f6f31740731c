"""The field's harness, lm-eval (Gao et al., EleutherAI), on the shipped sets: the ``[eval]`` extra.

Its tasks are the files in ``lm_eval_tasks/``, which its own command line reads as well. Everything is
local: lm-eval reads JSON lines with ``datasets`` and gets a model that is already loaded. It has no safe
place to run programs, so HumanEval is left to ``humaneval`` and its sandbox.

Our own ``runner`` gives the same numbers (a test compares them); it needs no extra, reads the
publishers' files as they are, understands Japanese numbers and gives intervals.
"""

import io
import logging
import tempfile
from collections.abc import Callable
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import NamedTuple

from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.runtime.language import say
from lab_helpers.runtime.paths import data_folder

TASKS = Path(__file__).parent / "lm_eval_tasks"


def task_names() -> list[str]:
    """The names of the local tasks: ``"mmlu_letters_en"``, ``"gsm8k_ja"``, …"""
    return sorted(path.stem for path in TASKS.glob("*.yaml"))


def run_lm_eval(
    model,
    tokenizer,
    tasks: list[str],
    limit: int | None = None,
    *,
    few_shot: int = 0,
    data: dict[str, Path] | None = None,
    batch_size: int = 32,
) -> dict[str, dict[str, float]]:
    """lm-eval's own scores: for each task its metrics, such as ``{"acc": 0.76, "acc_norm": 0.75}``.

    ``limit`` and ``few_shot`` as in ``runner``: the first ``few_shot`` items are examples, and ``limit``
    of those after them are asked. ``data`` puts a learner's file (the same columns, JSON lines) in the
    place of a task's shipped one. Raises :class:`MissingDependency` without the extra,
    :class:`BadInput` for an unknown task.
    """
    for name in tasks:
        if name not in task_names():
            raise BadInput(
                say(f"no lm-eval task '{name}'", f"lm-eval に「{name}」というタスクはありません"),
                say(
                    f"Use one of: {', '.join(task_names())}.",
                    f"次のいずれかを指定してください: {', '.join(task_names())}。",
                ),
            )
    with _quietly(), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as cache:
        harness = _harness()
        manager = harness.TaskManager(include_path=str(TASKS), include_defaults=False)
        loaded = manager.load([_task(name, (data or {}).get(name), cache) for name in tasks])
        with _no_own_limit(model):
            found = harness.simple_evaluate(
                model=harness.HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size),
                tasks=list(loaded["tasks"].values()),
                task_manager=manager,
                num_fewshot=few_shot,
                samples={
                    name: list(range(len(task.eval_docs)))[few_shot:][:limit]
                    for name, task in loaded["tasks"].items()
                },
                bootstrap_iters=0,
                log_samples=False,
            )
    return {name: _metrics(found["results"][name]) for name in tasks}


class _Harness(NamedTuple):
    simple_evaluate: Callable
    TaskManager: type
    HFLM: type


def _harness() -> _Harness:
    try:
        from lm_eval.evaluator import simple_evaluate
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise MissingDependency(
            say(
                f"lm-eval is not installed ({error})",
                f"lm-eval がインストールされていません（{error}）",
            ),
            say(
                'Install it with: pip install "llm-finetuning-labs[eval]". '
                "Or use run_benchmark, which gives the same numbers.",
                'pip install "llm-finetuning-labs[eval]" でインストールしてください。run_benchmark でも同じ値が得られます。',
            ),
        ) from None
    return _Harness(simple_evaluate, TaskManager, HFLM)


def _task(name: str, data: Path | None, cache: str) -> dict:
    """The task's file as lm-eval's configuration, with the place of the data on this machine."""
    import yaml

    config = yaml.safe_load((TASKS / f"{name}.yaml").read_text(encoding="utf-8"))
    files = config["dataset_kwargs"]["data_files"]
    path = data or data_folder() / Path(files["test"]).name
    if not Path(path).is_file():
        raise BadInput(
            say(f"no such file: {path}", f"ファイルが見つかりません: {path}"),
            say(
                "Give the path of a JSON lines file.",
                "JSON Lines ファイルのパスを指定してください。",
            ),
        )
    files["test"] = str(Path(path).resolve())
    config["dataset_kwargs"]["cache_dir"] = cache
    return config


def _metrics(result: dict) -> dict[str, float]:
    """``"exact_match,strict-match"`` becomes ``"exact_match_strict"``; names and errors are left out."""
    names = {"none": "", "strict-match": "_strict", "flexible-extract": "_flexible"}
    found = {}
    for key, value in result.items():
        metric, _, filtered = key.partition(",")
        if filtered and not metric.endswith("_stderr"):
            found[metric + names[filtered]] = float(value)
    return found


@contextmanager
def _quietly():
    """lm-eval's notes and progress bars are for its own command line."""
    logger = logging.getLogger("lm_eval")
    before, logger.level = logger.level, logging.ERROR
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.level = before


@contextmanager
def _no_own_limit(model):
    """A model's own ``max_new_tokens`` would overrule the task's."""
    settings = model.generation_config
    before, settings.max_new_tokens = settings.max_new_tokens, None
    try:
        yield
    finally:
        settings.max_new_tokens = before
