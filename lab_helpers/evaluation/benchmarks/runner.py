"""One call for any benchmark file: which format it is, the score as that benchmark defines it, with its interval."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from lab_helpers.data.languages import detect_language
from lab_helpers.evaluation.benchmarks import gsm8k, multiple_choice
from lab_helpers.evaluation.benchmarks.answers import Answers
from lab_helpers.evaluation.benchmarks.formats import (
    Format,
    detect,
    read_gsm8k,
    read_humaneval,
    read_multiple_choice,
)
from lab_helpers.evaluation.benchmarks.multiple_choice import Normalisation, Way
from lab_helpers.evaluation.benchmarks.prompts import PROGRAM_STOP, check_room, examples_apart
from lab_helpers.models.generation import continue_texts
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import say

_NORMALISED: dict[str, Normalisation] = {"acc_norm": "characters", "acc_tokens": "tokens"}


@dataclass(frozen=True)
class Scored:
    """One item: what was asked, the right answer, what the model answered, and each metric's 0 or 1."""

    id: str
    question: str
    gold: str
    answer: str
    scores: dict[str, float]
    group: str = ""
    ended: bool = True


@dataclass(frozen=True)
class BenchmarkSettings:
    """How a benchmark was asked: what :func:`run_benchmark` took, and the language of the prompts."""

    way: Way
    chat: bool
    language: str
    few_shot: int
    max_new_tokens: int
    batch_size: int


@dataclass(frozen=True)
class BenchmarkResult:
    """The score of one model on one file.

    ``value`` is the mean of ``metric`` over ``n`` items and ``ci`` its 95 % interval (Wilson's);
    ``metrics`` has every way of scoring the same answers as ``(value, ci)``. ``chance`` is what guessing gives.
    ``unfinished`` replies were cut at the limit of new tokens; they are scored as they stand.
    """

    name: str
    format: Format
    metric: str
    items: list[Scored]
    seconds: float
    settings: BenchmarkSettings
    chance: float = 0.0

    @property
    def n(self) -> int:
        return len(self.items)

    @property
    def value(self) -> float:
        return self.metrics[self.metric][0]

    @property
    def ci(self) -> list[float]:
        return self.metrics[self.metric][1]

    @property
    def metrics(self) -> dict[str, tuple[float, list[float]]]:
        names = self.items[0].scores
        return {name: _mean(self.per_item(name)) for name in names}

    @property
    def groups(self) -> dict[str, tuple[float, list[float]]]:
        """``metric`` by MMLU's subjects, where there are any; ``known.capital`` belongs to ``known``."""
        members: dict[str, list[float]] = {}
        for item in self.items:
            if item.group:
                name = item.group.partition(".")[0]
                members.setdefault(name, []).append(item.scores[self.metric])
        return {name: _mean(np.array(values)) for name, values in members.items()}

    @property
    def unfinished(self) -> int:
        return sum(not item.ended for item in self.items)

    def per_item(self, metric: str | None = None) -> np.ndarray:
        """The items' scores by one metric, (n,), for paired comparisons of two models."""
        return np.array([item.scores[metric or self.metric] for item in self.items])

    def examples(self, count: int = 3, right: bool = False) -> list[Scored]:
        """The first items that were answered wrongly (or rightly), to be read."""
        return [item for item in self.items if (item.scores[self.metric] > 0) == right][:count]


def run_benchmark(
    model,
    tokenizer,
    path_or_name: Path | str,
    limit: int | None = None,
    *,
    way: Way = "letters",
    chat: bool = False,
    language: str | None = None,
    few_shot: int = 0,
    max_new_tokens: int = 256,
    batch_size: int = 32,
    answers: Answers | None = None,
) -> BenchmarkResult:
    """Evaluate a causal language model on a benchmark file of any format in ``formats``.

    ``path_or_name`` is a file, or a shipped set: ``"mmlu.en"``, ``"gsm8k.ja"``, ``"humaneval.en"``.
    ``answers`` says how a multiple-choice file writes its answers; None finds it out from the whole file.
    ``limit`` asks only the first items. ``few_shot`` shows the file's first items as examples, which are
    then not asked (never for HumanEval, which has none). ``way`` is for multiple choice; ``chat`` asks in the
    model's chat template where text is generated. ``language`` of the prompts is found from the
    questions where None.
    """
    if limit is not None and limit < 1:
        raise BadInput(
            say(f"a limit of {limit} items", f"上限に {limit} 件は指定できません"),
            say("Give at least 1, or no limit.", "1 以上にするか、上限を指定しないでください。"),
        )
    kind, name = detect(path_or_name), Path(path_or_name).name
    read, run = _parts(kind, answers)
    shown, items = examples_apart(read(path_or_name), few_shot, name)
    items = items[:limit]
    settings = BenchmarkSettings(
        way, chat, language or _language(items), few_shot, max_new_tokens, batch_size
    )
    started = time.perf_counter()
    scored = run(model, tokenizer, items, shown, settings)
    seconds = time.perf_counter() - started
    chance = 0.0
    if kind == "multiple_choice":
        chance = float(np.mean([1 / len(item.choices) for item in items]))
    return BenchmarkResult(
        name, kind, next(iter(scored[0].scores)), scored, seconds, settings, chance
    )


