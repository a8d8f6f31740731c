"""Few logits at a time, and none where none are wanted: the same numbers as from whole ones."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from random_models import save_random_model
from transformers import AutoConfig

from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.evaluation.reward_judge import RewardJudge
from lab_helpers.models import logits
from lab_helpers.models.known_configs import model_config
from lab_helpers.models.language_models import load_language_model
from lab_helpers.models.logits import last_logits, last_states, row_pieces
from lab_helpers.tuning.pairs import (
    answer_logps,
    batch_token_logps,
    pair_batch,
    preference_pairs,
)
from lab_helpers.tuning.preference_losses import token_logps
from lab_helpers.tuning.sft import prompt_completion

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = prompt_completion(
    [
        {"question": "Is the lamp warm, or is it cold?", "answer": "The lamp is warm."},
        {"question": "Where?", "answer": "In Tokisawa."},
        {"question": "ヒーターは動きますか。", "answer": "はい。"},
    ]
)
PAIRS = preference_pairs(
    [
        {"prompt": "Is it warm?", "chosen": "The lamp is warm.", "rejected": "No!"},
        {"prompt": "Where is it made?", "chosen": "In Tokisawa.", "rejected": "In Tokyo, I think."},
    ]
)


@pytest.fixture(scope="module", params=["Qwen2", "Gemma2"])
def loaded(request, tmp_path_factory):
    """Gemma 2 caps its logits: the head alone would give others."""
    folder = tmp_path_factory.mktemp("logits") / request.param
    return load_language_model(str(save_random_model(folder, request.param)))


@pytest.fixture
def few(monkeypatch):
    """One row at a time, however small; and how many logits each pass made."""
    made = []
    before = logits.last_logits

    def watched(model, ids, count, **inputs):
        found = before(model, ids, count, **inputs)
        made.append(tuple(found.shape[:2]))
        return found

    for module in ("lab_helpers.tuning.pairs", "lab_helpers.evaluation.answer_loss"):
        monkeypatch.setattr(f"{module}.last_logits", watched)
        monkeypatch.setattr(f"{module}.row_pieces", lambda model, n, count: row_pieces(model, n, count, 1))  # fmt: skip
    return made


def test_pairs_are_scored_alike_row_by_row(loaded, few):
    model, tokenizer = loaded
    batch = pair_batch(tokenizer, PAIRS)
    with torch.no_grad():
        whole = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    expected = token_logps(whole, batch["input_ids"], batch["completion_mask"])
    found = batch_token_logps(model, batch)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-4)
    first = int(batch["completion_mask"].argmax(1).min())
    assert few == [(1, batch["input_ids"].shape[1] - first + 1)] * 4


def test_pairs_whose_answers_were_cut_away_are_worth_nothing(loaded):
    model, tokenizer = loaded
    chosen, rejected = answer_logps(model, tokenizer, PAIRS, max_length=3)
    assert chosen.tolist() == rejected.tolist() == [0, 0]


def test_the_answer_loss_is_the_same_row_by_row(loaded, few):
    model, tokenizer = loaded
    in_pieces = answer_loss(model, tokenizer, ROWS)
    assert {rows for rows, _ in few} == {1}
    by_row = [answer_loss(model, tokenizer, [row]) for row in ROWS]
    tokens = [len(tokenizer.apply_chat_template([*r["prompt"], *r["completion"]])["input_ids"])
              - len(tokenizer.apply_chat_template(r["prompt"], add_generation_prompt=True)["input_ids"])
              for r in ROWS]  # fmt: skip
    mean = sum(loss * count for loss, count in zip(by_row, tokens, strict=True)) / sum(tokens)
    assert in_pieces == pytest.approx(mean, rel=1e-5)


def test_the_loss_is_computed_where_the_model_is(loaded, monkeypatch):
    """On a T4 the logits would go to two vCPUs: gigabytes over the bus, then a slow log-softmax."""
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: pytest.fail("moved to the CPU"))
    assert answer_loss(*loaded, ROWS) > 0


def test_no_logits_are_made_for_a_judge(loaded, monkeypatch):
    model, tokenizer = loaded
    ids = torch.tensor([[20, 21, 22, 23]])
    with torch.no_grad():
        expected = model(input_ids=ids, output_hidden_states=True).hidden_states[-1]
    head = model.get_output_embeddings()
    monkeypatch.setattr(head, "forward", lambda *_: pytest.fail("the judge reads no words"))
    with torch.no_grad():
        assert torch.allclose(last_states(model, input_ids=ids), expected, atol=1e-5)
    assert len(RewardJudge(model, tokenizer).learn(PAIRS).agreement(PAIRS)) == 2


def test_an_adapter_is_read_through(loaded):
    folder = loaded[0].config._name_or_path
    model, _ = load_language_model(folder)
    plain, _ = load_language_model(folder)
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    tuned = get_peft_model(model, config).eval()
    ids = torch.tensor([[20, 21, 22, 23]])
    with torch.no_grad():
        whole = tuned(input_ids=ids, output_hidden_states=True)
        assert torch.allclose(last_states(tuned, input_ids=ids), whole.hidden_states[-1], atol=1e-5)
        assert torch.allclose(last_logits(tuned, ids, 2), whole.logits[:, -2:], atol=1e-5)
        assert not torch.allclose(last_states(plain, input_ids=ids), whole.hidden_states[-1])


class Shape:
    """A model's vocabulary and format, as far as logits care."""

    def __init__(self, words: int, dtype: torch.dtype):
        self.config, self.dtype = AutoConfig.for_model("qwen2", vocab_size=words), dtype


@pytest.mark.parametrize("name", ["Qwen2.5 1.5B", "Qwen3 4B", "Llama 3 8B", "Gemma 2 9B"])
def test_the_logits_of_a_real_vocabulary_stay_below_a_gigabyte(name):
    words = model_config(name).vocab_size
    model, rows, places = Shape(words, torch.float16), 32, 512
    pieces = list(row_pieces(model, rows, places))
    assert [i for piece in pieces for i in range(piece.start, piece.stop)] == list(range(rows))
    largest = max(piece.stop - piece.start for piece in pieces)
    assert largest * places * words * (2 + 4 + 4) <= max(logits.MOST_BYTES, places * words * 10)
    assert rows * places * words * (2 + 4 + 4) > 8 * 2**30, "whole, they would not fit a T4"


def test_kotoris_batches_are_not_cut():
    """5,000 words: what was measured before stays what it was, to the last digit."""
    assert list(row_pieces(Shape(5000, torch.float32), 32, 256)) == [slice(0, 32)]
