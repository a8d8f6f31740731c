"""Preference training through TRL: losses equal to those by hand, the reference, and wrong input."""

import math

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from test_pairs import ROWS, config

from lab_helpers.labs.lab05.loss_parity import (
    compute_losses_by_hand,
    measure_first_loss,
    measure_loss_parity,
)
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.dpo import dpo_trainer
from lab_helpers.tuning.pairs import answer_logps, pair_logps, preference_pairs
from lab_helpers.tuning.trainers import Tuned, run_trainer

pytestmark = pytest.mark.usefixtures("one_thread")


def lora(**settings) -> LoraConfig:
    return LoraConfig(
        r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM", **settings
    )


@pytest.fixture
def loaded(tiny_chat_model):
    return load_language_model(str(tiny_chat_model))


def short(tmp_path, **settings):
    usual = {"max_steps": 3, "learning_rate": 1e-2, "logging_steps": 1, "save_strategy": "no"}
    return config(tmp_path, **(usual | {"per_device_train_batch_size": 3} | settings))


def tune(model, tokenizer, pairs, settings, adapter=None, **options) -> Tuned:
    return run_trainer(dpo_trainer(model, tokenizer, pairs, settings, adapter, **options), "DPO")


def test_every_loss_by_hand_is_trls_to_1e_5(loaded, tmp_path):
    rows = measure_loss_parity(*loaded, ROWS, short(tmp_path), lora())
    assert [row["loss"] for row in rows] == ["sigmoid", "ipo", "robust", "sigmoid_norm", "sft", "ld_alpha"]  # fmt: skip
    assert all(row["difference"] <= 1e-5 for row in rows), rows
    # The comparison would prove nothing at the start, where every sigmoid is ln 2.
    assert abs(rows[0]["by hand"] - math.log(2)) > 1e-3
    assert len({round(row["TRL"], 4) for row in rows}) == len(rows)


def test_parity_holds_where_answers_are_cut(loaded, tmp_path):
    rows = measure_loss_parity(*loaded, ROWS, short(tmp_path, max_length=40), lora())
    assert all(row["difference"] <= 1e-5 for row in rows), rows


def test_the_first_loss_is_ln_2_and_the_log_begins_there(loaded, tmp_path):
    tuned = tune(*loaded, ROWS, short(tmp_path), lora())
    assert tuned.losses[0] == pytest.approx(math.log(2), abs=1e-6)
    assert tuned.losses[-1] < tuned.losses[0]
    assert len(tuned.losses) == 3
    assert tuned.curve("rewards/chosen")[0] == (1, 0)
    assert not tuned.model.training


def test_the_trainers_log_probabilities_are_ours(loaded, tmp_path):
    model, tokenizer = loaded
    before = answer_logps(model, tokenizer, preference_pairs(ROWS))
    tuned = tune(model, tokenizer, ROWS, short(tmp_path), lora())
    logged = [tuned.curve(f"logps/{side}")[0][1] for side in ("chosen", "rejected")]
    assert logged == pytest.approx([values.mean().item() for values in before], rel=1e-5)


def test_the_margin_grows_and_the_base_stays(loaded, tmp_path):
    model, tokenizer = loaded
    weights = {name: p.detach().clone() for name, p in model.named_parameters()}
    tuned = tune(model, tokenizer, ROWS, short(tmp_path, max_steps=20), lora())
    assert isinstance(tuned.model, PeftModel)
    logps = pair_logps(tuned.model, tokenizer, preference_pairs(ROWS))
    assert (logps.margin > 0).all()
    base = tuned.model.unload()
    assert all(torch.equal(p, weights[name]) for name, p in base.named_parameters())


def test_full_training_is_held_to_the_model_as_it_is_now(loaded, tmp_path):
    """A model tuned in memory: its reference is that state, and the first loss proves it."""
    model, tokenizer = loaded
    with torch.no_grad():
        model.lm_head.weight.mul_(1.5)
    assert tune(model, tokenizer, ROWS, short(tmp_path)).losses[0] == pytest.approx(math.log(2))


def test_left_alone_trl_takes_the_state_on_disk_for_the_reference(loaded, tmp_path):
    """The trap that the lab shows: no error, only a first loss that is not ln 2."""
    model, tokenizer = loaded
    untouched = measure_first_loss(model, tokenizer, ROWS, short(tmp_path))
    assert untouched == pytest.approx(math.log(2), abs=1e-6)
    model, tokenizer = load_language_model(model.config._name_or_path)
    with torch.no_grad():
        model.lm_head.weight.mul_(1.5)
    wrong = measure_first_loss(model, tokenizer, ROWS, short(tmp_path))
    assert abs(wrong - math.log(2)) > 0.05
    right = measure_first_loss(model, tokenizer, ROWS, short(tmp_path), lora())
    assert right == pytest.approx(math.log(2), abs=1e-6)