def _parts(kind: Format, answers: Answers | None) -> tuple[Callable, Callable]:
    """The reader of a format, and what answers and scores its items."""
    if kind == "multiple_choice":
        return partial(read_multiple_choice, answers=answers), _multiple_choice
    return (read_gsm8k, _gsm8k) if kind == "gsm8k" else (read_humaneval, _humaneval)


def _multiple_choice(model, tokenizer, items, shown, settings: BenchmarkSettings) -> list[Scored]:
    found = multiple_choice.score_choices(
        model,
        tokenizer,
        items,
        way=settings.way,
        language=settings.language,
        examples=shown,
        batch_size=settings.batch_size,
    )
    # Letters are equally long: their likelihoods need no normalisation.
    norms: dict[str, Normalisation] = {"acc": "none"}
    if settings.way == "cloze":
        norms |= _NORMALISED
    return [
        Scored(
            item.id,
            item.question,
            item.choices[item.answer],
            item.choices[score.pick()],
            {metric: float(score.pick(norm) == item.answer) for metric, norm in norms.items()},
            item.subject,
        )
        for item, score in zip(items, found, strict=True)
    ]


def _gsm8k(model, tokenizer, items, shown, settings: BenchmarkSettings) -> list[Scored]:
    solutions = gsm8k.solve(
        model,
        tokenizer,
        items,
        chat=settings.chat,
        language=settings.language,
        examples=shown,
        max_new_tokens=settings.max_new_tokens,
        batch_size=settings.batch_size,
    )
    return [
        Scored(
            item.id,
            item.question,
            item.answer,
            solution.reply,
            {
                "exact_match_strict": float(solution.strict == item.answer),
                "exact_match_flexible": float(solution.flexible == item.answer),
            },
            ended=solution.ended,
        )
        for item, solution in zip(items, solutions, strict=True)
    ]


def _language(items) -> str:
    """``"ja"`` where most of the first items are Japanese; of a program the docstring decides."""
    first = [getattr(item, "question", None) or item.prompt for item in items[:20]]
    return "ja" if 2 * sum(detect_language(text) == "ja" for text in first) > len(first) else "en"


def _mean(values: np.ndarray) -> tuple[float, list[float]]:
    return tuple(interval_metrics("rate", values).values())  # type: ignore[return-value]


def _humaneval(model, tokenizer, items, shown, settings: BenchmarkSettings) -> list[Scored]:
    """Greedy completions, each run with its tests in the sandbox: pass@1 (Chen et al. 2021, §2.1)."""
    from lab_helpers.evaluation.benchmarks.humaneval import run_tests

    if shown:
        raise BadInput(
            say("HumanEval has no examples", "HumanEval に例示はありません"),
            say(
                "Use few_shot=0: each prompt is complete.",
                "few_shot=0 にしてください。各プロンプトはそれだけで完結しています。",
            ),
        )
    texts = [item.prompt for item in items]
    lengths = [len(tokenizer(text)["input_ids"]) + settings.max_new_tokens for text in texts]
    check_room(model, lengths, say("task", "課題"))
    replies = continue_texts(
        model,
        tokenizer,
        texts,
        settings.max_new_tokens,
        settings.batch_size,
        stop=PROGRAM_STOP,
    )
    return [
        Scored(
            item.task_id,
            item.prompt,
            item.canonical_solution,
            completion,
            {"pass_at_1": float(run_tests(item, completion).passed)},
            ended=ended,
        )
        for item, completion, ended in zip(items, replies.texts, replies.ended, strict=True)
    ]
