"""Training under autocast: bf16, and fp16 with its gradient scaler, keep float32 weights and learn."""

import pytest
import torch

from lab_helpers.runtime.precision import FLOAT32, Precision
from lab_helpers.tuning.training import train_epochs

BF16 = Precision("bf16", "bf16", gradient_scaler=False, use_cpu=True)
FP16 = Precision("fp16", "fp16", gradient_scaler=True, use_cpu=True)


def fit(precision: Precision):
    torch.manual_seed(0)
    model = torch.nn.Linear(8, 1)
    x = torch.randn(64, 8)
    y = x.sum(dim=1, keepdim=True)
    seen = []

    def loss_of(batch):
        predicted = model(x)
        seen.append(predicted.dtype)
        return torch.nn.functional.mse_loss(predicted.float(), y)

    history = train_epochs(
        model,
        lambda epoch: range(20),
        loss_of,
        epochs=5,
        steps_per_epoch=20,
        learning_rate=0.1,
        precision=precision,
    )
    return model, history, set(seen)


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [(FLOAT32, torch.float32), (BF16, torch.bfloat16), (FP16, torch.float16)],
)
def test_autocast_computes_in_its_dtype_and_keeps_float32_weights(precision, dtype):
    model, history, seen = fit(precision)
    assert seen == {dtype}
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert not history.diverged
    assert history.losses[-1] < 0.05 * history.losses[0]
