"""Lab 08: ranks in use, the tables, the new token, the second task."""

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model

from lab_helpers.course.claims import load_claims
from lab_helpers.labs.lab08 import configs, new_tokens, scoring
from lab_helpers.labs.lab08.four_bit import load_four_bit
from lab_helpers.labs.shared.training import train_arm
from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.sft import prompt_completion

pytestmark = pytest.mark.usefixtures("one_thread")
LM = {"task_type": "CAUSAL_LM"}
ROWS = prompt_completion(
    [
        {"question": "What colour is the sky?", "answer": "It is blue, and sometimes grey."},
        {"question": "Hello", "answer": "Good day."},
        {"question": "How much is the lamp?", "answer": "It costs 900 yen."},
    ]
)


class FakeRun:
    """What a loader and a training ask of a run."""

    seed = 0

    def __init__(self, model, folder):
        self.model_name = str(model)
        self.machine = {
            "output_dir": str(folder), "use_cpu": True, "bf16": False, "report_to": "none",
            "logging_steps": 1, "activation_checkpointing": False, "disable_tqdm": True,
        }  # fmt: skip

    def train(self, trainer, *, diverged):
        from lab_helpers.tuning.trainers import run_trainer

        return run_trainer(trainer, "test", diverged=diverged)


@pytest.fixture
def run(tiny_chat_model, tmp_path):
    return FakeRun(tiny_chat_model, tmp_path)


def test_ranks_are_the_singular_values_that_are_not_zero(run):
    config = configs.adalora_config(60)
    model = get_peft_model(load_language_model(run.model_name)[0], config)
    first = next(p for name, p in model.named_parameters() if "lora_E" in name)
    with torch.no_grad():
        for name, values in model.named_parameters():
            if "lora_E" in name:
                values.fill_(1.0)
        first[:5] = 0
    found = scoring.count_ranks(model)
    assert sorted(found) == ["0.o_proj", "0.v_proj", "1.o_proj", "1.v_proj"]
    assert sorted(found.values()) == [7, 12, 12, 12]


LOSSES = {
    "LoRA": np.array([[2.0, 2.2, 1.9], [2.1, 2.2, 1.9]]),
    "prompt tuning": np.array([[4.0, 4.1, 4.0], [4.0, 4.3, 4.0]]),
    "prompt from text": np.array([[3.0, 3.1, 3.0], [3.0, 3.3, 3.0]]),
}
SIZES = {
    name: {"parameters": 100 if name == "LoRA" else 10, "bytes": 1000, "seconds": 1.0}
    for name in LOSSES
}


def test_the_table_is_sorted_and_compares_with_one_method():
    rows = scoring.method_rows(LOSSES, SIZES, "LoRA")
    assert [row["method"] for row in rows] == ["LoRA", "prompt from text", "prompt tuning"]
    assert rows[0]["minus LoRA"] == "–"
    assert rows[2]["minus LoRA"] > 1.9
    assert rows[2]["decided"] == "decided"


def test_quality_is_the_share_of_the_untuned_loss_that_is_gone():
    found = scoring.method_metrics(LOSSES, SIZES, untuned=8.0)
    assert found["methods"]["LoRA"]["quality"] == pytest.approx(1 - LOSSES["LoRA"].mean() / 8)
    low, high = found["methods"]["LoRA"]["quality_ci"]
    assert low <= found["methods"]["LoRA"]["quality"] <= high
    assert found["methods_not_behind_best"] == 1
    level = scoring.method_metrics({"a": LOSSES["LoRA"], "b": LOSSES["LoRA"].copy()},
                                   {"a": SIZES["LoRA"], "b": SIZES["LoRA"]}, 8.0)  # fmt: skip
    assert level["methods_not_behind_best"] == 2


def test_claim_25_can_come_out_both_ways():
    claim = next(claim for claim in load_claims() if claim.id == "25")
    methods = scoring.method_metrics(LOSSES, SIZES, 8.0)["methods"]
    grid = [
        {"method": "prompt tuning", "loss": 6.0},
        {"method": "prompt from text", "loss": 3.0},
        {"method": "prompt tuning", "loss": float("nan")},
        {"method": "LoRA", "loss": 0.1},
    ]
    varies = scoring.prompt_metrics(grid, methods, 8.0)
    assert varies["prompt_tuning_quality_spread"] == pytest.approx(3 / 8)
    assert varies["prompt_tuning_parameters_over_lora"] == pytest.approx(0.1)
    assert claim.verdict(varies) == "true"
    steady = scoring.prompt_metrics(
        [row | {"loss": 3.0} for row in grid if np.isfinite(row["loss"])], methods, 8.0
    )
    assert claim.verdict(steady) == "conditional"


def test_a_new_token_is_trained_only_where_it_is_asked_for(run):
    token = "<|new|>"
    load = new_tokens.load_with_token(token)
    rows = new_tokens.rows_with_token(ROWS, token)
    assert rows[0]["completion"][0]["content"].startswith(token)
    assert not ROWS[0]["completion"][0]["content"].startswith(token)
    moved = {}
    for trained in (False, True):
        model, tokenizer = load(run)
        number = tokenizer.convert_tokens_to_ids(token)
        more = {"trainable_token_indices": [number]} if trained else {}
        pupil = get_peft_model(model, LoraConfig(r=2, target_modules=["v_proj"], **LM, **more))
        optimizer = torch.optim.AdamW([p for p in pupil.parameters() if p.requires_grad], lr=1e-2)
        for batch in new_tokens.make_batches(tokenizer, rows, 2, 3, pupil.device):
            assert batch["input_ids"].shape == batch["labels"].shape
            pupil(**batch).loss.backward()
            optimizer.step(), optimizer.zero_grad()
        moved[trained] = new_tokens.measure_token(pupil.eval(), tokenizer, rows, number)
    assert moved[False].moved == 0
    assert moved[True].moved > 0
    assert moved[True].probability > moved[False].probability


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_second_task_has_one_word_answers(language):
    rows = new_tokens.kind_examples(language, "train", 5)
    assert len(rows) == 5
    assert all(len(row["completion"][0]["content"].split()) <= 3 for row in rows)


def test_an_arm_trains_with_the_cells_settings_and_callbacks(run):
    from transformers import TrainerCallback

    class Count(TrainerCallback):
        steps = 0

        def on_optimizer_step(self, *arguments, **rest):
            Count.steps += 1

    settings = {"max_steps": 2, "per_device_train_batch_size": 2, "max_length": 64}
    config = LoraConfig(r=2, target_modules=["v_proj"], **LM)
    arm = train_arm(run, ROWS, settings, config, callbacks=(Count(),), learning_rate=1e-2)
    assert Count.steps == 2
    assert len(arm.losses) == 2
    assert arm.stopped == "finished"


def test_the_base_in_four_bits_takes_dora(run):
    from lab_helpers.models.four_bit import four_bit_layers

    model, _ = load_four_bit(run)
    assert four_bit_layers(model)
    config = LoraConfig(r=2, use_dora=True, target_modules=["v_proj"], **LM)
    tuned = get_peft_model(model, config)
    loss = tuned(input_ids=torch.tensor([[5, 6, 7]]), labels=torch.tensor([[5, 6, 7]])).loss
    loss.backward()
    magnitudes = [p for name, p in tuned.named_parameters() if "magnitude" in name]
    assert magnitudes
    assert all(float(p.grad.abs().sum()) > 0 for p in magnitudes)
