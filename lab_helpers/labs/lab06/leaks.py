"""Lab 06, drill 11: the test leaks into the training data. What it does to the score, and how it is found.

Half of the items leak, as a crawl would bring them: question and solution in the plain form. The other
half is their fresh twin, as GSM1k is GSM8K's (Zhang et al. 2024, arXiv:2405.00332).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import archive
from lab_helpers.evaluation.benchmarks import gsm8k, prompts
from lab_helpers.evaluation.benchmarks.formats import (
    Program,
    WordProblem,
    read_gsm8k,
    read_humaneval,
)
from lab_helpers.evaluation.benchmarks.humaneval import evaluate
from lab_helpers.evaluation.benchmarks.prompts import PROGRAM_STOP
from lab_helpers.evaluation.contamination import contaminated, contaminated_files, remove_leaks
from lab_helpers.evaluation.significance import difference_metrics, permutation_test
from lab_helpers.labs.lab06.benchmarks import find_sandbox_refusal
from lab_helpers.labs.lab06.models import house_pairs
from lab_helpers.labs.shared.models import load_model
from lab_helpers.models.generation import continue_texts
from lab_helpers.runtime.files import write_text
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.sft import sft_trainer
from lab_helpers.tuning.trainer_config import trainer_config
from lab_helpers.tuning.trainers import Tuned

REWORDED = {
    "en": (
        "Her brother hands Mia five stickers, and she had seven of them already. What is her total?",
        "Six washing machines of a small laundry get fresh lint filters at 1,450 yen each; a brush for 500 yen comes on top. What is the bill?",
        "Out of a dozen trays, each holding fifteen rolls, 134 were gone at noon. What remains of them?",
        "Each classroom takes a Tsumuji 22 minutes, and its battery lasts 110. Charged three times, how many rooms will be clean?",
    ),
    "ja": (
        "お母さんが6個のみかんを、8個のった皿に加えました。合計はいくつですか。",
        "田中さんの買い物は、760円のサイドブラシ（ツムジ用）が3本と、送料の660円です。支払額を求めてください。",
        "36人学級に、12本入りの鉛筆を15箱ぶん、等しく配ると、1人あたり何本でしょうか。",
    ),
}
"""The first shipped problems in other words, by hand: leaks that no comparison of words will find."""
FEWEST_WORDS = (3, 5, 8, 13)


@dataclass(frozen=True)
class Halves:
    """Items that leak and their fresh twins, of both benchmarks."""

    leaked: list[WordProblem | Program]
    fresh: list[WordProblem | Program]


def split_halves(run: Run) -> Halves:
    """Every second of the first items leaks; programs only where the sandbox may run them."""
    spoken, count = run.language, 2 * run.settings["leak_items"]
    items: list = read_gsm8k(spoken)[:count]
    if find_sandbox_refusal() is None:
        items += read_humaneval(spoken)[:count]
    return Halves(items[0::2], items[1::2])


def text_of(item: WordProblem | Program, spoken: str) -> dict[str, str]:
    """An item as it stands on a web page: what comes before, and the solution."""
    if isinstance(item, Program):
        return {"prompt": item.prompt, "completion": item.canonical_solution}
    question, answer = prompts.problem(item, spoken)
    return {"prompt": question, "completion": answer + "\n"}


def training_rows(run: Run, items: list) -> list[dict]:
    """The leaked items among the house's own rows (which are not trained on here), as a file would hold them."""
    own = [
        {
            "prompt": row["prompt"][-1]["content"],
            "completion": row["completion"][-1]["content"],
        }
        for row in archive(house_pairs(run).train[: run.settings["sft_rows"]], run.seed)
    ]
    return own + [text_of(item, run.language) for item in items]


