"""What a sweep draws from, and what it says at its end."""

import optuna
import pytest
from torch import nn

from lab_helpers.tuning.sweep_space import SweepSpace, fitting_targets, lora_settings, settings_code

DRAWN = {"r": 8, "alpha_over_r": 0.5, "targets": "q,v", "dropout": 0.0, "learning_rate": 1.2345e-4}


def test_alpha_is_drawn_as_a_multiple_of_r():
    assert lora_settings(DRAWN)["lora_alpha"] == 4
    assert lora_settings(DRAWN | {"r": 64, "alpha_over_r": 4})["lora_alpha"] == 256


def test_a_trial_draws_within_the_space():
    space = SweepSpace(ranks=(4, 8), learning_rates=(1e-5, 1e-4))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        found = space.suggest(study.ask())
        assert found["r"] in (4, 8)
        assert 1e-5 <= found["learning_rate"] <= 1e-4


def test_settings_as_code():
    code = settings_code(DRAWN, {"max_steps": 60, "lr_scheduler_type": "cosine", "bf16": False})
    assert code.splitlines()[3:] == [
        "adapter = LoraConfig(",
        "    r=8,",
        "    lora_alpha=4,",
        '    target_modules=["q_proj", "v_proj"],',
        "    lora_dropout=0.0,",
        '    task_type="CAUSAL_LM",',
        ")",
        "training = SFTConfig(",
        "    learning_rate=0.000123,",
        "    max_steps=60,",
        '    lr_scheduler_type="cosine",',
        "    bf16=False,",
        ")",
    ]


@pytest.mark.parametrize(
    ("names", "fitting"),
    [
        (("q_proj", "k_proj", "v_proj", "o_proj"), ("q,v", "q,k,v,o", "all-linear")),
        (("q_proj", "v_proj"), ("q,v", "all-linear")),
        (("c_attn", "c_proj"), ("all-linear",)),
    ],
)
def test_layers_that_a_model_does_not_have_are_not_tried(names, fitting):
    model = nn.ModuleDict({"block": nn.ModuleDict({name: nn.Linear(2, 2) for name in names})})
    assert fitting_targets(model) == fitting
