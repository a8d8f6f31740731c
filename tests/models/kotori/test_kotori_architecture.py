"""The induction head written in at the start: where the heads look, and what the model repeats."""

from random import Random

import numpy as np
import pytest
import torch

from lab_helpers.models.kotori import architecture, drills
from lab_helpers.models.kotori.architecture import INDUCTION_HEADS, PREVIOUS_TOKEN_HEADS

VOCABULARY = 700
WORDS = range(259, VOCABULARY)


@pytest.fixture(scope="module")
def full():
    """Kotori's real sizes with a small vocabulary, untrained."""
    model = architecture.build(architecture.config(VOCABULARY), seed=3).eval()
    model.set_attn_implementation("eager")
    return model


@pytest.fixture(scope="module")
def drill():
    """Token ids (8, 128) and where the next token can be predicted (8, 127)."""
    rng = Random(5)
    rows = [drills.row(128, WORDS, 24, rng) for _ in range(8)]
    ids, weights = (torch.tensor(np.stack(part)) for part in zip(*rows, strict=True))
    return ids, weights[:, 1:] > 0


@torch.inference_mode()
def repeated(model, drill) -> float:
    """Share of the predictable tokens that are the model's first choice."""
    ids, heard = drill
    right = model(input_ids=ids).logits[:, :-1].argmax(-1) == ids[:, 1:]
    return float(right[heard].float().mean())


@pytest.mark.parametrize(("head", "back"), PREVIOUS_TOKEN_HEADS.items())
def test_a_head_of_layer_0_looks_so_many_tokens_back(head, back, full, drill):
    with torch.inference_mode():
        attention = full(input_ids=drill[0], output_attentions=True).attentions[0][:, head]
    assert attention.diagonal(offset=-back, dim1=1, dim2=2).mean() > 0.95


def test_it_looks_back_as_far_along_the_longest_row(full):
    ids = torch.tensor([[WORDS[i * 7 % 400] for i in range(1024)]])
    with torch.inference_mode():
        attention = full(input_ids=ids, output_attentions=True).attentions[0][0]
    for head, back in PREVIOUS_TOKEN_HEADS.items():
        assert attention[head].diagonal(offset=-back)[-100:].min() > 0.95


def test_the_induction_heads_attend_to_what_came_after(full, drill):
    ids, heard = drill
    with torch.inference_mode():
        attention = full(input_ids=ids, output_attentions=True).attentions[1]
    after_same = ids[:, :-1].unsqueeze(1) == ids[:, 1:].unsqueeze(2)
    after_same = torch.nn.functional.pad(after_same, (1, 0))  # key j follows the query's token
    for head in INDUCTION_HEADS:
        matched = (attention[:, head, 1:] * after_same).sum(-1)[:, :-1]
        assert matched[heard[:, 1:]].mean() > 0.5


def test_without_any_training_it_repeats_random_sequences(full, small_model, drill):
    assert repeated(full, drill) > 0.5
    assert repeated(small_model, drill) > 0.5


def test_an_ordinarily_initialised_model_does_not(full, drill):
    from transformers import Qwen2ForCausalLM

    torch.manual_seed(3)
    ordinary = Qwen2ForCausalLM(full.config).float().eval()
    assert repeated(ordinary, drill) < 0.05


def test_it_repeats_for_every_seed(drill, small_sizes):
    for seed in range(5):
        model = architecture.build(architecture.config(VOCABULARY, **small_sizes), seed).eval()
        assert repeated(model, drill) > 0.5, seed


def test_the_seed_decides_the_weights(small_sizes):
    shape = architecture.config(VOCABULARY, **small_sizes)
    one, two, other = (architecture.build(shape, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], two[name]) for name in one)
    name = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(one[name], other[name])
    name = "model.embed_tokens.weight"
    assert not torch.equal(one[name], other[name])


def test_the_weights_are_float32_finite_and_tied(full):
    assert {parameter.dtype for parameter in full.parameters()} == {torch.float32}
    assert all(torch.isfinite(parameter).all() for parameter in full.parameters())
    assert full.lm_head.weight is full.model.embed_tokens.weight


def test_a_token_has_about_unit_length(full):
    lengths = full.model.embed_tokens.weight.detach().norm(dim=1)
    assert float(lengths.mean()) == pytest.approx(1, abs=0.02)


def test_the_published_size():
    """5 layers of width 256 over 5,120 tokens: the number that the model card gives."""
    shape = architecture.config(5120)
    with torch.device("meta"):
        from transformers import Qwen2ForCausalLM

        model = Qwen2ForCausalLM(shape)
    per_layer = 4 * 256 * 256 + 3 * 256 + 3 * 256 * 704 + 2 * 256
    assert sum(p.numel() for p in model.parameters()) == 5120 * 256 + 5 * per_layer + 256


def test_sizes_override_fields():
    assert architecture.config(700, num_hidden_layers=2).num_hidden_layers == 2
    assert architecture.config(700).num_hidden_layers == 5
    assert architecture.config(700, eos_token_id=1).eos_token_id == 1
