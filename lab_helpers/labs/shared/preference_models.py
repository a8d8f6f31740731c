"""The preference labs' models: the SFT model that everything starts from, and DPO on top of it."""

from pathlib import Path

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import Pair, PairSet, archive
from lab_helpers.labs.shared.models import load_model
from lab_helpers.labs.shared.refusal_pairs import answers_over_refusals
from lab_helpers.models.adapters import load_adapter, save_adapter
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import metric_suffix, say
from lab_helpers.tuning.dpo import dpo_trainer
from lab_helpers.tuning.pairs import tokenize_pair
from lab_helpers.tuning.sft import sft_trainer
from lab_helpers.tuning.stacking import stack_adapters
from lab_helpers.tuning.trainer_config import trainer_config
from lab_helpers.tuning.trainers import Tuned

MAIN_REASONS = ("tone", "honesty")


def select_main_pairs(pairs: PairSet, count: int) -> list[Pair]:
    """The pairs of the first training: tone and honesty."""
    return pairs.of(*MAIN_REASONS).train[:count]


def select_balanced_pairs(run: Run, pairs: PairSet) -> list[Pair]:
    """As many pairs, some of which prefer an answer to a refusal; the same ones for pairs of the learner's own."""
    main = select_main_pairs(pairs, run.settings["pairs"])
    if pairs.language is None:
        return main
    added = answers_over_refusals(pairs.train, pairs.language)[: run.settings["answer_pairs"]]
    return main[: len(main) - len(added)] + added


def sft_folder(run: Run, language: str | None) -> Path:
    """Where the SFT adapter of one language lies."""
    return run.folder / f"sft_adapter{metric_suffix(language)}"


def make_lora_config():
    """The same adapter for every arm of this lab: rank 8 on all linear layers."""
    from peft import LoraConfig

    return LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")


def choose_max_length(run: Run, model) -> int:
    """The profile's length, never beyond the model's context."""
    wanted = run.settings["max_length"]
    return min(wanted, getattr(model.config, "max_position_embeddings", wanted))


def check_pairs_fit(run: Run, model, tokenizer, pairs: PairSet) -> None:
    """Refuse a file of which no pair fits into the model's context; nothing could be compared."""
    limit = choose_max_length(run, model)
    lengths = [len(tokenize_pair(tokenizer, pair.row()).prompt) for pair in pairs.train]
    if min(lengths) >= limit:
        raise BadInput(
            say(
                f"even the shortest prompt has {min(lengths):,} tokens, and {limit:,} may be read at once",
                f"最も短いプロンプトでも {min(lengths):,} トークンあり、一度に読める {limit:,} トークンを超えています",
            ),
            say(
                "Shorten the prompts, or give a model with a longer context: --model NAME",
                "プロンプトを短くするか、コンテキストの長いモデルを --model NAME で指定してください。",
            ),
        )


# --- the starting point ---------------------------------------------------------------------------


def train_start_model(run: Run, pairs: PairSet) -> Tuned:
    """SFT on an archive in which good and bad answers stand side by side; how it went, without the model.

    Its adapter is kept on disk, from where :func:`load_start_model` takes it.
    """
    from trl import SFTConfig

    model, tokenizer = load_model(run)
    check_pairs_fit(run, model, tokenizer, pairs)
    rows = archive(pairs.train[: run.settings["sft_rows"]], run.seed)
    config = trainer_config(
        SFTConfig,
        run.machine,
        num_train_epochs=run.settings["sft_epochs"],
        per_device_train_batch_size=run.settings["sft_batch_size"],
        gradient_accumulation_steps=run.settings.get("sft_accumulation", 1),
        learning_rate=run.settings["sft_learning_rate"],
        lr_scheduler_type="cosine",
        max_length=choose_max_length(run, model),
    )
    tuned = run.train(sft_trainer(model, tokenizer, rows, config, make_lora_config()))
    save_adapter(tuned.model, sft_folder(run, pairs.language))
    run.artifact(sft_folder(run, pairs.language))
    tuned.model = None  # a T4 has room for two models of its profile
    return tuned


def load_start_model(run: Run, language: str | None = None):
    """The SFT model with its adapter *merged in*, and the tokenizer.

    On it, a new adapter starts at zero: switched off, it is the SFT model, DPO's reference.
    """
    model, tokenizer = load_model(run)
    folder = sft_folder(run, language)
    if not folder.is_dir():
        raise BadInput(
            say(f"{folder} is missing", f"{folder} がありません"),
            say(
                "Run the cell that trains the SFT model first.",
                "先に SFT モデルを学習するセルを実行してください。",
            ),
        )
    merged = load_adapter(model, folder).merge_and_unload()
    return merged.requires_grad_(True).eval(), tokenizer  # loading an adapter froze the base


def remove_adapter(tuned: Tuned):
    """The SFT model again: the adapter is taken off, the weights below it have not changed."""
    return tuned.model.unload()  # type: ignore[attr-defined]


def make_dpo_config(run: Run, model, **settings):
    """``DPOConfig`` with this profile's sizes; ``settings`` win."""
    from trl import DPOConfig

    return trainer_config(
        DPOConfig,
        run.machine,
        **{
            "num_train_epochs": 1,
            "per_device_train_batch_size": run.settings["batch_size"],
            "learning_rate": run.settings["learning_rate"],
            "lr_scheduler_type": "cosine",
            "beta": run.settings["beta"],
            "max_length": choose_max_length(run, model),
            "logging_steps": 1,
        }
        | settings,
    )


# --- the trainings --------------------------------------------------------------------------------


def train_preferences(
    run: Run, model, tokenizer, name: str, pairs: list[Pair], loss_type=("sigmoid", "sft")
) -> Tuned:
    """DPO, with an SFT term on the chosen answers; for ``chosen_only`` SFT on them and nothing else."""
    if name == "chosen_only":
        return train_chosen_only(run, model, tokenizer, pairs, run.settings["learning_rate"])
    config = make_dpo_config(run, model, loss_type=list(loss_type))
    rows = [pair.row() for pair in pairs]
    return run.train(dpo_trainer(model, tokenizer, rows, config, make_lora_config()))


def train_chosen_only(run: Run, model, tokenizer, pairs: list[Pair], rate: float) -> Tuned:
    """The rival: the same pairs, steps and rate, but it never sees a rejected answer."""
    from trl import SFTConfig

    config = trainer_config(
        SFTConfig,
        run.machine,
        num_train_epochs=1,
        per_device_train_batch_size=run.settings["batch_size"],
        learning_rate=rate,
        lr_scheduler_type="cosine",
        max_length=choose_max_length(run, model),
    )
    rows = [pair.as_completion() for pair in pairs]
    return run.train(sft_trainer(model, tokenizer, rows, config, make_lora_config()))


def save_whole_adapter(run: Run, model, pairs: PairSet) -> None:
    """SFT and DPO in one adapter of the untouched base, so that ``labs chat --adapter`` can load it.

    ``model`` is the SFT model with DPO's adapter, which is taken off.
    """
    folder = run.folder / "dpo_only"
    model.save_pretrained(folder)
    base = model.unload()
    stack_adapters(base, [sft_folder(run, pairs.language), folder], run.folder / "adapter")
    run.artifact(run.folder / "adapter")
