"""``labs fit``: the table, the JSON, and one line for every bad input."""

import json

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
    assert found["plans"][2] == memory.fit("Qwen2.5 0.5B", plan)


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
