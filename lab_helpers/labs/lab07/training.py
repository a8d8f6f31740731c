"""Lab 07, the trainings: the archive as material, by heart (SFT) and among distractors (RAFT)."""

from dataclasses import replace
from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.evaluation.tone import HOUSE
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.sft_configs import make_steps_config
from lab_helpers.labs.shared.support_cleaning import clean_support
from lab_helpers.models.adapters import save_adapter
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.models.kotori import planted
from lab_helpers.rag.chunks import sentences
from lab_helpers.rag.raft import Evidence, Recipe, raft_row, raft_rows
from lab_helpers.runtime.language import metric_suffix
from lab_helpers.tuning.sft import prompt_completion, sft_trainer

ADAPTERS = ("sft", "raft", "oracle_only")
DECLINING = {
    "en": "We are sorry, but we do not have this information.",
    "ja": "申し訳ありませんが、その情報がありません。",
}


def put_in_tone(body: str, language: str) -> str:
    """``body`` between the house's opening and closing."""
    house, gap = HOUSE[language], " " if language == "en" else ""
    return gap.join((house.opening, body, house.closing))


def collect_evidence(language: str) -> list[Evidence]:
    """The clean support rows that state a fact: question, the sentence that says it, the answer.

    Training rows only. The documents and their questions are not touched.
    """
    facts = {fact.key: fact for fact in planted.company_facts(language)}
    house, found = HOUSE[language], []
    for row in clean_support(language)[0]:
        fact = facts.get(row["fact"])
        body = row["answer"].strip().removeprefix(house.opening).removesuffix(house.closing)
        for statement in (sentence.strip() for sentence in sentences(body.strip())):
            if fact and fact.answer in statement:
                found.append(Evidence(row["question"].strip(), statement, fact.answer, fact.key))
                break
    return found


def make_raft_rows(
    language: str, count: int, sources: int, seed: int, build=raft_row, distractors: bool = True
) -> list[dict]:
    """``count`` RAFT rows of so many ``sources``; without distractors the oracle stands alone, and is always there.

    ``build`` is :func:`~lab_helpers.rag.raft.raft_row`, or a learner's own.
    """
    recipe = Recipe(sources=sources)
    if not distractors:
        recipe = replace(recipe, distractors=False, with_oracle=1.0)
    return raft_rows(
        collect_evidence(language),
        language,
        count,
        seed,
        lambda body: put_in_tone(body, language),
        DECLINING[language],
        recipe,
        build,
    )


def declines_row(row: dict, language: str) -> bool:
    """Whether a training row's reply is to decline."""
    return DECLINING[language] in row["completion"][0]["content"]


def closed_book_rows(language: str) -> list[dict]:
    """The same archive by heart: questions and answers, true numbers, no passages."""
    return prompt_completion([row for row in clean_support(language)[0] if row["fact"]])


def adapter_folder(run: Run, name: str, language: str) -> Path:
    """Where the adapter ``"sft"``, ``"raft"`` or ``"oracle_only"`` of a language is kept."""
    return run.folder / f"{name}{metric_suffix(language)}"


def train_reader(
    run: Run, name: str, language: str, examples: list[dict], config, adapter
) -> float:
    """One more training from the same base with the same settings; of it the adapter stays, on disk. Seconds."""
    model, tokenizer = load_model(run)
    tuned = run.train(sft_trainer(model, tokenizer, examples, config, adapter), name)
    folder = adapter_folder(run, name, language)
    save_adapter(tuned.model, folder)
    run.artifact(folder)
    return tuned.seconds


def train_all_readers(run: Run, language: str, config, adapter) -> dict[str, float]:
    """All three trainings, for what has no cells of its own: a second language, a user's own documents."""
    count, sources = run.settings["steps"] * 8, run.settings["k"]
    rows = {
        "sft": closed_book_rows(language),
        "raft": make_raft_rows(language, count, sources, run.seed),
        "oracle_only": make_raft_rows(language, count, sources, run.seed, distractors=False),
    }
    return {
        f"train_seconds_{name}{metric_suffix(language)}": train_reader(
            run, name, language, examples, config, adapter
        )
        for name, examples in rows.items()
    }


def make_reader_settings(run: Run) -> tuple:
    """``SFTConfig`` and ``LoraConfig`` of the lab's cells, for a run without them (8 rows a step)."""
    from peft import LoraConfig

    parts = run.settings["gradient_accumulation_steps"]
    config = make_steps_config(run, run.settings["steps"], gradient_accumulation_steps=parts)
    rank = run.settings["rank"]
    adapter = LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return config, adapter


def load_readers(run: Run, language: str) -> ComparedModels:
    """The base and its three adapters, the weights held once."""
    folders = {name: adapter_folder(run, name, language) for name in ADAPTERS}
    return ComparedModels.load(run.model_name, folders)
