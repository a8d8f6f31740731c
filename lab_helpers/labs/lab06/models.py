"""Lab 06, who is examined: Kotori, its SFT model and its DPO model, trained as in lab 05."""

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import PairSet, shipped_pairs
from lab_helpers.labs.lab05.scoring import save_whole_adapter, train_rows
from lab_helpers.labs.shared.preference_models import (
    main_pairs,
    sft_folder,
    start_model,
    train_start,
)
from lab_helpers.models.compared import BASE, Candidates
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.trainers import Tuned

MODELS = (BASE, "sft", "dpo")


def language(run: Run) -> str:
    """The language of the lab's models, questions and benchmarks."""
    return run.settings["language"]


def house_pairs(run: Run) -> PairSet:
    """The shipped preference pairs; ``--data`` is a benchmark here."""
    return shipped_pairs(language(run), run.seed)


def train_sft(run: Run) -> Tuned:
    """SFT on an archive of good and bad answers; the adapter is kept in the run's folder."""
    return train_start(run, house_pairs(run))


def train_dpo(run: Run) -> Tuned:
    """DPO on tone and honesty, on top of SFT; both are kept as one adapter of the untouched base."""
    pairs = house_pairs(run)
    model, tokenizer = start_model(run, pairs.language)
    tuned = train_rows(run, model, tokenizer, "dpo", main_pairs(run, pairs))
    save_whole_adapter(run, tuned.model, pairs)
    return tuned


def candidates(run: Run) -> Candidates:
    """Base, SFT and DPO, from the adapters that the first step has saved."""
    folders = {"sft": sft_folder(run, language(run)), "dpo": run.folder / "adapter"}
    for folder in folders.values():
        if not folder.is_dir():
            raise BadInput(f"{folder} is missing", "Run the step that trains the models first.")
    return Candidates.load(run.model_name, folders)
