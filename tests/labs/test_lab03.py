"""Lab 03: rounding, bits, QLoRA beside LoRA, merging, and the memory table."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from lab_helpers.course.record import Run
from lab_helpers.course.registry import get_lab
from lab_helpers.course.running import run_program
from lab_helpers.course.session import Request
from lab_helpers.labs.lab03 import (
    by_hand,
    memory,
    merging,
    rounding,
    scoring,
    second_rounding,
    training,
)
from lab_helpers.labs.shared.models import load_model
from lab_helpers.runtime.profiles import load_profile
from lab_helpers.tuning import quantization

pytestmark = pytest.mark.usefixtures("one_thread")


def run_of(folder, model=None, **sizes) -> Run:
    profile = load_profile("tiny")
    tables = profile.tables | {"lab03": profile.lab("03") | sizes}
    return Run("03", dataclasses.replace(profile, tables=tables), 3, folder, model)


@pytest.fixture(scope="module")
def short_run(tiny_chat_model, tmp_path_factory, one_thread):
    """Every cell on the tiny model, which is 32 wide: no multiple of a block."""
    folder = tmp_path_factory.mktemp("lab03")
    profile, rows = run_of(folder, check_sequence=16).profile, training.support_rows
    request = Request(profile, 3, folder, str(tiny_chat_model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_HOME", str(folder))
        patch.setattr(training, "support_rows", lambda *named: rows(*named)[:12])
        patch.setattr(memory, "MODELS", ("Qwen2.5 0.5B", "Llama 3 8B", "Llama 3 70B"))
        patch.setattr(scoring, "perplexity", lambda *arguments: 2.0)
        run_program(get_lab("03").source, request)
    return request.opened.run


def test_every_metric_that_a_claim_names_is_measured(short_run):
    from lab_helpers.course.claims import load_claims

    for claim in load_claims():
        if claim.lab == "03":
            assert claim.verdict(short_run.metrics) != "not measured yet"
            assert claim.measured_text(short_run.metrics)


def test_headline_metrics(short_run):
    metrics = short_run.metrics
    assert metrics["nf4_codes_equal"] == 1
    assert metrics["bits_per_parameter_nf4"] == 4.5
    assert metrics["bits_per_parameter_nf4_double"] == pytest.approx(4.127, abs=5e-4)
    assert metrics["eval_loss_lora"] < metrics["reply_loss_float"], "even twelve rows teach it"
    assert metrics["eval_loss_qlora"] < metrics["reply_loss_nf4"]
    low, high = metrics["qlora_loss_difference_ci"]
    assert low <= metrics["qlora_loss_difference"] <= high
    assert metrics["checkpointing_peak_share"] < 1
    assert metrics["exact_bytes_difference"] == 0
    assert metrics["largest_t4"] == "Llama 3 8B"
    assert metrics["largest_48gb"] == "Llama 3 70B"
    assert json.loads(json.dumps(metrics)) == metrics


def test_merging_into_floats_is_exact_and_into_four_bits_is_not(short_run):
    metrics = short_run.metrics
    assert metrics["merge_error_dequantized"] < 1e-5
    assert metrics["eval_loss_merged_dequantized"] == pytest.approx(metrics["eval_loss_apart"], rel=1e-4)  # fmt: skip
    assert metrics["merge_error_4bit"] > 0.05
    assert 0 < metrics["delta_relative_size"] < 1
    kept, noise = metrics["merge_kept_4bit"], metrics["merge_noise_4bit"]
    assert (1 - kept) ** 2 + noise**2 == pytest.approx(metrics["merge_error_4bit"] ** 2, rel=1e-4)


def test_figures_and_the_adapter_are_kept(short_run):
    figures = ("nf4", "code_books", "rounding", "training", "surviving", "memory")
    expected = {f"{name}.png" for name in figures} | {"qlora_adapter"}
    assert expected <= set(short_run.artifacts)
    assert all((short_run.folder / name).exists() for name in expected)
    trained = {"before_training", "after_training", "merging", "parts"}
    counted = {"optimizers", "checkpointing", "memory", "checked"}
    assert set(short_run.tables) == {"rounding"} | trained | counted


# The pieces


def test_one_wrong_bit_would_be_seen(monkeypatch):
    matrices = [torch.randn(64, 64)]
    assert rounding.is_equal_to_bitsandbytes(matrices)
    real = quantization.nearest
    monkeypatch.setattr(quantization, "nearest", lambda values, code: real(values * 0.99, code))
    assert not rounding.is_equal_to_bitsandbytes(matrices)


def test_a_wrong_code_book_would_be_seen(monkeypatch):
    codes = quantization.CODES | {"nf4": lambda: quantization.nf4_code(0.96)}
    monkeypatch.setattr(quantization, "CODES", codes)
    assert not rounding.is_equal_to_bitsandbytes([torch.randn(64, 64)])


@pytest.mark.parametrize(("double", "bits"), [(False, 4.5), (True, 4.127)])
def test_stored_bits_are_counted(double, bits):
    assert rounding.measure_stored_bits(double, (256, 1024)) == pytest.approx(bits, abs=2e-3)


def round_trip(matrix, code):
    """By the lab's own two functions, as its cells do it."""
    flat = matrix.float().reshape(-1)
    return by_hand.dequantize(*by_hand.quantize(flat, code, 64), code, 64).reshape(matrix.shape)


