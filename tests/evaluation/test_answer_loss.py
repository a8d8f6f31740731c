"""The loss on held-out answers: by hand, whatever the batches."""

import pytest
import torch
from peft import PromptTuningConfig, get_peft_model

from lab_helpers.evaluation.answer_loss import answer_loss, answer_losses, pad_right
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.masks import ids_and_labels
from lab_helpers.tuning.sft import prompt_completion

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = prompt_completion(
    [
        {"question": "Is the lamp warm?", "answer": "The lamp is warm and the heater is quiet."},
        {"question": "Where?", "answer": "In Tokisawa."},
        {"question": "ヒーターは動きますか。", "answer": "はい。"},
    ]
)


@pytest.fixture(scope="module")
def model_and_tokenizer(tiny_chat_model):
    return load_language_model(str(tiny_chat_model))


def by_hand(model, tokenizer) -> float:
    """Row by row: -log p of each answer token, the end included."""
    losses = []
    for row in ROWS:
        both = [*row["prompt"], *row["completion"]]
        before = tokenizer.apply_chat_template(row["prompt"], add_generation_prompt=True)[
            "input_ids"
        ]
        ids = torch.tensor([tokenizer.apply_chat_template(both)["input_ids"]])
        with torch.inference_mode():
            chances = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
        chosen = chances.gather(1, ids[0, 1:, None])[:, 0]
        losses += (-chosen[len(before) - 1 :]).tolist()
    return sum(losses) / len(losses)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 16])
def test_it_is_the_mean_over_answer_tokens(model_and_tokenizer, batch_size):
    found = answer_loss(*model_and_tokenizer, ROWS, batch_size)
    assert found == pytest.approx(by_hand(*model_and_tokenizer), rel=1e-4)


@pytest.mark.parametrize("batch_size", [1, 2, 16])
def test_row_by_row_it_is_the_models_own_loss(model_and_tokenizer, batch_size):
    model, tokenizer = model_and_tokenizer
    found = answer_losses(model, tokenizer, ROWS, batch_size)
    for row, loss in zip(ROWS, found, strict=True):
        ids, labels = (torch.tensor([part]) for part in ids_and_labels(tokenizer, row))
        with torch.inference_mode():
            assert loss == pytest.approx(float(model(input_ids=ids, labels=labels).loss), rel=1e-4)


def test_a_soft_prompt_in_front_is_not_counted(tiny_chat_model):
    model, tokenizer = load_language_model(str(tiny_chat_model))
    config = PromptTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM")
    tuned = get_peft_model(model, config).eval()
    found = answer_losses(tuned, tokenizer, ROWS)
    assert found != pytest.approx(answer_losses(tuned.get_base_model(), tokenizer, ROWS), rel=0.001)
    for row, loss in zip(ROWS, found, strict=True):
        ids, labels = (torch.tensor([part]) for part in ids_and_labels(tokenizer, row))
        with torch.inference_mode():
            own = tuned(input_ids=ids, labels=labels, attention_mask=torch.ones_like(ids)).loss
        assert loss == pytest.approx(float(own), rel=1e-4)


def test_what_max_length_cuts_away_is_not_heard(model_and_tokenizer):
    assert answer_loss(*model_and_tokenizer, ROWS, max_length=400) == pytest.approx(
        answer_loss(*model_and_tokenizer, ROWS), rel=1e-6
    )
    with pytest.raises(BadInput, match="no answer has a token left"):
        answer_loss(*model_and_tokenizer, ROWS, max_length=2)


def test_padding_is_on_the_right():
    assert pad_right([[1], [2, 3]], 9).tolist() == [[1, 9], [2, 3]]