def test_a_trained_adapter_goes_on_from_a_copy_of_itself(loaded, tmp_path):
    """Without a new adapter, TRL keeps a frozen ``ref`` beside ``default``: the start is ln 2 again."""
    torch.manual_seed(0)
    model = get_peft_model(loaded[0], lora(init_lora_weights=False))
    tuned = tune(model, loaded[1], ROWS, short(tmp_path))
    assert set(tuned.model.peft_config) == {"default", "ref"}
    assert tuned.losses[0] == pytest.approx(math.log(2), abs=1e-6)


def test_a_reference_of_ones_own_is_used(loaded, tmp_path):
    other, _ = load_language_model(loaded[0].config._name_or_path)
    with torch.no_grad():
        other.lm_head.weight.mul_(1.5)
    tuned = tune(*loaded, ROWS, short(tmp_path), lora(), reference=other)
    assert abs(tuned.losses[0] - math.log(2)) > 0.05


def test_the_same_seed_gives_the_same_losses(tiny_chat_model, tmp_path):
    runs = []
    for noise in (0, 1):
        torch.manual_seed(noise)
        runs.append(tune(*load_language_model(str(tiny_chat_model)), ROWS, short(tmp_path), lora()))  # fmt: skip
    assert runs[0].losses == runs[1].losses


def test_held_out_pairs_are_evaluated(loaded, tmp_path):
    settings = short(tmp_path, eval_strategy="steps", eval_steps=1)
    tuned = tune(*loaded, ROWS, settings, lora(), evaluation=ROWS[:1])
    assert len(tuned.curve("eval_loss")) == 3
    assert tuned.curve("eval_rewards/accuracies")


def test_by_hand_needs_the_adapter_only(loaded):
    """At the start of an adapter every sigmoid loss is ln 2, whatever the answers are."""
    model = get_peft_model(loaded[0], lora()).eval()
    losses = compute_losses_by_hand(model, loaded[1], ROWS, None)
    for name in ("sigmoid", "robust", "sigmoid_norm", "ld_alpha"):
        assert losses[name].item() == pytest.approx(math.log(2))
    assert losses["ipo"].item() == pytest.approx(25)


# Wrong input


@pytest.mark.parametrize(
    ("rows", "settings", "words"),
    [
        ([], {}, "no pairs"),
        ([{"prompt": "?", "chosen": "a", "rejected": "a"}], {}, "the same"),
        ([{"prompt": "?", "answer": "a"}], {}, "no chosen and no rejected"),
        (ROWS, {"max_length": 5}, "nothing to compare in any pair"),
        (ROWS, {"learning_rate": 0.0}, "no weight would move"),
        ([ROWS[0] | {"prompt": "word " * 2000}], {"max_length": None}, "reads 1,024 at once"),
    ],
)
def test_what_cannot_train_is_refused_before_the_first_step(
    loaded, tmp_path, rows, settings, words
):
    with pytest.raises(BadInput, match=words):
        tune(*loaded, rows, short(tmp_path, **settings), lora())


def test_answers_that_differ_only_beyond_the_cut_are_refused(loaded, tmp_path):
    same = "The lamp is warm and " * 8
    row = {"prompt": "?", "chosen": same + "quiet.", "rejected": same + "loud."}
    with pytest.raises(BadInput, match="nothing to compare"):
        tune(*loaded, [row], short(tmp_path, max_length=40), lora())


def test_pairs_that_are_partly_cut_away_are_told(loaded, tmp_path):
    rows = [*ROWS, ROWS[0] | {"prompt": "warm " * 60}]
    with pytest.warns(UserWarning, match="1 of 4 pairs"):
        dpo_trainer(*loaded, rows, short(tmp_path, max_length=60), lora())


def test_an_adapter_on_an_adapter_is_refused_with_the_way_out(loaded, tmp_path):
    with pytest.raises(BadInput, match="merge_and_unload"):
        tune(get_peft_model(loaded[0], lora()), loaded[1], ROWS, short(tmp_path), lora())


def test_a_model_without_a_trainable_weight_is_refused(loaded, tmp_path):
    """After an adapter was loaded and merged, every weight is still frozen."""
    with pytest.raises(BadInput, match="no weight of the model is trainable"):
        tune(loaded[0].requires_grad_(False), loaded[1], ROWS, short(tmp_path))


def test_a_reference_with_another_vocabulary_is_refused(loaded, tmp_path):
    other, _ = load_language_model(loaded[0].config._name_or_path)
    other.resize_token_embeddings(500)
    with pytest.raises(BadInput, match="vocabulary of 500"):
        tune(*loaded, ROWS, short(tmp_path), lora(), reference=other)


def test_an_adapter_for_layers_that_are_not_there_is_refused(loaded, tmp_path):
    wrong = LoraConfig(r=4, target_modules=["query"], task_type="CAUSAL_LM")
    with pytest.raises(BadInput, match="no layer called query"):
        tune(*loaded, ROWS, short(tmp_path), wrong)


def test_settings_that_trl_refuses_are_told_in_one_line(loaded, tmp_path):
    with pytest.raises(BadInput, match="DPOTrainer"):
        tune(*loaded, ROWS, short(tmp_path, loss_type=["exo_pair"]), lora())
