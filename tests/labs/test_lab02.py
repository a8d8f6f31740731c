"""Lab 02: its cells on a random model, batches and losses, arms compared, capacity, energy, counts."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from lab_helpers.course.claims import load_claims
from lab_helpers.course.registry import get_lab
from lab_helpers.course.running import run_program
from lab_helpers.course.session import LabSession, Request
from lab_helpers.labs.lab02 import energy, rows, scoring
from lab_helpers.labs.lab02.capacity import (
    CapacityTask,
    capacity_figure,
    capacity_metrics,
    measure_capacity,
)
from lab_helpers.labs.lab02.counts import COUNTED, count_metrics
from lab_helpers.labs.lab02.model import load_model_to_tune
from lab_helpers.labs.shared import arms, support
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.profiles import load_profile
from lab_helpers.tuning.lora import init_lora, lora_forward
from lab_helpers.tuning.lora_counts import lora_counts

pytestmark = pytest.mark.usefixtures("one_thread")


# --- the cells ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def short_run(tiny_chat_model, tmp_path_factory, one_thread):
    """Every cell on a random model of two blocks: two seeds, two rates, four steps, a dozen rows."""
    folder = tmp_path_factory.mktemp("lab02")
    pick, batches, gold = LabSession.pick, rows.make_batches, support.gold_rows

    def few(self, **values):
        value = pick(self, **values)
        return value[:2] if isinstance(value, list) else value

    def few_batches(examples, batch_size, steps, *rest, **named):
        return batches(examples, batch_size, min(steps, 4), *rest, **named)

    request = Request(load_profile("tiny"), 3, folder, str(tiny_chat_model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(folder))
        patch.setattr(LabSession, "pick", few)
        patch.setattr(rows, "make_batches", few_batches)
        patch.setattr(support, "gold_rows", lambda *asked: gold(*asked)[:12])
        run_program(get_lab("02").source, request)
    return request.opened.run


def test_every_metric_that_a_claim_names_is_measured(short_run):
    for claim in load_claims():
        if claim.lab == "02":
            assert claim.verdict(short_run.metrics) != "not measured yet"
            assert claim.measured_text(short_run.metrics)


def test_the_tables_and_artifacts_of_the_lab(short_run):
    tables = {
        "first steps",
        "adapter sizes",
        "counts",
        "capacity",
        "learning rates",
        "arms",
        "ranks",
    }
    assert set(short_run.tables) == tables | {"targets", "tone"}
    figures = {"idea", "spectrum", "rank_view", "counts", "capacity", "learning_rates", "arms"}
    figures |= {"ranks", "targets"}
    assert {"adapter", *(f"{name}.png" for name in figures)} <= set(short_run.artifacts)


def test_lora_by_hand_trains_as_pefts_does(short_run):
    found = short_run.metrics
    assert found["step0_max_abs_diff"] == 0
    assert found["hand_lora_max_abs_diff"] <= 1e-6
    assert found["hand_curve_max_abs_diff"] <= 1e-6
    assert found["adapter_effect"] > 1e-4
    assert found["merge_max_abs_diff"] <= 1e-4
    assert found["unmerge_max_abs_diff"] <= 1e-4
    assert found["peft_max_abs_diff_merged"] <= 1e-4
    assert found["base_hash_unchanged"] == 1


def test_adamw_moves_a_in_step_2_though_its_gradient_is_small(short_run):
    first, second, _ = short_run.tables["first steps"]
    assert first["gradient of A"] == 0
    assert first["gradient of B"] > 0
    assert second["A moved by"] > 0.5e-3
    assert short_run.metrics["same_rate_move_ratio"] > 1


def test_a_weight_costs_sixteen_bytes(short_run):
    assert short_run.metrics["bytes_per_weight_full"] == pytest.approx(16)


def test_pefts_adapter_is_float32_unless_told_otherwise(short_run):
    default, narrow = short_run.tables["adapter sizes"]
    assert (default["kind"], narrow["kind"]) == ("float32", "bfloat16")
    assert narrow["bytes"] < 0.75 * default["bytes"]


def test_a_model_with_other_names_is_refused(tiny_chat_model, monkeypatch, tmp_path):
    request = Request(load_profile("tiny"), 0, tmp_path, "some/model")
    monkeypatch.setattr(
        "lab_helpers.labs.lab02.model.load_language_model",
        lambda name, **_: (nn.ModuleDict({"c_attn": nn.Linear(2, 2)}), None),
    )

    class Asked:
        model, settings, profile = request.model, {}, request.profile

    with pytest.raises(BadInput, match="no layer called q_proj"):
        load_model_to_tune(Asked)


# --- batches and losses ---------------------------------------------------------------------------


def example(tokens: int, answer: int) -> dict:
    ids = list(range(5, 5 + tokens))
    return {"input_ids": ids, "labels": [-100] * (tokens - answer) + ids[tokens - answer :]}


def test_padding_is_neither_read_nor_learned():
    batch = rows.pad_examples([example(3, 1), example(5, 2)])
    assert batch["input_ids"].tolist() == [[5, 6, 7, 0, 0], [5, 6, 7, 8, 9]]
    assert batch["labels"].tolist() == [[-100, -100, 7, -100, -100], [-100, -100, -100, 8, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]


def test_each_pass_over_the_rows_takes_every_row_once():
    examples = [example(3 + i % 7, 2) for i in range(20)]
    batches = rows.make_batches(examples, 4, 10, seed=0)
    lengths = [sorted(int(b["attention_mask"].sum()) for b in batches[i : i + 5]) for i in (0, 5)]
    assert len(batches) == 10
    assert sum(lengths[0]) == sum(lengths[1]) == sum(len(e["input_ids"]) for e in examples)
    again, other = (rows.make_batches(examples, 4, 10, seed=seed) for seed in (0, 1))
    assert all(torch.equal(a["input_ids"], b["input_ids"]) for a, b in zip(batches, again, strict=True))  # fmt: skip
    assert any(a["input_ids"].shape != b["input_ids"].shape or not torch.equal(a["input_ids"], b["input_ids"]) for a, b in zip(batches, other, strict=True))  # fmt: skip


@pytest.fixture(scope="module")
def model(tiny_chat_model):
    from lab_helpers.models.language_models import load_language_model

    return load_language_model(str(tiny_chat_model))[0]


def test_a_row_has_the_loss_that_the_model_gives_it_alone(model):
    examples = [example(9, 4), example(6, 2), example(12, 7)]
    found = scoring.measure_losses(model, examples, batch_size=2)
    for loss, one in zip(found, examples, strict=True):
        assert loss == pytest.approx(model(**rows.pad_examples([one])).loss.item(), rel=1e-4)


def test_two_models_differ_where_their_logits_do(model):
    other, batch = copy.deepcopy(model), rows.pad_examples([example(5, 2)])
    assert scoring.measure_difference(model, other, batch) == 0
    with torch.no_grad():
        other.lm_head.weight += 0.5
    assert scoring.measure_difference(model, other, batch) > 0


def test_a_fingerprint_sees_frozen_weights_only(model):
    net = copy.deepcopy(model).requires_grad_(False)
    net.lm_head.weight = nn.Parameter(net.lm_head.weight.clone())
    before = scoring.hash_weights(net)
    with torch.no_grad():
        net.lm_head.weight += 1
    assert scoring.hash_weights(net) == before
    with torch.no_grad():
        net.model.layers[0].self_attn.q_proj.weight[0, 0] += 1e-4
    assert scoring.hash_weights(net) != before


def test_bytes_are_counted_by_their_kind():
    assert scoring.count_bytes([torch.zeros(3), torch.zeros(2, dtype=torch.bfloat16)]) == 16


# --- arms -----------------------------------------------------------------------------------------


def test_a_difference_is_decided_by_its_interval_and_by_every_seed():
    questions = np.linspace(1, 3, 30)
    clear = arms.compare_arms(np.stack([questions - 0.5] * 2), np.stack([questions] * 2))
    assert clear["difference"] == pytest.approx(-0.5)
    assert clear["each seed"] == pytest.approx([-0.5, -0.5])
    assert clear["decided"] == "decided"
    torn = arms.compare_arms(
        np.stack([questions - 1.0, questions + 0.2]), np.stack([questions] * 2)
    )
    assert torn["interval"][1] < 0
    assert torn["decided"] == "not decided", "the seeds disagree"
    noise = np.random.default_rng(0).normal(size=(2, 30))
    assert arms.compare_arms(noise, noise[::-1])["decided"] == "not decided"


def test_the_sign_of_what_is_decided_is_a_metric():
    low, high = np.ones((2, 9)), np.ones((2, 9)) * 2
    ends = {"x_ci": [-1, -1], "x_low": -1, "x_high": -1}
    assert arms.comparison_metrics("x", low, high) == {"x": -1, **ends, "x_decided": -1}
    assert arms.comparison_metrics("x", high, low)["x_decided"] == 1
    assert arms.comparison_metrics("x", low, low)["x_decided"] == 0


def test_rows_of_a_comparison_leave_the_reference_bare():
    first, second = arms.comparison_rows({"a": np.ones((1, 4)), "b": np.ones((1, 4)) * 3}, "a")
    assert (first["arm"], first["loss"], first["difference"]) == ("a", 1, "–")
    assert list(first) == list(second)
    assert second["difference"] == 2


def grid(losses: dict[tuple[str, float], float]) -> list[dict]:
    return [
        {"method": method, "learning_rate": rate, "seed": seed, "loss": loss + seed / 100,
         "losses": np.full(5, loss + seed / 100)}
        for (method, rate), loss in losses.items()
        for seed in (0, 1)
    ]  # fmt: skip


def test_the_ratio_of_rates_carries_what_the_grid_leaves_open():
    found = grid({
        ("full", 1e-4): 2.0, ("full", 1e-3): 1.0, ("full", 1e-2): 3.0,
        ("LoRA", 1e-3): 2.0, ("LoRA", 1e-2): 1.5, ("LoRA", 1e-1): 1.5,
    })  # fmt: skip
    assert arms.possible_rates(found, "full") == [1e-3]
    assert arms.possible_rates(found, "LoRA") == [1e-2, 1e-1]
    metrics = arms.rate_metrics(found)
    assert (metrics["lora_rate"], metrics["full_rate"]) == (1e-2, 1e-3)
    assert metrics["rate_ratio"] == pytest.approx(10)
    assert metrics["rate_ratio_ci"] == pytest.approx([10, 100])


def test_a_rate_that_diverged_is_never_chosen_nor_possible():
    found = grid({("LoRA", 1e-1): float("nan"), ("LoRA", 1e-2): 1.0})
    assert arms.choose_rate(found) == 1e-2
    assert arms.possible_rates(found, "LoRA") == [1e-2]


def test_rates_are_tabled_with_each_seed():
    [row] = arms.rate_rows(grid({("LoRA", 1e-2): 1.0}))
    assert row["loss"] == pytest.approx(1.005)
    assert row["each seed"] == pytest.approx([1.0, 1.01])


# --- capacity -------------------------------------------------------------------------------------


class Layer(nn.Module):
    """What a learner writes in the cell."""

    def __init__(self, base, r, alpha):
        super().__init__()
        self.base, self.r, self.alpha = base, r, alpha
        self.A, self.B = map(nn.Parameter, init_lora(base.out_features, base.in_features, r))

    def forward(self, x):
        return lora_forward(x, self.base, self.A, self.B, self.alpha, self.r)


def test_more_rank_stores_more():
    task = CapacityTask(width=16, pairs=16, steps=150, learning_rate=2e-2)
    left = {r: task.measure_loss(Layer, r, r, rank_stabilized=False, seed=0) for r in (1, 4, 16)}
    assert 0 <= left[16] < left[4] < left[1] < 1
    assert left[16] < 0.2


def test_no_steps_learn_nothing_and_a_seed_repeats():
    still = CapacityTask(width=8, pairs=8, steps=1, learning_rate=0.0)
    assert still.measure_loss(Layer, 2, 2, False, 0) == 1
    task = CapacityTask(width=8, pairs=8, steps=20)
    once = task.measure_loss(Layer, 2, 8, True, seed=1)
    assert once == task.measure_loss(Layer, 2, 8, True, seed=1)
    assert once != task.measure_loss(Layer, 2, 8, True, seed=2)
    assert once != task.measure_loss(Layer, 2, 8, False, seed=1)


def test_capacity_has_a_row_for_each_scaling_and_rank_over_the_seeds():
    task = CapacityTask(width=8, pairs=8, steps=5)
    found = measure_capacity(task, Layer, [0, 1], ranks=(1, 4), alpha=8)
    assert [(row["scaling"], row["r"]) for row in found] == [
        ("alpha/r", 1),
        ("alpha/r", 4),
        ("alpha/sqrt(r)", 1),
        ("alpha/sqrt(r)", 4),
    ]
    expected = np.mean([task.measure_loss(Layer, 4, 8, True, seed) for seed in (0, 1)])
    assert found[3]["loss"] == pytest.approx(expected)
    assert len(capacity_figure(found).axes[0].lines) == 2


def test_what_capacity_tells():
    losses = {("alpha/r", 1): 0.8, ("alpha/r", 64): 0.5, ("alpha/sqrt(r)", 1): 0.8, ("alpha/sqrt(r)", 64): 0.2}  # fmt: skip
    found = [{"scaling": name, "r": r, "loss": loss} for (name, r), loss in losses.items()]
    assert capacity_metrics(found) == {
        "rank_capacity_loss_ratio": pytest.approx(4),
        "rslora_gain_high_rank": pytest.approx(0.3),
    }


# --- energy and counts ----------------------------------------------------------------------------


def test_deltas_are_those_of_the_blocks_matrices(model):
    after = copy.deepcopy(model)
    with torch.no_grad():
        after.model.layers[1].mlp.up_proj.weight += 0.25
    found = energy.matrix_deltas(model, after)
    assert len(found) == 2 * 7
    assert float(found["layers.1.mlp.up_proj"].mean()) == pytest.approx(0.25, rel=1e-3)
    assert not found["layers.0.mlp.up_proj"].any()


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


def test_counts_carry_the_claims_numbers():
    found = count_metrics([lora_counts(*choice) for choice in COUNTED])
    assert found["ratio_llama3_8b_r16_qv"] == pytest.approx(1178, rel=0.01)
    assert found["adapter_mb_llama3_8b_r16_qv"] == pytest.approx(27.3, rel=0.01), "float32"
    assert found["adapter_mb_smallest"] < 10
    assert found["adapter_mb_largest"] > 1000
