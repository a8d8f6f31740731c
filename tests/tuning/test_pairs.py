"""Preference pairs as tokens: cut where TRL cuts them, and scored as TRL scores them."""

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from trl import DPOConfig, DPOTrainer

from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.precision import FLOAT32
from lab_helpers.tuning.pairs import (
    answer_logps,
    pair_batch,
    pair_logps,
    preference_pairs,
    tokenize_pair,
)

pytestmark = pytest.mark.usefixtures("one_thread")

ROWS = [
    {"prompt": "Is it warm?", "chosen": "The lamp is warm.", "rejected": "No!"},
    {"prompt": "Where is it made?", "chosen": "In Tokisawa.", "rejected": "In Tokyo, I think."},
    {"prompt": "ヒーターは動きますか。", "chosen": "はい、動きます。", "rejected": "うん。"},
]


@pytest.fixture(scope="module")
def loaded(tiny_chat_model, one_thread):
    return load_language_model(str(tiny_chat_model))


def config(tmp_path, **settings) -> DPOConfig:
    quiet = {"report_to": "none", "disable_tqdm": True, "gradient_checkpointing": False}
    return DPOConfig(output_dir=str(tmp_path), **quiet, **FLOAT32.trainer_arguments(), **settings)


@pytest.mark.parametrize("max_length", [None, 512, 40, 30, 24])
def test_the_batch_is_trls_own(loaded, tmp_path, max_length):
    model, tokenizer = loaded
    rows = preference_pairs(ROWS)
    trainer = DPOTrainer(
        model,
        ref_model=load_language_model(model.config._name_or_path)[0],
        args=config(tmp_path, max_length=max_length),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    kept = [i for i, row in enumerate(rows) if max_length is None or len(tokenize_pair(tokenizer, row).prompt) < max_length]  # fmt: skip
    assert len(trainer.train_dataset) == len(kept) > 0
    theirs = trainer.data_collator([trainer.train_dataset[i] for i in range(len(kept))])
    ours = pair_batch(tokenizer, [rows[i] for i in kept], max_length)
    assert set(ours) == {"input_ids", "attention_mask", "completion_mask"}
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_mask_is_the_answer_and_its_end(loaded):
    _, tokenizer = loaded
    batch = pair_batch(tokenizer, preference_pairs(ROWS))
    answers = [row["chosen"] for row in ROWS] + [row["rejected"] for row in ROWS]
    for ids, mask, answer in zip(batch["input_ids"], batch["completion_mask"], answers, strict=True):  # fmt: skip
        assert tokenizer.decode(ids[mask.bool()]) == f"{answer}<|im_end|>\n"


def test_one_answer_alone_has_the_same_log_probability_as_in_a_batch(loaded):
    model, tokenizer = loaded
    rows = preference_pairs(ROWS)
    together = answer_logps(model, tokenizer, rows, batch_size=3)
    alone = [torch.cat(side) for side in zip(*(answer_logps(model, tokenizer, [row]) for row in rows), strict=True)]  # fmt: skip
    for a, b in zip(together, alone, strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_log_probabilities_by_chance_of_each_token(loaded):
    model, tokenizer = loaded
    tokens = tokenize_pair(tokenizer, preference_pairs(ROWS[:1])[0])
    total, ids = 0.0, list(tokens.prompt)
    for token in tokens.chosen:
        with torch.inference_mode():
            chances = model(torch.tensor([ids])).logits[0, -1].softmax(-1)
        total += float(chances[token].log())
        ids.append(token)
    chosen, _ = answer_logps(model, tokenizer, preference_pairs(ROWS[:1]))
    assert chosen.item() == pytest.approx(total, abs=1e-3)


def test_with_the_adapter_off_it_is_the_reference(loaded):
    model, tokenizer = load_language_model(loaded[0].config._name_or_path)
    rows = preference_pairs(ROWS)
    before = answer_logps(model, tokenizer, rows)
    torch.manual_seed(0)
    adapted = get_peft_model(
        model, LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    ).eval()
    logps = pair_logps(adapted, tokenizer, rows)
    assert torch.equal(logps.reference_chosen, before[0])
    assert torch.equal(logps.reference_rejected, before[1])
    assert not torch.allclose(logps.chosen, before[0])
    assert logps.chosen_tokens.tolist() == [len(tokenize_pair(tokenizer, r).chosen) for r in rows]
    other = pair_logps(adapted, tokenizer, rows, reference=loaded[0])
    assert torch.allclose(other.reference_chosen, before[0])


def test_texts_and_turns_and_a_prompt_inside_the_answers_are_the_same_pair():
    turn = {"role": "user", "content": "Is it warm?"}
    said = {side: [{"role": "assistant", "content": ROWS[0][side]}] for side in ("chosen", "rejected")}  # fmt: skip
    inside = {side: [turn, *turns] for side, turns in said.items()}
    wanted = [{"prompt": [turn], **said}]
    for row in (ROWS[0], {"prompt": [turn], **said}, inside):
        assert preference_pairs([row]) == wanted


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": "?", "chosen": "a"}, "pair 2 has no rejected"),
        ({"prompt": "?", "rejected": "b"}, "pair 2 has no chosen"),
        ({"prompt": "?", "chosen": "", "rejected": "b"}, "pair 2 has no chosen"),
        ({"prompt": "?", "chosen": "a", "rejected": "a "}, "chosen and rejected are the same"),
        ({"prompt": "?", "chosen": 3, "rejected": "b"}, "pair 2 cannot be read"),
        ({"chosen": "a", "rejected": "b"}, "pair 2 cannot be read"),
    ],
)
def test_a_pair_that_is_none_is_named_by_its_number(row, words):
    with pytest.raises(BadInput, match=words):
        preference_pairs([ROWS[0], row])
