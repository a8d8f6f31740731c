"""Lab 02: its cells on a tiny encoder, parity with PEFT, capacity, energy, and what is told of the trainings."""

import dataclasses

import numpy as np
import pytest
import torch
from peft import LoraConfig

from lab_helpers.course.claims import load_claims
from lab_helpers.course.registry import get_lab
from lab_helpers.course.running import run_program
from lab_helpers.course.session import Request
from lab_helpers.labs.lab02 import energy, parity, training
from lab_helpers.labs.lab02.capacity import CapacityTask, capacity_metrics, measure_capacity
from lab_helpers.labs.lab02.counts import COUNTED
from lab_helpers.models.encoders import load_encoder
from lab_helpers.runtime.profiles import load_profile
from lab_helpers.tuning.lora import LoraLinear, add_lora
from lab_helpers.tuning.lora_counts import lora_counts
from lab_helpers.tuning.transfer import TextEncoder

pytestmark = pytest.mark.usefixtures("one_thread")

TEXTS = ["the heater is loud", "my lamp broke", "a very good box, and it works"]
SETTINGS = {
    "rows": 20,
    "epochs": 1,
    "batch_size": 10,
    "learning_rate": 5e-3,
    "head_learning_rate": 2e-3,
    "seeds": [0, 1],
}


@pytest.fixture
def encoder(tiny_bert):
    return TextEncoder(str(tiny_bert), 32)


# --- the cells ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def short_run(tiny_bert, tmp_path_factory, one_thread):
    """Every cell on the tiny encoder, which has two blocks of width 16, for one epoch each."""
    folder, profile = tmp_path_factory.mktemp("lab02"), load_profile("tiny")
    table = profile.lab("02") | SETTINGS | {"full_epochs": 1}
    profile = dataclasses.replace(profile, tables=profile.tables | {"lab02": table})
    request = Request(profile, 3, folder, str(tiny_bert))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(folder))
        run_program(get_lab("02").source, request)
    return request.opened.run


def test_every_metric_that_a_claim_names_is_measured(short_run):
    for claim in load_claims():
        if claim.lab == "02":
            assert claim.verdict(short_run.metrics) != "not measured yet"
            assert claim.measured_text(short_run.metrics)


def test_the_tables_and_artifacts_of_the_lab(short_run):
    assert set(short_run.tables) == {"counts", "capacity", "ranks", "targets", "learning rates"}
    figures = {"spectrum", "rank_view", "counts", "capacity", "targets"}
    assert {"adapter", *(f"{name}.png" for name in figures)} <= set(short_run.artifacts)
    assert len(short_run.tables["ranks"]) == 3 * len(SETTINGS["seeds"])
    assert len(short_run.tables["targets"]) == 3 * len(SETTINGS["seeds"])


def test_the_base_is_never_touched(short_run):
    assert short_run.metrics["base_hash_unchanged"] == 1


# --- parity ---------------------------------------------------------------------------------------


def test_by_hand_and_peft_agree_at_every_stage(encoder, tmp_path):
    found = parity.measure_peft_parity(encoder, TEXTS, tmp_path, r=4, alpha=64, seed=3)
    assert found["step0_max_abs_diff"] == 0
    for stage in ("peft_max_abs_diff_forward", "peft_max_abs_diff_merged"):
        assert found[stage] <= 1e-6, stage
    for stage in ("merge_max_abs_diff", "unmerge_max_abs_diff"):
        assert found[stage] <= 1e-5, stage
    assert found["adapter_effect"] > 1e-4
    assert (found["adapted_matrices_qv"], found["linear_matrices_total"]) == (4, 13)
    size = (tmp_path / "adapter" / "adapter_model.safetensors").stat().st_size
    assert found["adapter_bytes"] == size
    assert found["adapter_bytes_rel_error"] == pytest.approx(size / (4 * 4 * 4 * 32) - 1)


def test_a_wrong_scaling_would_be_seen(encoder, tmp_path, monkeypatch):
    right = LoraLinear.forward
    monkeypatch.setattr(LoraLinear, "forward", lambda self, x: 2 * right(self, x) - self.base(x))
    found = parity.measure_peft_parity(encoder, TEXTS, tmp_path, r=4, alpha=64, seed=3)
    assert found["peft_max_abs_diff_forward"] > 1e-4


