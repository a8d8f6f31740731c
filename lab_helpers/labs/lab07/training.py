"""Lab 07, the trainings: the archive as material, by heart (SFT) and among distractors (RAFT)."""

from dataclasses import replace
from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.evaluation.tone import HOUSE
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.support_cleaning import clean_support
from lab_helpers.models.adapters import save_adapter
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.models.kotori import planted
from lab_helpers.rag.chunks import sentences
from lab_helpers.rag.raft import Evidence, Recipe, raft_rows
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


def make_raft_rows(run: Run, language: str, distractors: bool = True) -> list[dict]:
    """RAFT rows for all steps; without distractors the oracle stands alone in each row and is always there."""
    recipe = Recipe(sources=run.settings["k"])
    if not distractors:
        recipe = replace(recipe, distractors=False, with_oracle=1.0)
    return raft_rows(
        collect_evidence(language),
        language,
        run.settings["steps"] * run.settings["batch_size"],
        run.seed,
        lambda body: put_in_tone(body, language),
        DECLINING[language],
        recipe,
    )


def closed_book_rows(language: str) -> list[dict]:
    """The same archive by heart: questions and answers, true numbers, no passages."""
    return prompt_completion([row for row in clean_support(language)[0] if row["fact"]])


def make_lora_config(rank: int):
    """LoRA on every linear layer."""
    from peft import LoraConfig

    return LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )


def make_all_rows(run: Run, language: str) -> dict[str, list[dict]]:
    """The rows of each training: by heart, among distractors, and on the right passage alone."""
    return {
        "sft": closed_book_rows(language),
        "raft": make_raft_rows(run, language),
        "oracle_only": make_raft_rows(run, language, distractors=False),
    }


def adapter_folder(run: Run, name: str, language: str) -> Path:
    """Where the adapter ``"sft"``, ``"raft"`` or ``"oracle_only"`` of a language is kept."""
    return run.folder / f"{name}{metric_suffix(language)}"


def train_readers(run: Run, language: str, config, adapter) -> dict[str, float]:
    """All three trainings from the same base with the same settings; the adapters are kept. Seconds of each."""
    return {
        f"train_seconds_{name}{metric_suffix(language)}": train_reader(
            run, name, language, examples, config, adapter
        )
        for name, examples in make_all_rows(run, language).items()
    }


def train_reader(run: Run, name: str, language: str, examples, config, adapter) -> float:
    """One of them; of the model nothing stays but its adapter, on disk."""
    model, tokenizer = load_model(run)
    tuned = run.train(sft_trainer(model, tokenizer, examples, config, adapter), name)
    folder = adapter_folder(run, name, language)
    save_adapter(tuned.model, folder)
    run.artifact(folder)
    return tuned.seconds


def load_readers(run: Run, language: str) -> ComparedModels:
    """The base and its three adapters, the weights held once."""
    folders = {name: adapter_folder(run, name, language) for name in ADAPTERS}
    return ComparedModels.load(run.model_name, folders)
