"""Fine-tuning a tiny encoder: repeatable by seed, only what should move moves, replay replays."""

import numpy as np
import pytest
import torch

from lab_helpers.models.encoders import load_encoder
from lab_helpers.runtime.precision import Precision
from lab_helpers.tuning import transfer
from lab_helpers.tuning.classifier import freeze
from lab_helpers.tuning.transfer import (
    Replay,
    TextEncoder,
    contrastive_loss,
    fine_tune,
    fit_bag_of_words,
    fit_probe,
)

GOOD, BAD = ["good", "love", "works", "quiet"], ["bad", "hate", "broke", "loud"]
THINGS = ["heater", "lamp", "filter", "button", "box"]
TEXTS = [f"the {thing} is {word}" for thing in THINGS for word in GOOD + BAD]
LABELS = [int(word in GOOD) for _ in THINGS for word in GOOD + BAD]
FAST = {"epochs": 2, "learning_rate": 5e-3, "head_learning_rate": 2e-2, "batch_size": 8}


@pytest.fixture
def encoder(tiny_bert):
    return TextEncoder(str(tiny_bert), 32)


def state(model) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def tuned(encoder, seed: int, **options):
    model = encoder.classifier(2, seed)
    history = fine_tune(model, encoder, TEXTS, LABELS, seed=seed, **FAST, **options)
    return history.losses, state(model)


def test_fine_tuning_is_repeatable_by_seed(encoder):
    losses, weights = tuned(encoder, 1)
    torch.rand(3)
    again, same = tuned(encoder, 1)
    assert losses == again
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    assert len(losses) == 2 * 5


def test_the_seed_fixes_dropout_too(encoder):
    """The course's encoders have none, but a learner may switch it on."""
    losses = []
    for _ in range(2):
        model = encoder.classifier(2, 0)
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.3
        torch.rand(len(losses) + 1)
        losses.append(fine_tune(model, encoder, TEXTS, LABELS, seed=1, **FAST).losses)
    assert losses[0] == losses[1]
    assert losses[0] != tuned(encoder, 1)[0]


def test_the_precision_of_the_encoder_reaches_the_training(encoder, tiny_bert):
    bf16 = Precision("bf16", "bf16", gradient_scaler=False, use_cpu=True)
    half = TextEncoder(str(tiny_bert), 32, precision=bf16)
    full_losses, half_losses = tuned(encoder, 1)[0], tuned(half, 1)[0]
    assert full_losses != half_losses
    assert full_losses == pytest.approx(half_losses, rel=0.1)


def test_another_seed_gives_another_run(encoder):
    losses, weights = tuned(encoder, 1)
    others, other = tuned(encoder, 2)
    assert losses != others
    assert not torch.equal(weights["head.weight"], other["head.weight"])


def test_the_seed_decides_the_order_of_batches_too(encoder):
    orders = []
    for seed in (1, 2):
        model = encoder.classifier(2, 0)
        orders.append(fine_tune(model, encoder, TEXTS, LABELS, seed=seed, **FAST).losses[0])
    assert orders[0] != orders[1]


def test_fine_tuning_learns(encoder):
    model = encoder.classifier(2, 0)
    history = fine_tune(model, encoder, TEXTS, LABELS, seed=0, **{**FAST, "epochs": 12})
    assert history.losses[-1] < 0.2 < history.losses[0]
    assert (encoder.logits(model, TEXTS).argmax(axis=1) == np.array(LABELS)).mean() > 0.9


def test_a_frozen_block_does_not_move_and_a_free_one_does(encoder):
    model = encoder.classifier(2, 0)
    before = state(model)
    freeze(model, 1)
    fine_tune(model, encoder, TEXTS, LABELS, seed=0, **FAST)
    after = model.state_dict()
    moved = {name for name in before if not torch.equal(after[name], before[name])}
    assert {"head.weight", "encoder.encoder.layer.1.output.dense.weight"} <= moved
    assert all(name.startswith(("head.", "encoder.encoder.layer.1.")) for name in moved)