def train_leaked(run: Run, items: list) -> tuple[Tuned, object]:
    """A LoRA adapter on the leaked items, read several times as a crawl repeats a page; with its tokenizer."""
    from peft import LoraConfig
    from trl import SFTConfig

    model, tokenizer = load_model(run)
    config = trainer_config(
        SFTConfig,
        run.machine,
        num_train_epochs=run.settings["leak_epochs"],
        per_device_train_batch_size=run.settings["batch_size"],
        gradient_accumulation_steps=max(1, 8 // run.settings["batch_size"]),  # 8 rows a step
        learning_rate=run.settings["leak_learning_rate"],
        lr_scheduler_type="cosine",
        max_length=run.settings["max_length"],
    )
    adapter = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    rows = [text_of(item, run.language) for item in items]
    return run.train(sft_trainer(model, tokenizer, rows, config, adapter)), tokenizer


def measure_solved(run: Run, model, tokenizer, items: list) -> np.ndarray:
    """1.0 for each item whose number is right or whose program passes its tests; (n,), in their order."""
    spoken, limit = run.language, run.settings["leak_tokens"]
    problems = [item for item in items if isinstance(item, WordProblem)]
    programs = [item for item in items if isinstance(item, Program)]
    solutions = gsm8k.solve(model, tokenizer, problems, language=spoken, max_new_tokens=limit)
    found = {item.id: float(s.strict == item.answer) for item, s in zip(problems, solutions, strict=True)}  # fmt: skip
    if programs:
        texts = [program.prompt for program in programs]
        written = continue_texts(model, tokenizer, texts, limit, stop=PROGRAM_STOP).texts
        verdicts = evaluate(programs, written)
        found |= {p.task_id: float(v.passed) for p, v in zip(programs, verdicts, strict=True)}
    return np.array([found[i.task_id if isinstance(i, Program) else i.id] for i in items])


def draw_programs(run: Run, model, tokenizer, items: list, count: int) -> dict[str, list[bool]]:
    """Of each program task: ``count`` completions drawn at temperature 1, and whether each passes its tests."""
    programs = [item for item in items if isinstance(item, Program)]
    if not programs:
        return {}
    drawn = [program for program in programs for _ in range(count)]
    texts = [program.prompt for program in drawn]
    seed_everything(run.seed)
    written = continue_texts(
        model, tokenizer, texts, run.settings["leak_tokens"], stop=PROGRAM_STOP,
        do_sample=True, temperature=1.0, top_k=0,
    ).texts  # fmt: skip
    passed = [verdict.passed for verdict in evaluate(drawn, written)]
    return {p.task_id: passed[i * count : (i + 1) * count] for i, p in enumerate(programs)}


def measure_both_halves(run: Run, model, tokenizer, items: Halves) -> dict[str, np.ndarray]:
    """:func:`measure_solved` of the ``leaked`` and of the ``fresh`` half."""
    both = measure_solved(run, model, tokenizer, items.leaked + items.fresh)
    return {"leaked": both[: len(items.leaked)], "fresh": both[len(items.leaked) :]}


def leak_metrics(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> dict:
    """``before`` and ``after``: solved or not by half, ``leaked`` and ``fresh``. Gains, and how sure they are."""
    found: dict = {"leak_p_value": permutation_test(after["leaked"], before["leaked"]).p_value}
    for half, name in (("leaked", "leak_score_gain"), ("fresh", "leak_score_gain_fresh")):
        found |= interval_metrics(f"score_{half}_before", before[half])
        found |= interval_metrics(f"score_{half}_after", after[half])
        found |= difference_metrics(name, after[half], before[half])
    return found


def leak_rows(items: Halves, before: dict, after: dict) -> list[dict]:
    """A row a benchmark and half: solved before and after, of how many."""
    rows = []
    for half, members in (("leaked", items.leaked), ("fresh", items.fresh)):
        for name, kind in (("GSM8K", WordProblem), ("HumanEval", Program)):
            chosen = [isinstance(item, kind) for item in members]
            if any(chosen):
                rows.append(
                    {
                        "benchmark": name,
                        "half": half,
                        "before": float(before[half][chosen].mean()),
                        "after": float(after[half][chosen].mean()),
                        "items": sum(chosen),
                    }
                )
    return rows


# --- finding it -----------------------------------------------------------------------------------


def write_files(run: Run, items: Halves) -> dict[str, Path]:
    """``training``: the house's rows with the leaks among them; ``test``: all items, the leaked ones first."""
    spoken = run.language
    test = [{"question": text_of(i, spoken)["prompt"]} for i in items.leaked + items.fresh]
    files = {"training": training_rows(run, items.leaked), "test": test}
    return {
        name: write_text(
            run.folder / f"{name}.jsonl",
            "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
        )
        for name, rows in files.items()
    }


def measure_detection(run: Run, items: Halves) -> list[dict]:
    """How many leaks the check finds, and how many fresh items it accuses, by words in a row."""
    paths = write_files(run, items)
    leaked = set(range(len(items.leaked)))
    rows = []
    for n in FEWEST_WORDS:
        found = contaminated_files(paths["test"], paths["training"], n)
        flagged = {overlap.test_row - 1 for overlap in found}  # lines count from 1
        rows.append(
            {
                "words in a row": n,
                "leaks found": len(flagged & leaked),
                "of": len(leaked),
                "false alarms": len(flagged - leaked),
                "fresh items": len(items.fresh),
            }
        )
    return rows


def detection_metrics(run: Run, rows: list[dict]) -> dict[str, float]:
    """At GPT-3's 13 words in a row; and the same check on leaks in other words."""
    spoken, strict = run.language, rows[-1]
    reworded = REWORDED[spoken]
    originals = [item.question for item in read_gsm8k(spoken)[: len(reworded)]]
    return {
        "leak_detection_recall": strict["leaks found"] / strict["of"],
        "leak_false_alarms": strict["false alarms"],
        "leak_detection_recall_reworded": len(contaminated(originals, reworded)) / len(reworded),
    }


def mended_metrics(run: Run, items: Halves, clean=remove_leaks) -> dict[str, int]:
    """Rows of the training file, and of it without the leaks; ``clean`` is the library's, or a learner's."""
    rows = training_rows(run, items.leaked)
    test = [text_of(item, run.language)["prompt"] for item in items.leaked + items.fresh]
    return {"leak_rows": len(rows), "leak_rows_mended": len(clean(rows, test))}
