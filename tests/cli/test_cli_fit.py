"""``labs fit``: the table, the JSON, and one line for every bad input."""

import json
from dataclasses import replace

import pytest

from lab_helpers.runtime.errors import EXIT_BAD_INPUT
from lab_helpers.tuning import memory

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def fit(labs):
    """Run ``labs fit``: exit code, standard output, standard error."""
    return lambda *arguments: labs("fit", *arguments)


@pytest.fixture(scope="module")
def config_file(tiny_chat_model):
    return tiny_chat_model / "config.json"


def test_three_methods_and_every_gpu(fit):
    code, out, err = fit("Qwen2.5 0.5B")
    assert (code, err) == (0, "")
    for said in ("full", "lora", "qlora", "4-bit weights", "optimizer", "together", *memory.GPUS):
        assert said in out
    assert "494,032,768" in out
    assert "Not counted" in out


def test_one_method(fit):
    _, out, _ = fit("Qwen2.5 0.5B", "--method", "lora")
    assert "qlora" not in out
    assert "4-bit weights" not in out


def test_japanese(fit):
    _, out, _ = fit("Qwen2.5 0.5B", "--method", "qlora", "--lang", "ja")
    for said in ("4 ビットの重み", "合計", "載る", "計算に含まれないもの"):
        assert said in out


