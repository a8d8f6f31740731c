"""The loss on held-out answers: by hand, whatever the batches."""

import pytest
import torch

from lab_helpers.evaluation.answer_loss import answer_loss, pad_right
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
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


def test_what_max_length_cuts_away_is_not_heard(model_and_tokenizer):
    assert answer_loss(*model_and_tokenizer, ROWS, max_length=400) == pytest.approx(
        answer_loss(*model_and_tokenizer, ROWS), rel=1e-6
    )
    with pytest.raises(BadInput, match="no answer has a token left"):
        answer_loss(*model_and_tokenizer, ROWS, max_length=2)


def test_padding_is_on_the_right():
    assert pad_right([[1], [2, 3]], 9).tolist() == [[1, 9], [2, 3]]