def test_a_classifier_starts_from_the_trained_or_from_random_weights(encoder):
    saved = load_encoder(encoder.name).state_dict()
    name = "encoder.layer.0.attention.self.query.weight"
    assert torch.equal(encoder.classifier(2, 0).encoder.state_dict()[name], saved[name])
    scratch = [encoder.classifier(2, seed, False).encoder.state_dict()[name] for seed in (0, 0, 1)]
    assert not torch.equal(scratch[0], saved[name])
    assert torch.equal(scratch[0], scratch[1])
    assert not torch.equal(scratch[0], scratch[2])


def test_texts_longer_than_the_limit_are_cut(encoder):
    ids = encoder.tokenize(["the " * 100, "good"])
    assert [len(row) for row in ids] == [32, 3]


def test_padding_changes_no_vector(encoder):
    together = encoder.embed(["good", "the very old heater is loud and slow"])
    alone = encoder.embed(["good"])
    assert np.abs(together[0] - alone[0]).max() < 1e-5
    assert np.abs(together[1] - alone[0]).max() > 1e-2


# Replay


def test_contrastive_loss_by_hand(encoder):
    model = encoder.classifier(2, 0).eval()

    def side(texts):
        padded = encoder.pad(encoder.tokenize(texts))
        return {name: padded[name] for name in ("input_ids", "attention_mask")}

    left, right = ["good heater", "my lamp broke", "it"], ["a heater is good", "the lamp", "box"]
    with torch.no_grad():
        loss = float(contrastive_loss(model, side(left), side(right), 20.0))
    a, b = encoder.embed(left, model.encoder), encoder.embed(right, model.encoder)
    cosine = (a @ b.T) / np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    share = np.exp(20 * cosine)
    expected = -np.log(np.diag(share) / share.sum(axis=1)).mean()
    assert loss == pytest.approx(expected, rel=1e-4)


def test_replay_adds_to_the_loss_in_proportion_to_its_weight(encoder):
    pairs = [(text, text.replace("the", "my")) for text in TEXTS]
    first = [tuned(encoder, 1)[0][0]]
    first += [tuned(encoder, 1, replay=Replay(pairs, weight=w))[0][0] for w in (0.0, 1.0, 2.0)]
    plain, none, once, twice = first
    assert none == pytest.approx(plain, rel=1e-5)
    assert once - plain > 1e-2
    assert twice - plain == pytest.approx(2 * (once - plain), rel=1e-3)


def test_replay_is_repeatable_by_seed(encoder):
    replay = Replay([(text, text.upper() + "!") for text in TEXTS])
    assert tuned(encoder, 3, replay=replay)[0] == tuned(encoder, 3, replay=replay)[0]


# Rivals


def test_the_probe_and_the_bag_of_words_learn_what_is_there():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(80, 6))
    labels = [int(v[0] + v[1] > 0) for v in vectors]
    assert (fit_probe(vectors[:60], labels[:60]).predict(vectors[60:]) == labels[60:]).mean() > 0.8
    words = fit_bag_of_words(TEXTS[:24], LABELS[:24])
    assert (words.predict(TEXTS[24:]) == np.array(LABELS[24:])).mean() == 1


def test_a_large_vocabulary_is_frozen_and_shared_by_trained_copies(encoder, monkeypatch):
    assert all(weight.requires_grad for weight in encoder.load().parameters())
    monkeypatch.setattr(transfer, "LARGE_VOCABULARY", 10)
    one, two, random = encoder.load(), encoder.load(), encoder.load(pretrained=False)
    words = [model.get_input_embeddings() for model in (one, two, random)]
    assert words[0] is words[1] is not words[2]
    assert not any(table.weight.requires_grad for table in words)
    assert one.encoder.layer[0].output.dense.weight.requires_grad
    assert one.encoder.layer[0] is not two.encoder.layer[0]


def test_word_vectors_can_be_kept_as_they_were_trained(encoder):
    kept = transfer.TextEncoder(encoder.name, 32, frozen_words=True)
    one, two, random = kept.load(), kept.load(), kept.load(pretrained=False)
    assert one.get_input_embeddings() is two.get_input_embeddings()
    assert not one.get_input_embeddings().weight.requires_grad
    assert random.get_input_embeddings().weight.requires_grad
