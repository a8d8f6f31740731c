"""What must be refused before a training starts, in one line with the way out; and what must not."""

import copy
import warnings

import pytest
from peft import LoraConfig
from trl import SFTConfig

from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.preflight import check_before_training
from lab_helpers.tuning.sft import prompt_completion

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = prompt_completion(
    [
        {"question": "Is the lamp warm?", "answer": "The lamp is warm."},
        {"question": "Where is it made?", "answer": "In Tokisawa."},
    ]
)
MESSAGES = [{"messages": [*row["prompt"], *row["completion"]]} for row in ROWS]
SYSTEM = {"role": "system", "content": "Be kind."}


@pytest.fixture(scope="module")
def model_and_tokenizer(tiny_chat_model):
    return load_language_model(str(tiny_chat_model))


@pytest.fixture
def check(model_and_tokenizer, tmp_path):
    """``check(rows, adapter=…, tokenizer=…, **settings)``; the message of the refusal, or ``None``."""
    model, usual = model_and_tokenizer

    def run(rows, adapter=None, tokenizer=None, **settings):
        config = SFTConfig(
            output_dir=str(tmp_path), use_cpu=True, bf16=False, report_to="none", **settings
        )
        refusal = None
        try:
            check_before_training(model, tokenizer or usual, rows, config, adapter)
        except BadInput as error:
            refusal = error
        assert refusal is None or (refusal.fix and "\n" not in str(refusal))
        return refusal and str(refusal)

    return run


@pytest.fixture
def other_tokenizer(model_and_tokenizer):
    return copy.deepcopy(model_and_tokenizer[1])


def lora(**options):
    return LoraConfig(**({"r": 4, "target_modules": ["q_proj", "v_proj"]} | options))


# Nothing wrong


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        MESSAGES,
        [{"text": "The lamp is warm."}],
        [{"prompt": "Is it warm? ", "completion": "It is."}],
        [{"input_ids": [1, 2, 3], "labels": [-100, 2, 3]}],
        [{"messages": [SYSTEM, *row["messages"]]} for row in MESSAGES],
    ],
)
def test_good_rows_of_every_form_pass_without_a_word(check, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert check(rows) is None


@pytest.mark.parametrize(
    "adapter",
    [
        lora(),
        lora(target_modules="all-linear"),
        lora(target_modules=r".*\.(q|v)_proj"),
        lora(target_modules=["self_attn.q_proj"]),
        lora(target_modules=None),
    ],
)
def test_good_adapters_pass(check, adapter):
    assert check(ROWS, adapter) is None


# Rows


def test_no_rows(check):
    assert "no examples" in check([])


def test_columns_that_no_trainer_takes(check):
    found = check([{"question": "?", "answer": "!"}])
    assert "columns: question, answer" in found
    assert "prompt_completion" in found


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": ROWS[0]["prompt"], "completion": []}, "row 2 has no completion"),
        (
            {"prompt": ROWS[0]["prompt"], "completion": [{"role": "assistant", "content": " "}]},
            "row 2 has an empty answer",
        ),
        (
            {"prompt": ROWS[0]["prompt"], "completion": ROWS[0]["prompt"]},
            "row 2 has no turn of the assistant",
        ),
        ({"text": "other form"}, "row 2 has no prompt"),
    ],
)
def test_a_row_without_an_answer_is_named(check, row, said):
    assert said in check([ROWS[0], row])


def test_a_conversation_of_the_customer_alone(check):
    rows = [{"messages": row["prompt"]} for row in ROWS]
    assert "row 1 has no turn of the assistant" in check(rows)


# Lengths


def test_every_answer_cut_away(check):
    found = check(ROWS, max_length=4)
    assert "max_length=4 cuts away every answer" in found
    assert "tokens; set max_length to that" in found


def test_some_rows_cut_are_told_and_go_on(check):
    long = prompt_completion([{"question": "warm " * 60, "answer": "It is."}])
    with pytest.warns(UserWarning, match=r"cuts 1 of 3 rows, and 1 of them"):
        assert check([*ROWS, *long], max_length=50) is None


def test_the_end_of_rows_can_be_kept_instead(check):
    with pytest.warns(UserWarning, match="cuts 2 of 2 rows, and 0 of them"):
        assert check(ROWS, max_length=12, truncation_mode="keep_end") is None


def test_a_row_longer_than_the_context(check):
    long = prompt_completion([{"question": "warm " * 1100, "answer": "It is."}])
    found = check([*ROWS, *long], max_length=None)
    assert "row 3 has" in found
    assert "reads 1,024 at once" in found
    assert "max_length=1024" in found


def test_packing_cuts_by_itself(check):
    long = prompt_completion([{"question": "warm " * 1100, "answer": "It is."}])
    assert check([*ROWS, *long], packing=True, max_length=64) is None


# The template and the end


def test_a_template_that_refuses_a_role(check, other_tokenizer):
    other_tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}"
        "{% endif %}{{ m['content'] }}<|im_end|>{% endfor %}"
    )
    rows = [{"messages": [SYSTEM, *row["messages"]]} for row in MESSAGES]
    found = check(rows, tokenizer=other_tokenizer)
    assert "role 'system'" in found
    assert check(MESSAGES, tokenizer=other_tokenizer) is None


def test_a_template_that_drops_a_role(check, other_tokenizer):
    other_tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] != 'system' %}{{ m['content'] }}<|im_end|>"
        "{% endif %}{% endfor %}"
    )
    rows = [{"messages": [SYSTEM, *row["messages"]]} for row in MESSAGES]
    assert "drops what 'system' says" in check(rows, tokenizer=other_tokenizer)


def test_no_template(check, other_tokenizer):
    other_tokenizer.chat_template = None
    assert "no chat template" in check(ROWS, tokenizer=other_tokenizer)


def test_assistant_only_needs_marks(check, other_tokenizer):
    other_tokenizer.chat_template = (
        "{% for m in messages %}{{ m['content'] }}<|im_end|>{% endfor %}"
    )
    found = check(MESSAGES, tokenizer=other_tokenizer, assistant_only_loss=True)
    assert "{% generation %}" in found
    assert check(MESSAGES, assistant_only_loss=True) is None


def test_an_end_that_nobody_teaches(check, other_tokenizer):
    other_tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    found = check(ROWS, tokenizer=other_tokenizer)
    assert "no row teaches the model to stop" in found
    assert "<|im_end|>" in found


def test_the_padding_token_as_the_end_is_told(check, other_tokenizer):
    other_tokenizer.pad_token = other_tokenizer.eos_token
    with pytest.warns(UserWarning, match="padding token is the end token"):
        assert check(ROWS, tokenizer=other_tokenizer) is None


# The adapter and the rate


@pytest.mark.parametrize("rate", [0.0, -1e-4])
def test_a_rate_that_moves_nothing(check, rate):
    assert "no weight would move" in check(ROWS, learning_rate=rate)


@pytest.mark.parametrize("rank", [0, -8, 2.5])
def test_a_rank_below_one(check, rank):
    assert f"r={rank}" in check(ROWS, lora(r=rank))


def test_alpha_zero(check):
    assert "add nothing" in check(ROWS, lora(lora_alpha=0))


def test_an_unknown_target_is_named_though_another_fits(check):
    """PEFT itself complains only where no target fits at all."""
    found = check(ROWS, lora(target_modules=["q_proj", "query"]))
    assert "no layer called query" in found
    assert "q_proj" in found.split("Its linear layers")[1]


def test_part_of_a_name_is_not_a_name(check):
    assert "no layer called proj" in check(ROWS, lora(target_modules=["proj"]))
