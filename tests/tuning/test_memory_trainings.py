"""DPO, GRPO, PPO and reward models: which models lie in memory, and what generation and logits take."""

from dataclasses import replace
from math import prod

import pytest

from lab_helpers.models.known_configs import linear_shapes
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.memory import (
    GENERATION,
    GIB,
    LOGITS,
    OTHER_MODELS,
    TERMS,
    TRAININGS,
    Plan,
    fit,
    logits_compared,
    phases,
    terms,
    weight_bytes,
)
from lab_helpers.tuning.memory_weights import head_shape, trainable_shapes

pytestmark = pytest.mark.usefixtures("one_thread")
QWEN, LLAMA = "Qwen2.5 0.5B", "Llama 3 8B"
SHORT = {"sequence": 64, "completion": 64, "generations": 4}


def still(model: str, **settings) -> dict[str, int]:
    return terms(model, Plan(**settings), activations=False)


# Models


def test_supervised_tuning_has_no_other_model():
    assert list(still(QWEN)) == list(TERMS)


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_a_reference_with_the_adapter_off_costs_nothing(method):
    found = still(LLAMA, method=method, training="dpo")
    assert list(found) == [*TERMS, *OTHER_MODELS]
    assert found["reference"] == found["value_model"] == found["reward_model"] == 0


@pytest.mark.parametrize("train_bytes", [2, 4])
def test_a_full_dpo_loads_its_reference_like_the_policy(train_bytes):
    found = still(LLAMA, method="full", training="dpo", train_bytes=train_bytes)
    assert found["reference"] == found["weights_wide"] == train_bytes * linear_shapes(LLAMA)[1]
    assert still(LLAMA, method="full", training="dpo", reference=False)["reference"] == 0


def test_grpo_has_a_reference_only_where_beta_is_not_zero():
    """TRL's default is β = 0.0: ``GRPOTrainer`` then loads none."""
    assert still(QWEN, method="full", training="grpo")["reference"] == 0
    found = still(QWEN, method="full", training="grpo", reference=True)
    assert found["reference"] == found["weights_wide"]


def test_trls_defaults_are_those():
    from trl import DPOConfig, GRPOConfig

    grpo = GRPOConfig.__dataclass_fields__
    assert (grpo["beta"].default, grpo["num_generations"].default) == (0.0, Plan.generations)
    assert grpo["max_completion_length"].default == Plan.completion
    assert DPOConfig.__dataclass_fields__["precompute_ref_log_probs"].default is False


def test_ppos_four_models():
    """Policy and value train, reference and reward are read: 16 bytes a parameter twice, 4, 2 (mixed precision)."""
    total = linear_shapes(LLAMA)[1]
    words, width = head_shape(LLAMA)
    scored = total - words * width + width
    found = still(LLAMA, method="full", training="ppo")
    assert found["weights_wide"] == found["reference"] == 4 * total
    assert found["value_model"] == 4 * scored
    assert found["reward_model"] == 2 * scored
    assert found["gradients"] == 4 * (total + scored)
    assert found["optimizer"] == 8 * (total + scored)


def test_ppo_with_adapters_has_two_of_them():
    one = still(LLAMA, method="qlora", training="sft")
    both = still(LLAMA, method="qlora", training="ppo")
    score = 4 * head_shape(LLAMA)[1]
    assert both["adapter"] == 2 * one["adapter"] + score
    assert both["reference"] == 0
    assert both["value_model"] == both["reward_model"] < one["weights_4bit"] + one["weights_wide"]


def test_a_reward_model_by_name():
    small = still(LLAMA, training="ppo", reward_model=QWEN)
    assert small["reward_model"] < still(LLAMA, training="ppo")["reward_model"]
    assert still(LLAMA, training="grpo", reward_model=QWEN)["reward_model"] == small["reward_model"]
    assert still(LLAMA, training="grpo")["reward_model"] == 0


def test_a_reward_model_has_a_score_for_a_head():
    words, width = head_shape(LLAMA)
    whole, scored = (
        weight_bytes(LLAMA, Plan("lora", training=training))["weights_wide"]
        for training in ("sft", "reward")
    )
    assert whole - scored == 2 * (words - 1) * width
    assert trainable_shapes(LLAMA, Plan("lora", training="reward"))[-1] == ((1, width), False)
    trained = trainable_shapes(LLAMA, Plan("full", training="reward"))
    assert sum(prod(shape) for shape, _ in trained) == linear_shapes(LLAMA)[1] - (words - 1) * width


def test_tied_words_stay_with_a_reward_model():
    plan = Plan("lora", training="reward")
    total, width = linear_shapes(QWEN)[1], head_shape(QWEN)[1]
    assert weight_bytes(QWEN, plan)["weights_wide"] == 2 * (total + width)


# Steps


