"""Lab 06, who is measured: the base, its SFT model and its DPO model, trained as in the preference lab."""

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import PairSet, shipped_pairs
from lab_helpers.labs.shared.preference_models import (
    MAIN_REASONS,
    load_start_model,
    save_whole_adapter,
    select_main_pairs,
    sft_folder,
    train_preferences,
    train_start_model,
)
from lab_helpers.models.compared_models import BASE, ComparedModels
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.tuning.trainers import Tuned

MODELS = (BASE, "sft", "dpo")


def house_pairs(run: Run) -> PairSet:
    """The shipped preference pairs, with the prompts on which the preference lab chooses its rate held out.

    ``--data`` is a benchmark here.
    """
    shipped = shipped_pairs(run.language, run.seed)
    return shipped.hold_out(run.settings["validation_prompts"], *MAIN_REASONS)


def train_sft(run: Run) -> Tuned:
    """SFT on an archive of good and bad answers; the adapter is kept in the run's folder."""
    return train_start_model(run, house_pairs(run))


def train_dpo(run: Run) -> Tuned:
    """DPO on tone and honesty, on top of SFT; both are kept as one adapter of the untouched base.

    What comes back says how it went; the model has left the memory.
    """
    pairs = house_pairs(run)
    model, tokenizer = load_start_model(run, pairs.language)
    main = select_main_pairs(pairs, run.settings["pairs"])
    tuned = train_preferences(run, model, tokenizer, "dpo", main, loss_type=("sigmoid",))
    save_whole_adapter(run, tuned.model, pairs)
    tuned.model = None
    return tuned


def load_compared_models(run: Run) -> ComparedModels:
    """Base, SFT and DPO, from the adapters that the trainings have saved."""
    folders = {"sft": sft_folder(run, run.language), "dpo": run.folder / "adapter"}
    for folder in folders.values():
        if not folder.is_dir():
            raise BadInput(
                say(f"{folder} is missing", f"{folder} がありません"),
                say(
                    "Run the cell that trains the models first.",
                    "先に、モデルを学習するセルを実行してください。",
                ),
            )
    return ComparedModels.load(run.model_name, folders)
