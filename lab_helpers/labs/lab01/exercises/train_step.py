"""Lab 01, exercise ``train_step``: planted wrong answers, check, hints."""

import torch
from torch import nn

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.runtime.language import Text
from lab_helpers.tuning.training import train_step

_LABELS = torch.tensor([2, 0, 1, 2])
_BATCH = {
    "input_ids": torch.tensor([[0, 1], [2, 3], [4, 5], [1, 4]]),
    "attention_mask": torch.ones(4, 2, dtype=torch.long),
}


class _Toy(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.words, self.head = nn.Embedding(6, 4), nn.Linear(4, 3)

    def forward(self, input_ids, attention_mask):
        return self.head(self.words(input_ids).mean(1))


def _never_cleared(model, batch, labels, optimizer):
    loss = nn.functional.cross_entropy(model(**batch), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def _never_backward(model, batch, labels, optimizer):
    loss = nn.functional.cross_entropy(model(**batch), labels)
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def _never_stepped(model, batch, labels, optimizer):
    loss = nn.functional.cross_entropy(model(**batch), labels)
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


def _cleared_too_late(model, batch, labels, optimizer):
    loss = nn.functional.cross_entropy(model(**batch), labels)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def _softmax_twice(model, batch, labels, optimizer):
    loss = nn.functional.cross_entropy(model(**batch).softmax(-1), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def _keeps_the_graph(model, batch, labels, optimizer):
    loss = nn.functional.cross_entropy(model(**batch), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def _walk(function, steps: int = 2):
    """What ``steps`` calls return, the weights after each, whether gradients came, and whether they are left."""
    model, came = _Toy(), list[torch.Tensor]()
    model.head.weight.register_hook(came.append)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    losses, weights = [], [model.head.weight.detach().clone()]
    for _ in range(steps):
        losses.append(function(model, _BATCH, _LABELS, optimizer))
        weights.append(model.head.weight.detach().clone())
    left = any(p.grad is not None for p in model.parameters())
    return losses, weights, bool(came), left


def _test_train_step(answer) -> None:
    losses, weights, came, left = _walk(answer)
    right, wanted, *_ = _walk(train_step)
    if losses[0] is None:
        raise Mistake("return the loss as a number.", "損失を数値で返してください。")
    if isinstance(losses[0], torch.Tensor):
        raise Mistake(
            "you return a tensor, which keeps the whole graph of the step in memory: return loss.item().",
            "テンソルを返しています。そのステップの計算グラフがメモリに残り続けます。loss.item() を返してください。",
        )
    if torch.equal(weights[0], weights[2]):
        if not came:
            raise Mistake(
                "no weight moved, for there is no gradient: backward() is missing.",
                "勾配がないので、重みが動いていません。backward() が抜けています。",
            )
        if not left:
            raise Mistake(
                "no weight moved: zero_grad() comes after backward() and throws the fresh gradients away.",
                "重みが動いていません。zero_grad() を backward() のあとで呼び、計算したばかりの勾配を消しています。",
            )
        raise Mistake(
            "gradients are there, and no weight moved: optimizer.step() is missing.",
            "勾配はあるのに、重みが動いていません。optimizer.step() が抜けています。",
        )
    if abs(losses[0] - _walk(_softmax_twice, 1)[0][0]) < 1e-6:
        raise Mistake(
            "cross_entropy takes logits and applies softmax itself: yours is applied twice.",
            "cross_entropy はロジットを受け取り、softmax は中で適用します。softmax が二重にかかっています。",
        )
    if torch.allclose(weights[1], wanted[1], atol=1e-6) and torch.allclose(
        weights[2], _walk(_never_cleared)[1][2], atol=1e-6
    ):
        raise Mistake(
            "the second step still carries the gradients of the first: zero_grad() is missing.",
            "2 回目の更新に 1 回目の勾配が足し込まれています。zero_grad() が抜けています。",
        )
    if abs(losses[0] - right[0]) > 1e-5:
        raise Mistake(
            f"the loss of the first step is {losses[0]:.4f}, not {right[0]:.4f}: mean cross-entropy of the logits.",
            f"最初のステップの損失が {losses[0]:.4f} です。{right[0]:.4f}（ロジットのクロスエントロピーの平均）のはずです。",
        )
    if not all(torch.allclose(a, b, atol=1e-6) for a, b in zip(weights, wanted, strict=True)):
        raise Mistake(
            "the weights are not those of one update a call.",
            "重みが、呼び出しごとに 1 回更新した結果と一致しません。",
        )


EXERCISE = Exercise(
    name="train_step",
    prompt=Text(
        "One update: model(**batch) gives logits (batch, classes); cross-entropy with labels (batch,), clear old gradients, backward, step. Return the loss as a float.",
        "重みを 1 回更新してください。model(**batch) はロジット (batch, classes) を返します。labels (batch,) とのクロスエントロピーを求め、古い勾配を消し、逆伝播して更新し、損失を float で返します。",
    ),
    reference=train_step,
    test=_test_train_step,
    hints=(
        Text(
            "Five lines: loss, clear, backward, step, return. PyTorch adds new gradients to old ones.",
            "5 行です。損失、勾配の消去、逆伝播、更新、return。PyTorch は新しい勾配を古い勾配に足します。",
        ),
        Text(
            "loss = torch.nn.functional.cross_entropy(model(**batch), labels)",
            "loss = torch.nn.functional.cross_entropy(model(**batch), labels)",
        ),
        Text(
            "optimizer.zero_grad(); loss.backward(); optimizer.step(); return loss.item()",
            "optimizer.zero_grad(); loss.backward(); optimizer.step(); return loss.item()",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_never_cleared, "zero_grad() is missing"),
        WrongAnswer(_never_backward, "backward() is missing"),
        WrongAnswer(_never_stepped, "step() is missing"),
        WrongAnswer(_cleared_too_late, "throws the fresh gradients away"),
        WrongAnswer(_softmax_twice, "applied twice"),
        WrongAnswer(_keeps_the_graph, "you return a tensor"),
    ),
)