def test_a_pair_is_two_texts():
    one, pair = (
        terms(QWEN, Plan("lora", training=training, **SHORT))["activations"]
        for training in ("sft", "dpo")
    )
    assert 1.8 * one < pair < 2.3 * one


def test_the_reference_reads_while_the_policys_graph_is_alive():
    plan = Plan("lora", training="dpo", sequence=512, batch=2, checkpointing=False)
    without = replace(plan, reference=False)
    assert terms(QWEN, plan)["activations"] > terms(QWEN, without)["activations"]


def test_a_reward_models_step_has_no_logits():
    reward = terms(QWEN, Plan("lora", training="reward", sequence=512))["activations"]
    full = terms(QWEN, Plan("lora", training="dpo", sequence=512, logits="full"))["activations"]
    words, _ = head_shape(QWEN)
    assert full - reward > 2 * 512 * words * 4


def test_full_logits_are_those_of_the_completions():
    """Batch × completion × words: in 16 bits, and in 32 with their softmax and its gradient."""
    words, _ = head_shape(QWEN)
    settings = {"training": "grpo", "logits": "full", "batch": 4, "sequence": 512}
    few, many = (
        terms(QWEN, Plan("lora", completion=completion, **settings))["activations"]
        for completion in (128, 256)
    )
    a_token = (many - few) / (4 * 128 * words)
    assert 10 <= a_token <= 17


# Generation


def test_generating_and_training_do_not_meet():
    found = terms(QWEN, Plan("lora", training="grpo", batch=4, **SHORT))
    assert list(found) == [*TERMS, *OTHER_MODELS, *GENERATION]
    parts = phases(found)
    assert parts["training"] == sum(found.values()) - found["kv_cache"] - found["generation"]
    apart = found["gradients"] + found["activations"] + found["copies"]
    assert parts["generating"] == sum(found.values()) - apart
    row = fit(QWEN, Plan("lora", training="grpo", batch=4, **SHORT))
    assert row["gib"] == max(parts.values()) / GIB


@pytest.mark.parametrize(
    ("batch", "generations", "written"), [(1, 8, 8), (8, 8, 8), (4, 8, 8), (16, 8, 16), (6, 4, 12)]
)
def test_all_completions_of_a_prompt_are_written_at_once(batch, generations, written):
    plan = Plan(training="grpo", batch=batch, generations=generations)
    assert plan.written_at_once == written
    assert replace(plan, training="ppo").written_at_once == batch


def test_trl_takes_exactly_such_batches(tmp_path):
    from trl import GRPOConfig

    for batch, generations in ((1, 8), (6, 4)):
        plan = Plan(training="grpo", batch=batch, generations=generations)
        settings = GRPOConfig(
            output_dir=str(tmp_path),
            use_cpu=True,
            bf16=False,
            per_device_train_batch_size=batch,
            num_generations=generations,
            generation_batch_size=plan.written_at_once,
        )
        assert settings.generation_batch_size == plan.written_at_once


def test_longer_completions_and_more_of_them_take_more():
    plan = Plan("lora", training="grpo", batch=2, **SHORT)
    less, longer, more = (
        terms(QWEN, one)
        for one in (plan, replace(plan, completion=192), replace(plan, generations=16))
    )
    assert longer["kv_cache"] == 2 * less["kv_cache"]
    assert more["kv_cache"] == 4 * less["kv_cache"]
    assert longer["activations"] > less["activations"] == more["activations"]


# Logits


@pytest.mark.parametrize("training", TRAININGS)
def test_what_trl_does_is_the_default(training):
    plan = Plan("lora", training=training, **SHORT)
    ways = logits_compared(QWEN, plan)
    if training == "reward":
        assert ways == {}
        return
    assert list(ways) == [way for way in LOGITS if way != "trl"]
    assert fit(QWEN, plan)["gib"] == ways["full" if training == "ppo" else "fused"]


def test_the_three_ways_of_a_long_batch():
    ways = logits_compared("Qwen2.5 1.5B", Plan(batch=8))
    assert [round(ways[way], 2) for way in ("fused", "fused_torch", "full")] == [2.43, 5.59, 8.65]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"training": "rlhf"}, "unknown training 'rlhf'"),
        ({"logits": "none"}, "unknown logits 'none'"),
        ({"generations": 0}, "generations is 0"),
        ({"completion": -1}, "completion is -1"),
        ({"completion": True}, "completion is True"),
        ({"sequence": 10**9}, "sequence is 1000000000"),
    ],
)
def test_impossible_plans_are_refused(settings, said):
    with pytest.raises(BadInput, match=said):
        Plan(**settings)


def test_a_training_given_as_a_method_is_pointed_out():
    with pytest.raises(BadInput, match="unknown method 'dpo'") as caught:
        Plan(method="dpo")
    assert "--training dpo" in caught.value.fix