def test_rounding_rows_hold_every_pair():
    sets = {"a": {"x": torch.randn(8, 64)}, "b": {"y": torch.randn(8, 64)}}
    found = rounding.measure_rounding(sets, {k: make() for k, make in quantization.CODES.items()}, round_trip)  # fmt: skip
    assert len(found) == 2 * 3
    assert all(0.05 < row["error"] < 0.2 for row in found)


def test_the_standard_float_rounds_better_than_the_grid_and_bitsandbytes_float_worse():
    codes = {"int4": quantization.int4_code(), "fp4": quantization.fp4_code(), "e2m1": rounding.e2m1_code()}  # fmt: skip
    found = rounding.measure_rounding({"": {"x": rounding.draw_gaussian(0, 256)}}, codes, round_trip)  # fmt: skip
    errors = {row["code"]: row["error"] for row in found}
    assert errors["e2m1"] < errors["int4"] < errors["fp4"]


def test_only_the_linear_layers_are_rounded(tiny_chat_model):
    from lab_helpers.models.language_models import load_language_model

    names = rounding.linear_weights(load_language_model(str(tiny_chat_model))[0])
    assert len(names) == 2 * 7
    assert not any("embed" in name or "lm_head" in name for name in names)


def test_perplexity_rises_with_rounding(tmp_path):
    run = run_of(tmp_path)
    (model, tokenizer), (rounded, _) = load_model(run), load_model(run)
    found = {"float": scoring.story_perplexity(model, tokenizer, "en")}
    for kind in ("nf4", "fp4"):
        code = quantization.CODES[kind]()
        rounding.round_layers(rounded, model, lambda matrix, code=code: round_trip(matrix, code))
        found[kind] = scoring.story_perplexity(rounded, tokenizer, "en")
    assert found["float"] < found["nf4"] < found["fp4"]


def test_widths_of_whole_blocks_agree_with_the_library():
    for row in rounding.measure_widths():
        assert 0.05 < row["by hand"] < 0.12
        if row["width"] % 64 == 0:
            assert row["bitsandbytes"] == pytest.approx(row["by hand"])


def test_scaled_values_reach_one():
    values = rounding.scale_to_blocks({"x": torch.randn(4, 64), "y": torch.randn(2, 64)})
    assert len(values) == 6 * 64
    assert np.abs(values).max() == pytest.approx(1)


def keep(weights, delta, rounded):
    return merging.keep_after_rounding(*map(torch.tensor, (weights, delta, rounded)))


def test_what_a_merge_keeps_by_hand():
    weights, delta = [3.0, 0.0, 0.0], [0.0, 2.0, 0.0]
    whole = keep(weights, delta, [3.0, 2.0, 0.0])
    assert (whole["kept"], whole["noise"], whole["error"]) == (1, 0, 0)
    lost = keep(weights, delta, weights)
    assert (lost["kept"], lost["noise"], lost["error"]) == (0, 0, 1)
    noisy = keep(weights, delta, [3.0, 1.0, 2.0])
    assert noisy["kept"] == pytest.approx(0.5)
    assert noisy["noise"] == pytest.approx(1)
    assert noisy["error"] == pytest.approx(5**0.5 / 2)
    assert noisy["size"] == pytest.approx(2 / 3)