def test_json_is_what_the_function_says(fit):
    options = ["--sequence", 256, "--batch", 2, "--rank", 8, "--targets", "q, v"]
    options += ["--optimizer", "paged_adamw_8bit", "--no-checkpointing", "--no-double"]
    code, out, _ = fit("Qwen2.5 0.5B", *options, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["gpus"] == memory.GPUS
    assert [plan["plan"]["method"] for plan in found["plans"]] == list(memory.METHODS)
    plan = memory.Plan(
        r=8,
        targets="q, v",
        sequence=256,
        batch=2,
        optimizer="paged_adamw_8bit",
        checkpointing=False,
        double=False,
    )
    expected = memory.fit("Qwen2.5 0.5B", plan)
    ways = memory.logits_compared("Qwen2.5 0.5B", plan)
    assert found["plans"][2] == expected | {"logits": ways}
    assert found["adapter"] is None
    assert set(found["smaller"]) <= set(memory.GPUS)


def test_a_paged_optimizer_shows_what_can_move(fit):
    _, out, _ = fit("Qwen2.5 0.5B", "--optimizer", "paged_adamw_8bit", "--method", "full")
    assert "of it pageable" in out


def test_a_folder_a_file_and_kotori(fit, tiny_chat_model, config_file):
    counts = [
        json.loads(fit(name, "--json", "--method", "qlora")[1])["plans"][0]["parameters"]
        for name in (tiny_chat_model, config_file, "kotori")
    ]
    assert counts[0] == counts[1] < counts[2]


def test_a_name_in_lower_case(fit):
    assert fit("qwen2.5 0.5b", "--method", "lora")[0] == 0


# Trainings


@pytest.mark.parametrize("training", memory.TRAININGS)
def test_every_training_has_its_terms_by_name(fit, training):
    options = ["--training", training, "--method", "lora", "--sequence", 64, "--completion", 64]
    code, out, err = fit("Qwen2.5 0.5B", *options)
    assert (code, err) == (0, "")
    assert ("while generating" in out) == (training in ("grpo", "ppo"))
    assert ("cache of keys and values" in out) == (training in ("grpo", "ppo"))
    assert ("value model" in out) == (training == "ppo")
    assert ("with full logits" in out) == (training in ("sft", "dpo", "grpo"))
    assert f"{training}: r=16" in out


def test_a_full_dpo_shows_its_reference(fit):
    assert "reference model" in fit("Qwen2.5 0.5B", "--training", "dpo", "--method", "full")[1]
    alone = fit("Qwen2.5 0.5B", "--training", "dpo", "--method", "full", "--no-reference")[1]
    assert "reference model" not in alone


def test_generations_and_length_in_json(fit):
    options = ["--training", "grpo", "--method", "qlora", "--batch", 2, "--generations", 4]
    options += ["--sequence", 32, "--completion", 96, "--reward-model", "kotori", "--json"]
    code, out, _ = fit("Qwen2.5 0.5B", *options)
    (plan,) = json.loads(out)["plans"]
    assert code == 0
    assert plan["terms"]["kv_cache"] == 2 * 24 * 2 * 64 * 2 * 4 * 128
    assert plan["terms"]["reward_model"] > 0
    assert plan["gib"] == max(plan["phases"].values()) / memory.GIB
    assert set(plan["logits"]) == {"fused", "fused_torch", "full"}


def test_logits_as_they_were_before_trl_1_16(fit):
    plan = memory.Plan("qlora", batch=4)
    found = [
        json.loads(fit("Qwen2.5 0.5B", "--method", "qlora", "--batch", 4, *more, "--json")[1])
        for more in ([], ["--logits", "full"])
    ]
    sizes = [one["plans"][0]["terms"]["activations"] for one in found]
    assert sizes == [
        memory.terms("Qwen2.5 0.5B", replace(plan, logits=way))["activations"]
        for way in ("fused", "full")
    ]
    assert sizes[1] > 3 * sizes[0]


# Cards


def test_one_card_by_name_or_by_its_memory(fit):
    _, out, _ = fit("Qwen2.5 0.5B", "--gpu", "t4")
    assert "T4 (14.74)" in out
    assert "RTX" not in out
    for typed in ("12", "12GB", "12 gib"):
        assert "12 GiB" in fit("Qwen2.5 0.5B", "--method", "lora", "--gpu", typed)[1]


@pytest.mark.parametrize("typed", ["RTX 9000", "-4", "0", "nan", ""])
def test_an_unknown_card(fit, typed):
    code, out, err = fit("Qwen2.5 0.5B", "--gpu", typed)
    assert (code, out) == (EXIT_BAD_INPUT, "")
    assert "unknown card" in err
    assert "T4" in err


def test_a_card_that_is_too_small_shows_what_to_change(fit):
    _, out, _ = fit("Qwen2.5 1.5B", "--gpu", 2, "--batch", 8, "--method", "lora")
    assert "2 GiB: fits with --batch " in out
    assert "--method qlora" in out
    assert "nothing here helps" in fit("Qwen2.5 1.5B", "--gpu", 1, "--method", "qlora")[1]


def test_what_lies_still_alone(fit):
    code, out, _ = fit("Qwen2.5 0.5B", "--no-activations", "--method", "lora")
    assert code == 0
    assert "activations and generation are not counted" in out
    assert "fits" not in out


# Adapters


@pytest.fixture
def adapter(tmp_path):
    """A function that writes an adapter of ``base``; its folder."""

    def write(base, **settings):
        folder = tmp_path / "my_adapter"
        folder.mkdir()
        known = {"peft_type": "LORA", "r": 4, "target_modules": ["q_proj", "v_proj"]}
        known |= {"task_type": "CAUSAL_LM", "base_model_name_or_path": str(base)} | settings
        (folder / "adapter_config.json").write_text(json.dumps(known))
        return folder

    return write


def test_an_adapters_folder_names_its_base_rank_and_targets(fit, adapter, tiny_chat_model):
    folder = adapter(tiny_chat_model)
    code, out, err = fit(folder)
    assert (code, err) == (0, "")
    assert "my_adapter → " in out
    assert "LORA r=4, q_proj, v_proj" in out
    found = json.loads(fit(folder, "--json")[1])
    assert found["adapter"]["base"] == str(tiny_chat_model)
    assert [one["plan"]["method"] for one in found["plans"]] == ["lora", "qlora"]
    plan = memory.Plan("lora", r=4, targets="q, v")
    assert found["plans"][0]["terms"] == memory.terms(str(tiny_chat_model), plan)


def test_what_an_adapter_trains_is_what_peft_trains(fit, adapter):
    """A rank pattern, a layer saved whole, DoRA's magnitudes: no formula of ours."""
    folder = adapter("kotori", use_dora=True, rank_pattern={"v_proj": 16}, modules_to_save=["norm"])
    found = json.loads(fit(folder, "--json", "--method", "lora")[1])["plans"][0]["terms"]
    plain = memory.terms("kotori", memory.Plan("lora", r=4, targets="q, v"))
    assert found["adapter"] > plain["adapter"]


def test_an_adapter_whose_base_is_gone(fit, adapter):
    folder = adapter("/gone/base")
    code, out, err = fit(folder)
    assert (code, out) == (EXIT_BAD_INPUT, "")
    assert "/gone/base, which is not on this machine" in err
    assert "--base MODEL" in err
    assert fit(folder, "--base", "kotori")[0] == 0


def test_an_adapter_that_does_not_belong_to_the_base(fit, adapter):
    code, _, err = fit(adapter("kotori", target_modules=["query_key_value"]))
    assert code == EXIT_BAD_INPUT
    assert "PEFT cannot put this adapter on 'kotori'" in err
    assert len(err.strip().splitlines()) == 1


def test_a_base_without_an_adapter(fit):
    code, _, err = fit("kotori", "--base", "kotori")
    assert code == EXIT_BAD_INPUT
    assert "kotori is no adapter" in err


# Families


def test_a_mixture_shows_what_a_token_uses_and_what_stays_wide(fit):
    _, out, _ = fit("Qwen3 30B-A3B", "--method", "qlora", "--targets", "q, k, v, o")
    assert "3,353,032,704 of them active a token" in out
    assert "stay in 16 bits" in out


def test_a_family_that_cannot_be_gone_through(fit, tmp_path):
    from transformers import CONFIG_MAPPING

    CONFIG_MAPPING["xlnet"]().save_pretrained(tmp_path)
    code, out, err = fit(tmp_path)
    assert (code, out) == (EXIT_BAD_INPUT, "")
    assert "--no-activations" in err
    assert len(err.strip().splitlines()) == 1
    assert fit(tmp_path, "--no-activations")[0] == 0


# What cannot be used


def encoder(folder):
    path = folder / "config.json"
    path.write_text(json.dumps({"model_type": "bert", "hidden_size": 64}))
    return path


def translator(folder):
    path = folder / "config.json"
    path.write_text(json.dumps({"model_type": "t5", "d_model": 64}))
    return path


def text(folder, content):
    path = folder / "config.json"
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: "Llama 9", "unknown model 'Llama 9'"),
        (lambda folder: folder / "missing" / "config.json", "unknown model"),
        (lambda folder: folder, "holds no config.json"),
        (encoder, "is a bert model, which does not continue text"),
        (translator, "is a t5 model, which does not continue text"),
        (lambda folder: text(folder, "weights"), "is no model's config.json"),
        (lambda folder: text(folder, "{}"), "is no model's config.json"),
        (lambda folder: text(folder, '{"model_type": "unheard_of"}'), "is no model's config.json"),
        (lambda folder: text(folder, "[1, 2]"), "is no model's config.json"),
        (
            lambda folder: text(folder, '{"model_type": "llama", "hidden_size": -8}'),
            "is no model's config.json",
        ),
        (
            lambda folder: text(folder, '{"model_type": "llama", "vocab_size": -5}'),
            "no model can be built",
        ),
        (
            lambda folder: text(folder, '{"model_type": "llama", "num_attention_heads": 0}'),
            "config.json",
        ),
        (
            lambda folder: text(folder, '{"model_type": "llama", "num_hidden_layers": 1000000000}'),
            "has 1000000000 layers",
        ),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(fit, tmp_path, make, said):
    code, out, err = fit(make(tmp_path))
    assert (code, out) == (EXIT_BAD_INPUT, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sequence", "-1"], "sequence is -1"),
        (["--batch", "0"], "batch is 0"),
        (["--rank", "-16"], "r is -16"),
        (["--rank", "two"], "Invalid value for '--rank'"),
        (["--method", "magic"], "unknown method 'magic'"),
        (["--method", "grpo"], "--training grpo"),
        (["--training", "rlhf"], "unknown training 'rlhf'"),
        (["--logits", "some"], "unknown logits 'some'"),
        (["--completion", "0"], "completion is 0"),
        (["--generations", "-2"], "generations is -2"),
        (["--batch", "9999999", "--sequence", "9999999"], "tokens at a time"),
        (["--optimizer", "sgd"], "unknown optimizer 'sgd'"),
        (["--targets", "q_proj"], "unknown targets 'q_proj'"),
        (["--train-bytes", "8"], "train_bytes is 8"),
    ],
)
def test_bad_settings_are_refused_in_one_line(fit, options, said):
    code, out, err = fit("Qwen2.5 0.5B", *options)
    assert (code, out) == (EXIT_BAD_INPUT, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1
