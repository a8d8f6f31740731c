"""The training loop and its batches."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lab_helpers.runtime.precision import Precision
from lab_helpers.tuning.training import length_batches, train_epochs, train_step

all_lengths = st.lists(st.integers(1, 64), max_size=200)
sizes = st.integers(1, 20)


@given(lengths=all_lengths, size=sizes, seed=st.integers(0, 1000))
def test_batches_hold_every_index_once(lengths, size, seed):
    batches = length_batches(lengths, size, seed)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(0 < len(batch) <= size for batch in batches)
    assert len(batches) == math.ceil(len(lengths) / size), "the schedule counts on this number"


@given(lengths=all_lengths, size=sizes, seed=st.integers(0, 1000))
def test_batches_are_repeatable(lengths, size, seed):
    assert length_batches(lengths, size, seed) == length_batches(lengths, size, seed)


def test_another_seed_makes_other_batches():
    lengths = [n % 30 + 1 for n in range(100)]
    assert len({str(length_batches(lengths, 8, seed)) for seed in range(5)}) == 5


def test_batches_waste_less_than_random_ones():
    lengths = [5 if n % 2 else 60 for n in range(256)]

    def padding(batches) -> int:
        return sum(max(lengths[i] for i in batch) * len(batch) for batch in batches) - sum(lengths)

    unsorted = [list(range(n, n + 16)) for n in range(0, 256, 16)]
    assert padding(length_batches(lengths, 16, 0)) < 0.2 * padding(unsorted)


def test_short_texts_do_not_all_come_first():
    lengths = list(range(512))
    means = [sum(batch) / len(batch) for batch in length_batches(lengths, 16, 0)]
    assert means != sorted(means)


# The loop


class Line(nn.Module):
    """y = body·x + head: two parameters that the loop tells apart by name."""

    def __init__(self):
        super().__init__()
        self.body = nn.Parameter(torch.tensor(0.0))
        self.head = nn.Parameter(torch.tensor(0.0))

    def forward(self, x):
        return self.body * x + self.head


def run(model, losses=None, *, epochs=1, steps=10, **options):
    """Train ``model`` towards y = 3x − 1; ``losses`` may replace the loss of a step (from 1)."""
    x = torch.linspace(-1, 1, 11)
    seen = []

    def loss_of(batch):
        seen.append(batch)
        loss = nn.functional.mse_loss(model(x), 3 * x - 1)
        return (losses or {}).get(len(seen), 1.0) * loss

    history = train_epochs(
        model,
        lambda epoch: iter([(epoch, step) for step in range(steps)]),
        loss_of,
        epochs=epochs,
        steps_per_epoch=steps,
        **{"learning_rate": 0.1, **options},
    )
    return history, seen


def test_training_lowers_the_loss_and_finds_the_line():
    model = Line()
    history, seen = run(model, epochs=20, steps=20)
    assert len(history.losses) == len(seen) == 400
    assert history.losses[-1] < 1e-2 < history.losses[0]
    assert (model.body.item(), model.head.item()) == pytest.approx((3, -1), abs=0.1)
    assert history.diverged is False
    assert not model.training


def test_every_epoch_asks_for_its_own_batches():
    _, seen = run(Line(), epochs=3, steps=2)
    assert seen == [(epoch, step) for epoch in range(3) for step in range(2)]


@pytest.mark.parametrize("factor", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("step", [1, 4])
def test_a_loss_that_is_not_finite_ends_training(factor, step):
    model = Line()
    history, seen = run(model, {step: factor}, steps=10)
    assert history.diverged is True
    assert len(seen) == step
    assert len(history.losses) == step - 1
    assert all(math.isfinite(loss) for loss in history.losses)
    assert all(math.isfinite(p.item()) for p in model.parameters())
    assert not model.training


def test_the_weights_stay_as_they_were_before_the_loss_that_is_not_finite():
    model, snapshots = Line(), []

    def score():
        snapshots.append([p.item() for p in model.parameters()])
        return 0.0

    run(model, {6: math.nan}, steps=10, score=score, score_every=1)
    assert len(snapshots) == 5
    assert [p.item() for p in model.parameters()] == snapshots[-1]


def test_only_trainable_weights_move():
    model = Line()
    model.body.requires_grad_(False)
    run(model)
    assert model.body.item() == 0
    assert model.head.item() != 0


def test_the_head_learns_at_its_own_rate():
    slow, fast = Line(), Line()
    run(slow, learning_rate=1e-3, steps=2)  # the warm-up's first step does not move anything
    run(fast, learning_rate=1e-3, head_learning_rate=0.1, steps=2)
    assert slow.body.item() == pytest.approx(fast.body.item())
    assert abs(slow.body.item()) == pytest.approx(1e-3, rel=0.01)
    assert abs(slow.head.item()) == pytest.approx(1e-3, rel=0.01)
    assert abs(fast.head.item()) == pytest.approx(0.1, rel=0.01)


def test_the_rate_warms_up_and_decays_to_zero():
    """Adam's step is about the learning rate, so the moves of a constant gradient show it."""

    class Pull(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Parameter(torch.tensor(0.0))

    model, places = Pull(), []
    train_epochs(
        model,
        lambda epoch: iter(range(20)),
        lambda batch: 1000 * model.body,
        epochs=1,
        steps_per_epoch=20,
        learning_rate=1e-2,
        score=lambda: places.append(model.body.item()) or 0.0,
        score_every=1,
    )
    moves = [a - b for a, b in zip([0.0, *places], places, strict=False)]
    expected = [1e-2 * (n / 2 if n < 2 else (20 - n) / 18) for n in range(20)]
    assert moves == pytest.approx(expected, rel=0.05, abs=1e-5)


def test_scores_are_taken_on_schedule_in_evaluation_mode():
    model, modes = Line(), []

    def score() -> float:
        modes.append(model.training)
        return 0.5

    history, _ = run(model, steps=10, score=score, score_every=4)
    assert history.scores == [(4, 0.5), (8, 0.5)]
    assert modes == [False, False]


def test_training_stops_at_the_target_score():
    values = iter([0.2, 0.8, 0.9])
    history, seen = run(Line(), steps=10, score=lambda: next(values), score_every=3, stop_at=0.8)
    assert history.scores == [(3, 0.2), (6, 0.8)]
    assert len(seen) == 6


def test_a_gradient_that_overflows_in_fp16_is_skipped_and_training_goes_on():
    """The scaler multiplies the loss by 65,536; where that is too much the step is left out."""
    model, places = Line(), []
    model.head.requires_grad_(False)

    def score() -> float:
        places.append(model.body.item())
        return 0.0

    history = train_epochs(
        model,
        lambda epoch: iter([1.0, 1e38, 1.0, 1.0]),
        lambda factor: (model.body + 1) * factor,
        epochs=1,
        steps_per_epoch=4,
        learning_rate=0.1,
        precision=Precision("fp16", "fp16", gradient_scaler=True, use_cpu=True),
        score=score,
        score_every=1,
    )
    assert len(history.losses) == 4
    assert places[1] == places[0]
    assert places[3] < places[2] < places[1]


def test_the_gradient_scaler_changes_nothing_where_nothing_overflows():
    """Clipping, too, must see the gradients as they are: they are small after the second step."""
    fp16 = Precision("fp16", "fp16", gradient_scaler=True, use_cpu=True)
    factors = {step: 10.0 if step < 3 else 0.01 for step in range(1, 11)}
    plain, scaled = Line(), Line()
    losses = run(plain, factors)[0].losses
    assert run(scaled, factors, precision=fp16)[0].losses == pytest.approx(losses, rel=1e-5)
    assert scaled.body.item() == pytest.approx(plain.body.item(), rel=1e-5)
    assert scaled.head.item() == pytest.approx(plain.head.item(), rel=1e-5)


class Classes(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(3, 2)

    def forward(self, inputs):
        return self.head(inputs)


def test_a_step_is_gradient_descent_on_the_mean_cross_entropy():
    model, labels = Classes(), torch.tensor([0, 1, 1, 0])
    batch = {"inputs": torch.eye(4, 3)}
    before = model.head.weight.detach().clone()
    wanted = nn.functional.cross_entropy(model(**batch), labels)
    (gradient,) = torch.autograd.grad(wanted, model.head.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.head.weight.grad = torch.ones_like(before)  # left over from a step before
    assert train_step(model, batch, labels, optimizer) == pytest.approx(wanted.item())
    assert torch.allclose(model.head.weight, before - 0.1 * gradient)