def test_the_parts_of_a_merge_add_up(tiny_chat_model):
    """The base with nothing added is the untuned one, with ΔW whole the one with its adapter apart."""
    from peft import LoraConfig, get_peft_model

    from lab_helpers.models.four_bit import load_four_bit
    from lab_helpers.models.language_models import load_language_model

    name, rows = str(tiny_chat_model), training.support_rows("en", "test")[:2]

    def adapted():
        torch.manual_seed(0)
        base, tokenizer = load_four_bit(name)
        config = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
        return get_peft_model(base, config).eval(), tokenizer

    (apart, tokenizer), (other, _) = adapted(), adapted()
    merged, plain = other.merge_and_unload(), load_language_model(name)[0]
    shares = merging.merge_rows(apart, merged)
    found = merging.measure_parts(apart, merged, plain, tokenizer, rows, shares["kept"])
    losses = {row["added to the base"]: row["reply loss"] for row in found}
    loss = scoring.reply_losses(apart, tokenizer, rows).mean()
    assert losses["ΔW whole"] == pytest.approx(loss, rel=1e-4)
    with apart.disable_adapter():
        assert losses["nothing"] == pytest.approx(scoring.reply_losses(apart, tokenizer, rows).mean(), rel=1e-4)  # fmt: skip
    loss = scoring.reply_losses(merged, tokenizer, rows).mean()
    assert losses["both: the 4-bit merge"] == pytest.approx(loss, rel=1e-3)


@pytest.mark.parametrize("double", [False, True])
def test_the_stored_codes_are_the_weight(double):
    import bitsandbytes

    from lab_helpers.models.four_bit import unpack_weight

    layer = bitsandbytes.nn.Linear4bit(128, 96, bias=False, compress_statistics=double, quant_type="nf4").to("cpu")  # fmt: skip
    back = by_hand.dequantize(*merging.stored_codes(layer))
    assert torch.equal(back.reshape(96, 128), unpack_weight(layer))


def test_no_copy_is_made_of_the_matrices(tiny_chat_model):
    from lab_helpers.models.language_models import load_language_model

    model, _ = load_language_model(str(tiny_chat_model))
    for name, weight in rounding.linear_weights(model).items():
        assert weight.data_ptr() == model.get_submodule(name).weight.data_ptr()


def test_a_copy_is_rounded_from_the_original_each_time(tiny_chat_model):
    from lab_helpers.models.language_models import load_language_model

    model, rounded = (load_language_model(str(tiny_chat_model))[0].half() for _ in range(2))
    before = {name: weight.clone() for name, weight in rounding.linear_weights(model).items()}
    for factor in (2.0, 3.0):
        rounding.round_layers(rounded, model, lambda w, factor=factor: factor * w)
        for name, weight in rounding.linear_weights(rounded).items():
            assert weight.dtype == torch.float16
            assert torch.allclose(weight, factor * before[name], rtol=1e-2)
    assert all(torch.equal(before[n], w) for n, w in rounding.linear_weights(model).items())


def test_an_optimizer_leaves_no_embedding_behind(tiny_chat_model):
    import bitsandbytes

    told = bitsandbytes.optim.GlobalOptimManager.get_instance().module_weight_config_triple
    before = len(told)
    plan = memory.Plan(method="full", wide=4, checkpointing=False)
    model = memory.prepare_model(str(tiny_chat_model), plan, "cpu")
    optimizer = memory.make_optimizer(model, "adamw_8bit")
    assert len(told) == before
    embedding = model.get_input_embeddings().weight
    assert optimizer.mng.pid2config[id(embedding)]["optim_bits"] == 32, "it was heard all the same"


def test_a_difference_is_paired_and_takes_the_seeds_together():
    ours, theirs = [np.array([1.0, 5.0]), np.array([3.0, 5.0])], [np.array([2.0, 5.0])] * 2
    found = scoring.difference_metrics("gap", ours, theirs)
    assert found == {"gap": 0, "gap_ci": [0, 0], "gap_low": 0, "gap_high": 0}
    assert scoring.difference_metrics("gap", [ours[1]], [theirs[0]])["gap"] == pytest.approx(0.5)


def short_arm(run, four_bit):
    from peft import LoraConfig
    from trl import SFTConfig

    adapter = LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM")
    config = SFTConfig(num_train_epochs=1, per_device_train_batch_size=4, **run.machine)
    rows = training.support_rows("en", "train")[:4]
    tuned = training.train_arm(run, rows, config, adapter, four_bit, learning_rate=1e-3)
    assert config.learning_rate != 1e-3, "the cells' settings stay as they are"
    return tuned


def test_adapters_train_in_float32_over_four_bits(tiny_chat_model, tmp_path):
    from lab_helpers.models.four_bit import four_bit_config

    tuned = short_arm(run_of(tmp_path, str(tiny_chat_model)), four_bit_config())
    trained = {p.dtype for p in tuned.model.parameters() if p.requires_grad}
    assert trained == {torch.float32}


