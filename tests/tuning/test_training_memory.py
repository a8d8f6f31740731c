"""The memory calculator: bytes by hand, published figures, and what it refuses."""

from dataclasses import replace

import pytest

from lab_helpers.models.known_configs import linear_shapes
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.lora_counts import lora_counts
from lab_helpers.tuning.memory import (
    GIB,
    GPUS,
    METHODS,
    TERMS,
    Plan,
    fit,
    fits,
    four_bit_bytes,
    largest_that_fits,
    methods_compared,
    optimizer_bytes,
    pageable_bytes,
    terms,
    trainable_shapes,
    weight_bytes,
    weight_cut,
)

pytestmark = pytest.mark.usefixtures("one_thread")
LLAMA = "Llama 3 8B"


def test_four_bits_by_hand():
    """128 numbers: 64 bytes, 2 scales, 16 floats of code book; doubly 2 bytes + a float, offset, 256 floats more."""
    assert four_bit_bytes(128, double=False) == 64 + 2 * 4 + 16 * 4
    assert four_bit_bytes(128) == 64 + 2 + 4 + 4 + (16 + 256) * 4
    assert four_bit_bytes(65, double=False) == 33 + 2 * 4 + 16 * 4


def test_a_large_matrix_takes_4_5_and_4_127_bits():
    count = 4096 * 14336
    assert 8 * four_bit_bytes(count, double=False) / count == pytest.approx(4.5, abs=1e-3)
    assert 8 * four_bit_bytes(count) / count == pytest.approx(4.127, abs=1e-3)


@pytest.mark.parametrize(
    ("model", "cut"), [(LLAMA, 0.645), ("Llama 3 70B", 0.720), ("Gemma 2 2B", 0.575)]
)
def test_whole_models_shrink_by_less_than_three_quarters(model, cut):
    assert weight_cut(model) == pytest.approx(cut, abs=5e-4)
    assert weight_cut(model, double=False) < weight_cut(model)


def test_weights_by_hand():
    linear, total = linear_shapes(LLAMA)
    inside = sum(d * k for d, k in linear.values())
    found = weight_bytes(LLAMA, Plan(method="qlora"))
    assert found["weights_wide"] == 2 * (total - inside)
    assert found["weights_4bit"] == sum(four_bit_bytes(d * k) for d, k in linear.values())
    assert weight_bytes(LLAMA, Plan(method="lora")) == {
        "weights_4bit": 0,
        "weights_wide": 2 * total,
        "copies": 0,
    }
    full = weight_bytes(LLAMA, Plan(method="full"))
    tile = 32768 * 4096  # of the head, TRL's fused loss casts so many rows at a time
    assert full == {"weights_4bit": 0, "weights_wide": 4 * total, "copies": 2 * (inside + tile)}
    whole = weight_bytes(LLAMA, Plan(method="full", logits="full"))["copies"]
    assert whole == 2 * (inside + 128256 * 4096)
    assert weight_bytes(LLAMA, Plan(method="full", train_bytes=2))["copies"] == 0


def test_the_papers_full_fine_tuning_of_65b_is_above_780_gb():
    """QLoRA's abstract: 16-bit fine-tuning of 65B takes more than 780 GB, which is 12 bytes a parameter."""
    _, total = linear_shapes("Llama 3 70B")
    found = fit("Llama 3 70B", Plan(method="full", train_bytes=4))
    assert sum(found["terms"].values()) > 12 * total


def test_what_trains_is_counted_as_lab_02_counts_it():
    plan = Plan(method="qlora", r=8, targets="q, v")
    found = terms(LLAMA, plan)
    trained = lora_counts(LLAMA, 8, "q, v")["trainable"]
    assert found["adapter"] == found["gradients"] == 4 * trained
    assert found["optimizer"] == 8 * trained
    assert list(found) == list(TERMS)


def test_the_optimizer_by_hand():
    shapes = [((64, 64), False), ((10, 10), False), ((100, 100), True)]
    assert optimizer_bytes(shapes, "adamw", 4) == 8 * (4096 + 100 + 10_000)
    assert optimizer_bytes(shapes, "adamw", 2) == 4 * (4096 + 100 + 10_000)
    expected = 2 * (4096 + 4 * 16) + 8 * 100 + 8 * 10_000 + 2 * 256 * 4
    assert optimizer_bytes(shapes, "adamw_8bit", 4) == expected
    assert optimizer_bytes(shapes, "paged_adamw_8bit", 4) == expected
    assert optimizer_bytes(shapes[1:], "adamw_8bit", 4) == 8 * 10_100