def test_a_base_weight_that_merging_and_unmerging_does_not_give_back_would_be_seen(
    encoder, tmp_path, monkeypatch
):
    monkeypatch.setattr(LoraLinear, "unmerge", lambda self: setattr(self, "merged", False))
    found = parity.measure_peft_parity(encoder, TEXTS, tmp_path, r=4, alpha=64, seed=3)
    assert found["unmerge_max_abs_diff"] > 1e-4


@pytest.fixture
def adapted(tiny_bert):
    """The tiny encoder with an adapter that does something, and the adapter's layers."""
    model = load_encoder(str(tiny_bert))
    add_lora(model, ["query", "value"], 2, 4)
    layers = [layer for layer in model.modules() if isinstance(layer, LoraLinear)]
    with torch.no_grad():
        for layer in layers:
            layer.B += 1
    return model, layers


def test_the_hash_of_the_frozen_weights_ignores_the_adapter(adapted):
    model, layers = adapted
    before = parity.hash_frozen_weights(model)
    with torch.no_grad():
        for layer in layers:
            layer.A += 1
            layer.B -= 3
    assert parity.hash_frozen_weights(model) == before


def test_the_hash_of_the_frozen_weights_sees_one_changed_weight(adapted):
    model, layers = adapted
    before = parity.hash_frozen_weights(model)
    with torch.no_grad():
        layers[-1].base.weight[0, 0] += 1e-4
    assert parity.hash_frozen_weights(model) != before


def test_the_hash_of_the_frozen_weights_sees_a_merge(adapted):
    model, layers = adapted
    before = parity.hash_frozen_weights(model)
    layers[0].merge()
    assert parity.hash_frozen_weights(model) != before


# --- capacity -------------------------------------------------------------------------------------


def test_more_rank_stores_more():
    task = CapacityTask(width=16, pairs=16, steps=150, learning_rate=2e-2)
    left = {r: task.measure_loss(r, alpha=r, rank_stabilized=False, seed=0) for r in (1, 4, 16)}
    assert 0 <= left[16] < left[4] < left[1] < 1
    assert left[16] < 0.2


def test_no_steps_learn_nothing_and_a_seed_repeats():
    assert (
        CapacityTask(width=8, pairs=8, steps=1, learning_rate=0.0).measure_loss(2, 2, False, 0) == 1
    )
    task = CapacityTask(width=8, pairs=8, steps=20)
    assert task.measure_loss(2, 8, True, seed=1) == task.measure_loss(2, 8, True, seed=1)
    assert task.measure_loss(2, 8, True, seed=1) != task.measure_loss(2, 8, True, seed=2)
    assert task.measure_loss(2, 8, True, seed=1) != task.measure_loss(2, 8, False, seed=1)


def test_capacity_has_a_row_for_each_scaling_and_rank_over_the_seeds():
    task = CapacityTask(width=8, pairs=8, steps=5)
    rows = measure_capacity(task, [0, 1], ranks=(1, 4), alpha=8)
    assert [(row["scaling"], row["r"]) for row in rows] == [
        ("alpha/r", 1),
        ("alpha/r", 4),
        ("alpha/sqrt(r)", 1),
        ("alpha/sqrt(r)", 4),
    ]
    expected = np.mean([task.measure_loss(4, 8, True, seed) for seed in (0, 1)])
    assert rows[3]["loss"] == pytest.approx(expected)


def test_what_capacity_tells():
    losses = {("alpha/r", 1): 0.8, ("alpha/r", 64): 0.5, ("alpha/sqrt(r)", 1): 0.8, ("alpha/sqrt(r)", 64): 0.2}  # fmt: skip
    rows = [{"scaling": name, "r": r, "loss": loss} for (name, r), loss in losses.items()]
    assert capacity_metrics(rows) == {
        "rank_capacity_loss_ratio": pytest.approx(4),
        "rslora_gain_high_rank": pytest.approx(0.3),
    }


# --- energy ---------------------------------------------------------------------------------------


