"""Mean pooling and freezing."""

import pytest
import torch
from sentence_transformers.sentence_transformer.modules import Pooling

from lab_helpers.models.encoders import load_encoder
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.classifier import (
    EncoderClassifier,
    blocks_reset,
    encoder_blocks,
    freeze,
    mean_pool,
    trainable_parameters,
)

WIDTH, MLP, BLOCKS, LABELS = 16, 32, 2, 3
HEAD = WIDTH * LABELS + LABELS
BLOCK = (
    4 * (WIDTH * WIDTH + WIDTH)  # query, key, value, attention out
    + (WIDTH * MLP + MLP)
    + (MLP * WIDTH + WIDTH)
    + 2 * 2 * WIDTH  # two layer norms
)


@pytest.fixture
def model(tiny_bert):
    return EncoderClassifier(load_encoder(str(tiny_bert)), LABELS)


@pytest.mark.parametrize("seed", range(3))
def test_mean_pool_is_sentence_transformers_mean_pooling(seed):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(5, 9, WIDTH, generator=generator)
    mask = (torch.rand(5, 9, generator=generator) < 0.6).long()
    mask[:, 0] = 1
    mask[0] = 1
    theirs = Pooling(WIDTH, pooling_mode="mean")(
        {"token_embeddings": hidden, "attention_mask": mask}
    )
    assert torch.allclose(mean_pool(hidden, mask), theirs["sentence_embedding"], atol=1e-6)
    assert not torch.allclose(mean_pool(hidden, mask), hidden.mean(dim=1), atol=1e-2)


def test_padding_does_not_count():
    hidden = torch.tensor([[[1.0, 10.0], [3.0, 30.0], [99.0, -99.0]]])
    assert mean_pool(hidden, torch.tensor([[1, 1, 0]])).tolist() == [[2.0, 20.0]]


def test_a_text_without_any_token_gives_zeros():
    assert mean_pool(torch.ones(1, 4, 2), torch.zeros(1, 4)).tolist() == [[0.0, 0.0]]


def test_the_classifier_is_encoder_pooling_head(model):
    ids = torch.tensor([[2, 4, 5, 3], [2, 4, 3, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    hidden = model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    pooled = torch.stack([hidden[0].mean(0), hidden[1, :3].mean(0)])
    expected = pooled @ model.head.weight.T + model.head.bias
    assert torch.allclose(model(ids, mask), expected, atol=1e-5)
    assert model(ids, mask).shape == (2, LABELS)


def test_the_blocks_come_bottom_to_top(model):
    blocks = encoder_blocks(model.encoder)
    assert len(blocks) == BLOCKS
    assert blocks[0] is model.encoder.encoder.layer[0]


@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_freeze_trains_the_head_and_the_top_blocks(model, blocks):
    assert freeze(model, blocks) == trainable_parameters(model) == HEAD + blocks * BLOCK
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    top = [f"encoder.encoder.layer.{n}." for n in range(BLOCKS - blocks, BLOCKS)]
    assert {"head.weight", "head.bias"} <= trainable
    assert all(name.startswith(("head.", *top)) for name in trainable)


def test_freezing_again_forgets_the_first_time(model):
    freeze(model, 2)
    assert freeze(model, 1) == HEAD + BLOCK
    assert freeze(model, 2) == HEAD + 2 * BLOCK


def test_freeze_trains_the_head_even_where_all_was_frozen(model):
    model.requires_grad_(False)
    assert freeze(model, 0) == HEAD


@pytest.mark.parametrize("blocks", [-1, BLOCKS + 1])
def test_more_blocks_than_there_are_is_refused(model, blocks):
    """The profile asks for 2, 4 and 6 blocks; a learner's own model may have fewer."""
    before = trainable_parameters(model)
    with pytest.raises(BadInput, match=f"cannot train {blocks} of {BLOCKS} blocks") as caught:
        freeze(model, blocks)
    assert f"0 to {BLOCKS}" in caught.value.fix
    assert trainable_parameters(model) == before


def test_a_reset_block_has_its_old_weights_and_gets_the_new_ones_back(model, tiny_bert):
    pretrained = load_encoder(str(tiny_bert))
    with torch.no_grad():
        for weight in model.encoder.parameters():
            weight += 1
    tuned = {name: weight.clone() for name, weight in model.state_dict().items()}
    old, new = encoder_blocks(pretrained)[1], encoder_blocks(model.encoder)
    with blocks_reset(model, pretrained, [1]):
        assert torch.equal(new[1].output.dense.weight, old.output.dense.weight)
        assert torch.equal(new[0].output.dense.weight, tuned["encoder.encoder.layer.0.output.dense.weight"])  # fmt: skip
    assert all(torch.equal(weight, tuned[name]) for name, weight in model.state_dict().items())