def test_only_large_states_of_a_paged_optimizer_can_move():
    shapes = [((400, 400), False), ((64, 64), False)]
    assert pageable_bytes(shapes, Plan(optimizer="adamw")) == 0
    moved = pageable_bytes(shapes, Plan(optimizer="paged_adamw_8bit"))
    assert moved == optimizer_bytes(shapes[:1], "adamw_8bit", 4)


def test_all_parameters_train_in_full_fine_tuning():
    _, total = linear_shapes("Qwen2.5 0.5B")
    shapes = trainable_shapes("Qwen2.5 0.5B", Plan(method="full"))
    counts = []
    for shape, _ in shapes:
        count = 1
        for side in shape:
            count *= side
        counts.append(count)
    assert sum(counts) == total
    assert [shape for shape, embedding in shapes if embedding] == [(151936, 896)]


# Fitting


def test_seventy_billion_fits_neither_a_t4_nor_a_4090_but_48_gb():
    found = fit("Llama 3 70B", Plan())
    assert not found["fits"]["T4"]
    assert not found["fits"]["RTX 4090"]
    assert not found["fits"]["A100 40 GB"]
    assert found["fits"]["48 GB card"]
    assert found["gib"] == pytest.approx(sum(found["terms"].values()) / GIB)


def test_no_trick_brings_70b_onto_24_gb():
    plan = Plan(r=1, targets="q, v", sequence=1, optimizer="paged_adamw_8bit", train_bytes=2)
    assert not fit("Llama 3 70B", plan)["fits"]["RTX 4090"]


def test_the_reserve_counts():
    assert fits({"weights": int(14 * GIB)})["T4"]
    assert not fits({"weights": int(14.5 * GIB)})["T4"]
    assert fits({"weights": int(14.5 * GIB)}, pageable=GIB)["T4"]


def test_methods_are_ordered():
    full, lora, qlora = (row["gib"] for row in methods_compared("Qwen2.5 1.5B", Plan()))
    assert full > lora > qlora
    assert [row["plan"]["method"] for row in methods_compared("Qwen2.5 1.5B", Plan())] == [*METHODS]


def test_the_largest_that_fits():
    models = ("Qwen2.5 0.5B", "Qwen2.5 1.5B", "Llama 3 70B")
    assert largest_that_fits("T4", Plan(), models) == "Qwen2.5 1.5B"
    assert largest_that_fits("T4", Plan(), ("Llama 3 70B",)) is None


@pytest.mark.parametrize(
    ("change", "more"),
    [
        ({"sequence": 1024}, ["activations"]),
        ({"batch": 2}, ["activations"]),
        ({"checkpointing": False}, ["activations"]),
        ({"r": 32}, ["adapter", "gradients", "optimizer"]),
        ({"double": False}, ["weights_4bit"]),
    ],
)
def test_each_setting_changes_its_own_terms(change, more):
    plan = Plan(r=16)
    before, after = terms("Qwen2.5 1.5B", plan), terms("Qwen2.5 1.5B", replace(plan, **change))
    changed = [name for name in before if after[name] != before[name]]
    assert set(more) <= set(changed) <= {*more, "activations"}
    assert all(after[name] > before[name] for name in more)


def test_the_eight_bit_optimizer_is_a_quarter():
    plain, small = (terms(LLAMA, Plan(optimizer=name)) for name in ("adamw", "adamw_8bit"))
    assert small["optimizer"] / plain["optimizer"] == pytest.approx(0.254, abs=0.001)


# Refusals


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "magic"}, "unknown method 'magic'"),
        ({"optimizer": "sgd"}, "unknown optimizer 'sgd'"),
        ({"targets": "everything"}, "unknown targets 'everything'"),
        ({"r": 0}, "r is 0"),
        ({"sequence": -5}, "sequence is -5"),
        ({"batch": 0}, "batch is 0"),
        ({"batch": 1.5}, "batch is 1.5"),
        ({"train_bytes": 3}, "train_bytes is 3"),
        ({"wide": 8}, "wide is 8"),
    ],
)
def test_impossible_plans_are_refused(settings, said):
    with pytest.raises(BadInput, match=said):
        Plan(**settings)


def test_an_unknown_model_is_refused():
    with pytest.raises(BadInput, match="unknown model 'Llama 9'"):
        fit("Llama 9", Plan())


def test_gpus_are_sorted_by_memory():
    assert list(GPUS.values()) == sorted(GPUS.values())
