"""The count of a moment on the real model, from a moment on the tiny one."""

import pytest
import torch
from budget import (
    HOST_LIMIT_GB,
    LIMIT_GIB,
    ROUNDING,
    moments,
    role_elements,
    sides,
    worst,
)
from machines import MACHINES, REAL, encoder_bytes, real_model

from lab_helpers.labs.lab03.memory_check import measure_peak
from lab_helpers.models.known_configs import linear_shapes
from lab_helpers.runtime.profiles import load_profile
from lab_helpers.tuning import quantization
from lab_helpers.tuning.memory import GIB, Plan, weight_bytes

LINEAR, EMBEDDING, SIDES = 1000, 400, 80
ASKED = {
    "method": "lora", "r": 8, "targets": ["a.q_proj", "a.v_proj", "a.o_proj"], "training": "sft", "batch": 4,
    "longest": 100, "limit": 512, "checkpointing": True, "reference": False,
}  # fmt: skip


def sample(what="loaded", copies=1, bytes_each=2, words=0, rest=0, place="cuda", **asked) -> dict:
    held = {
        f"{place} linear": copies * bytes_each * LINEAR,
        f"{place} embedding": copies * bytes_each * EMBEDDING,
    }
    return {
        "what": what, "where": "04_sft.py cell 9", "asked": asked, "before": {"cuda words": words},
        "models": held, "loose": {}, "rest": rest, "copies": copies, "four_bit": False,
    }  # fmt: skip


def run_of(*samples) -> dict:
    elements = {"linear": LINEAR, "embedding": EMBEDDING}
    return {"samples": [*samples], "elements": elements, "sides": SIDES, "words": 100}


@pytest.mark.parametrize("profile", ["t4", "gpu"])
def test_a_copy_in_sixteen_bits_weighs_what_labs_fit_counts(profile):
    [moment] = {m.weights for m in moments(run_of(sample()), profile, "04")}
    counted = sum(weight_bytes(real_model(profile), Plan(method="lora")).values())
    assert moment == pytest.approx(counted, rel=1e-3), "all but norms and biases"
    assert sum(role_elements(real_model(profile)).values()) <= linear_shapes(real_model(profile))[1]


def test_two_copies_fit_a_t4_and_three_or_float32_ones_do_not_fit_with_a_training():
    step = ASKED | {"batch": 16, "longest": 600}

    def needed(copies, bytes_each):
        return worst(run_of(sample("train", copies, bytes_each, **step)), "t4", "04")["gib"]

    assert needed(2, 2) < LIMIT_GIB["t4"] < needed(2, 4)
    assert needed(3, 2) > needed(2, 2) + 2.8


def test_what_is_asked_for_is_added_and_the_larger_demand_counts():
    few, many = (sample("generate", rows=n, length=100, scored=50) for n in (2, 64))
    small, large = (worst(run_of(one), "t4", "00")["gib"] for one in (few, many))
    assert large > small
    assert worst(run_of(few, many), "t4", "00")["gib"] == large


def test_logits_are_those_that_lay_there_until_the_next_sample():
    asked = {"rows": 4, "length": 50, "kept": 50, "gradients": False}
    after = sample("trained", words=4 * 50 * 100 * 2)
    with_logits = worst(run_of(sample("pass", **asked), after), "t4", "04")["gib"]
    without = worst(run_of(sample("pass", **asked), sample("trained")), "t4", "04")["gib"]
    real = 4 * 50 * 151_936 * 2 * 1.5 / GIB
    assert with_logits - without == pytest.approx(real, rel=1e-3)


def test_an_adapter_is_scaled_by_the_sides_of_the_matrices():
    bare, rank_8 = (moments(run_of(sample(rest=r)), "t4", "04")[0] for r in (0, 4 * 8 * SIDES))
    assert rank_8.weights - bare.weights == 4 * 8 * sides("Qwen2.5 1.5B")


def test_weights_on_the_cpu_are_the_machines_memory():
    on_card, off_card = (worst(run_of(sample(place=p)), "gpu", "04") for p in ("cuda", "cpu"))
    assert off_card["host"] - on_card["host"] > 8
    assert on_card["host"] < HOST_LIMIT_GB < off_card["host"]


def test_lab_07_holds_the_encoder_too():
    beside = worst(run_of(sample()), "t4", "07")["gib"] - worst(run_of(sample()), "t4", "04")["gib"]
    assert beside == pytest.approx(encoder_bytes("t4") / GIB, rel=0.01)
    assert encoder_bytes("t4") / 4 == pytest.approx(118e6, rel=0.01)
    assert encoder_bytes("gpu") / 4 == pytest.approx(278e6, rel=0.01)


def test_every_larger_profiles_model_has_known_shapes():
    names = {load_profile(machine.profile).language_model for machine in MACHINES.values()}
    assert {name.partition("@")[0] for name in names} <= set(REAL)


@pytest.mark.parametrize("kind", list(quantization.CODES))
def test_rounding_one_matrix_takes_no_more_than_is_assumed(kind, one_thread):
    matrix = torch.randn(512, 512).half()

    def work():
        return quantization.quantize(matrix.float(), kind).dequantize().to(matrix)

    assert measure_peak(work, "cpu") / matrix.numel() <= ROUNDING