def test_energies_are_those_of_the_square_matrices_beside_noise():
    generator = torch.Generator().manual_seed(0)
    delta = {
        "query": torch.outer(torch.arange(1.0, 17), torch.ones(16)),
        "up": torch.randn(32, 16, generator=generator),
    }
    energies, reference = energy.compute_energies(delta, 0)
    assert set(energies) == {"query"}
    assert energies["query"] == pytest.approx(np.ones(16), abs=1e-5)
    assert reference.shape == (16,)
    assert reference[0] < 0.5
    found = energy.energy_metrics(energies, reference)
    assert found["energy_top_1"] == pytest.approx(1)
    assert found["energy_top_64"] == pytest.approx(1), "a narrow matrix ends before"
    assert found["rank_for_90_percent"] == 1
    assert found["energy_top_8_random"] == pytest.approx(reference[7])


def test_the_rank_that_holds_90_percent_is_counted_from_one():
    curve = np.array([0.3, 0.6, 0.89, 0.95, 1, 1, 1, 1])
    assert energy.energy_metrics({"one": curve}, curve)["rank_for_90_percent"] == 4


# --- trainings ------------------------------------------------------------------------------------


def test_the_counts_of_the_lab_are_those_it_records():
    choices = {(row["model"], row["r"], row["targets"]) for row in (lora_counts(*choice) for choice in COUNTED)}  # fmt: skip
    assert choices == set(COUNTED)


def test_one_training_leaves_the_base_as_it_was(encoder):
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["query", "value"])
    settings = SETTINGS | {"epochs": 4}
    found = training.train_lora(encoder, config, settings, 0)
    assert found["base_unchanged"] == 1
    assert found["parameters"] == 2 * 2 * 2 * (16 + 16), "two blocks, q and v, r = 2"
    assert 0 <= found["accuracy"] <= 1
    assert found == training.train_lora(encoder, config, settings, 0, settings["learning_rate"])
    assert found["loss"] != training.train_lora(encoder, config, settings, 0, 0.5)["loss"]


def test_the_sets_of_targets_have_equally_many_parameters_in_a_block_of_minilm():
    width, mlp = 384, 1536
    attention, up_and_down = 2 * width, width + mlp
    ranks = {name: r for name, (r, _) in training.EQUAL_PARAMETERS.items()}
    counts = {
        ranks["q, v"] * 2 * attention,
        ranks["MLP"] * 2 * up_and_down,
        ranks["all linear"] * (4 * attention + 2 * up_and_down),
    }
    assert counts == {69_120}


def rank_row(r: int, times: int, accuracy: float, unchanged: int = 1) -> dict:
    return {"r": r, "times": times, "accuracy": accuracy, "base_unchanged": unchanged}


def test_the_larger_rank_is_held_against_the_same_and_against_twice_the_steps():
    rows = [rank_row(1, 1, 0.4), rank_row(1, 1, 0.6), rank_row(45, 1, 0.8), rank_row(1, 2, 0.75)]
    found = training.rank_metrics(rows)
    assert found["rank_1_accuracy"] == pytest.approx(0.5)
    assert found["rank_real_task_gain"] == pytest.approx(0.3)
    assert found["rank_patient_gain"] == pytest.approx(0.05)
    assert found["base_hash_unchanged"] == 1
    touched = training.rank_metrics([*rows, rank_row(45, 1, 0.8, unchanged=0)])
    assert touched["base_hash_unchanged"] == 0


def test_targets_are_held_against_q_and_v():
    means = {"q, v": 0.6, "MLP": 0.5, "all linear": 0.7}
    rows = [
        {"targets": name, "accuracy": mean + step, "parameters": 829_440}
        for name, mean in means.items()
        for step in (-0.1, 0.1)
    ]
    found = training.target_metrics(rows)
    assert found["equal_params_mlp"] == pytest.approx(0.5)
    assert found["equal_params_best_minus_qv"] == pytest.approx(0.1)
    axis = training.target_figure(rows).axes[0]
    assert [bar.get_height() for bar in axis.patches] == pytest.approx(list(means.values()))
    assert list(axis.lines[0].get_ydata()) == pytest.approx([0.5, 0.7]), "the range over seeds"
    assert axis.get_title() == "829,440 parameters each", "twelve blocks of E5, not MiniLM's six"