def test_the_base_does_not_move(tiny_chat_model, tmp_path):
    from lab_helpers.models.four_bit import (
        four_bit_config,
        four_bit_layers,
        load_four_bit,
        unpack_weight,
    )

    tuned = short_arm(run_of(tmp_path, str(tiny_chat_model)), four_bit_config())
    fresh = [
        unpack_weight(x) for x in four_bit_layers(load_four_bit(str(tiny_chat_model))[0]).values()
    ]
    kept = [unpack_weight(x) for x in four_bit_layers(tuned.model).values()]
    assert all(torch.equal(a, b) for a, b in zip(fresh, kept, strict=True))


def test_the_memory_table_and_the_view(monkeypatch):
    table = memory.plan_rows(("Qwen2.5 0.5B",), memory.PLAN)
    assert table[0]["fits"] == "T4, RTX 4090, 48 GB card"
    terms = {k: v for k, v in table[0].items() if k not in ("model", "GiB", "fits")}
    assert sum(terms.values()) == pytest.approx(table[0]["GiB"])
    figure = memory.draw_plan("Qwen2.5 0.5B", "lora", 8, 256, 2, False)
    assert figure.axes[0].get_title() == "Qwen2.5 0.5B"


def test_checkpointing_is_counted_with_it_and_without():
    short, long = memory.checkpointing_rows("Qwen2.5 0.5B", (128, 512))
    assert 0 < short["on"] < short["off"] < long["off"]


def test_the_summary_of_the_check_takes_the_worst():
    rows = [
        {"method": "lora", "bytes of": "weights", "predicted": 10, "measured": 10},
        {"method": "lora", "bytes of": "step", "predicted": 95, "measured": 100},
        {"method": "qlora", "bytes of": "optimizer", "predicted": 10, "measured": 13},
        {"method": "qlora", "bytes of": "step", "predicted": 102, "measured": 100},
    ]
    found = memory.plan_check_metrics(rows)
    assert found["exact_bytes_difference"] == 3
    assert found["step_peak_relative_error"] == pytest.approx(-0.05)


# The exercises' answers against the library


def test_the_rounding_by_hand_is_the_librarys():
    weights = torch.randn(512, generator=torch.Generator().manual_seed(5))
    held = quantization.quantize(weights)
    indices, absmax = by_hand.quantize(weights, held.code, held.block)
    assert torch.equal(indices, quantization.unpack(held.packed, len(weights)).long())
    assert torch.equal(absmax, held.scales)
    back = by_hand.dequantize(indices, absmax, held.code, held.block)
    assert torch.equal(back, held.dequantize())
    delta = torch.randn(512)
    merged = by_hand.merge(indices, absmax, held.code, held.block, delta)
    assert torch.equal(merged, held.dequantize() + delta)


def test_the_bytes_by_hand_are_the_calculators_without_its_code_books():
    from lab_helpers.models.known_configs import linear_shapes
    from lab_helpers.tuning.lora_counts import lora_counts
    from lab_helpers.tuning.memory import terms

    found = terms("Llama 3 8B", memory.PLAN)
    counted = sum(found[term] for term in ("weights_4bit", "adapter", "gradients", "optimizer"))
    quantized = sum(d * k for d, k in linear_shapes("Llama 3 8B")[0].values())
    bits = quantization.bits_per_parameter(double=True)
    trained = lora_counts("Llama 3 8B", 16, "all linear")["trainable"]
    assert by_hand.training_bytes(quantized, bits, trained) == pytest.approx(counted, rel=1e-4)


class TestSecondRounding:
    @pytest.mark.parametrize("shape", [(1, 32), (64, 96), (7, 160)])
    def test_q4_1_is_ggml_s_bit_for_bit(self, shape):
        gguf = pytest.importorskip("gguf")
        matrix = torch.randn(shape, generator=torch.Generator().manual_seed(shape[1]))
        kind = gguf.GGMLQuantizationType.Q4_1
        stored = gguf.quants.quantize(matrix.numpy(), kind)
        theirs = torch.tensor(gguf.quants.dequantize(stored, kind))
        assert torch.equal(second_rounding.round_q4_1(matrix), theirs)

    def test_what_lies_on_the_grid_stays_there(self):
        matrix = torch.randn(8, 64, generator=torch.Generator().manual_seed(0))
        once = second_rounding.round_q4_1(matrix)
        assert torch.equal(second_rounding.round_q4_1(once), once)
        assert not torch.equal(second_rounding.round_nf4(once), once)

    @pytest.mark.parametrize("length", [1, 31, 33])
    def test_a_last_block_may_be_shorter_and_constant(self, length):
        assert torch.equal(
            second_rounding.round_q4_1(torch.full((length,), 0.5)), torch.full((length,), 0.5)
        )
