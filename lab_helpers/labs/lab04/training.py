"""Lab 04's trainings: one model, one set of rows, one configuration, and what came of it."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.shipped import load_shipped
from lab_helpers.data.splitting import leakage
from lab_helpers.evaluation.known_facts import Fact, known, plain_hits, said, spread
from lab_helpers.evaluation.replies import facts_right, usable
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.labs.lab04.rows import LEAKED, clean_support, table_rows
from lab_helpers.models.generation import Replies, asked, generate
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.intervals import scored
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.sft import prompt_completion, supervised_fine_tune
from lab_helpers.tuning.trainer_config import trainer_config
from lab_helpers.tuning.trainers import Tuned

REPLY_TOKENS = 72


def lora_config(run: Run):
    """The adapter of this lab: every linear layer."""
    from peft import LoraConfig

    r = run.settings["rank"]
    return LoraConfig(r=r, lora_alpha=2 * r, target_modules="all-linear", task_type="CAUSAL_LM")


def sft_config(run: Run, steps: int, **settings):
    """``steps`` steps of this profile's batch size; ``settings`` go to ``SFTConfig``."""
    from trl import SFTConfig

    usual = {
        "max_steps": steps,
        "per_device_train_batch_size": run.settings["batch_size"],
        "learning_rate": run.settings["learning_rate"],
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.1,
        "max_length": run.settings["max_length"],
    }
    return trainer_config(SFTConfig, run, **(usual | settings))


def tune(
    run: Run, rows: list[dict], steps: int, adapter="lora", **settings
) -> tuple[Tuned, object]:
    """A fresh model trained on questions and answers; with its tokenizer.

    ``adapter`` is a PEFT configuration, ``"lora"`` for this lab's, or ``None`` for full fine-tuning.
    """
    model, tokenizer = load_model(run)
    adapter = lora_config(run) if adapter == "lora" else adapter
    config = sft_config(run, steps, **settings)
    examples = prompt_completion(rows)
    tuned = supervised_fine_tune(model, tokenizer, examples, config, adapter, diverged="return")
    return tuned, tokenizer


# --- rows -----------------------------------------------------------------------------------------


def shuffled(rows: list[dict], seed: int) -> list[dict]:
    """``rows`` in a seeded order."""
    return [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]


def house_rows(language: str, seed: int, clean_rows: list[dict] | None = None) -> list[dict]:
    """Clean rows in a seeded order, then rows from the company's own table: over 1,000 in all."""
    clean_rows = clean_support(language)[0] if clean_rows is None else clean_rows
    return [*shuffled(clean_rows, seed), *shuffled(table_rows(language), seed)]


def dirty_rows(language: str, seed: int, count: int) -> list[dict]:
    """``count`` rows of the heap as they are; only rows without an answer cannot be trained on."""
    heap = [row for row in load_shipped("support", language, "train") if row["answer"].strip()]
    return shuffled(heap, seed)[:count]


def fresh_questions(language: str, size: int) -> list[dict]:
    """Held-out gold rows whose question nobody finds in the heap, not even in other words."""
    test = load_shipped("support", language, "test")
    leaked = {j for _, j, _ in leakage(load_shipped("support", language, "train"), test, LEAKED, "question")}  # fmt: skip
    return [row for j, row in enumerate(test) if j not in leaked][:size]


# --- what came of it ------------------------------------------------------------------------------


@dataclass
class Outcome:
    """Replies to the held-out questions, and one number a question: tone, right fact, usable."""

    replies: Replies
    tone: np.ndarray
    facts: np.ndarray
    usable: np.ndarray


def ask_all(model, tokenizer, rows: list[dict], language: str = "en", **options) -> Outcome:
    """The model's answers to the questions of ``rows``, scored; ``options`` as for ``generate``."""
    conversations = [asked(row["question"]) for row in rows]
    replies = generate(model, tokenizer, conversations, max_new_tokens=REPLY_TOKENS, **options)
    return Outcome(
        replies,
        tone_compliance(replies.texts, language),
        facts_right(rows, replies.texts),
        usable(rows, replies.texts, language),
    )


def ask_sampled(run: Run, model, tokenizer, rows: list[dict]) -> Outcome:
    """Three answers to each question, drawn as a chat draws them at temperature 1; seeded."""
    seed_everything(run.seed)
    return ask_all(model, tokenizer, rows * 3, do_sample=True, temperature=1.0, top_k=0)


def tone_and_facts(outcome: Outcome, name: str) -> dict:
    """``tone_compliance_NAME`` and ``new_fact_accuracy_NAME`` with their intervals."""
    return scored(f"tone_compliance_{name}", outcome.tone) | scored(
        f"new_fact_accuracy_{name}", outcome.facts
    )


def probes(run: Run, language: str = "en") -> list[Fact]:
    """The known facts that no arm of this lab trains on."""
    return spread(known(language, "probe"), run.settings["probes"])


def old_skill(run: Run, model, tokenizer, language: str = "en") -> np.ndarray:
    """1.0 for each probe answered right in the old world's own form."""
    return plain_hits(model, tokenizer, probes(run, language), language)


def chat_skill(run: Run, model, tokenizer, language: str = "en") -> np.ndarray:
    """1.0 for each probe whose answer stands in the reply in a chat."""
    return said(model, tokenizer, probes(run, language))
