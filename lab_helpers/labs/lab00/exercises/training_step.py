"""Lab 00, exercise ``training_step``: planted wrong answers, check, hints."""

from types import SimpleNamespace

from lab_helpers.course.exercise import Exercise, Mistake, WrongAnswer
from lab_helpers.labs.lab00.training import training_step
from lab_helpers.runtime.language import Text


def _gradients_pile_up(model, optimizer, batch):
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    return loss.item()


def _nothing_flows_back(model, optimizer, batch):
    loss = model(**batch).loss
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def _step_before_backward(model, optimizer, batch):
    loss = model(**batch).loss
    optimizer.step()
    loss.backward()
    optimizer.zero_grad()
    return loss.item()


def _gradient_thrown_away(model, optimizer, batch):
    loss = model(**batch).loss
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def _no_number(model, optimizer, batch):
    loss = model(**batch).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()


def _uphill(model, optimizer, batch):
    loss = model(**batch).loss
    (-loss).backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def _toy(calls: list[str]):
    """One weight w, loss (w·x − y)²: with x = 1, y = 0 and w = 1 the gradient is 2, and 0.1 of it is 0.2.

    What is called goes to ``calls``.
    """
    import torch

    class Toy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor(1.0))
            self.w.register_hook(lambda gradient: calls.append("backward"))

        def forward(self, x, y):
            return SimpleNamespace(loss=(self.w * x - y) ** 2)

    class Watched(torch.optim.SGD):
        def step(self, *given, **named):
            calls.append("step")
            return super().step(*given, **named)

        def zero_grad(self, *given, **named):
            calls.append("zero_grad")
            return super().zero_grad(*given, **named)

    model = Toy()
    batch = {"x": torch.tensor(1.0), "y": torch.tensor(0.0)}
    return model, Watched(model.parameters(), lr=0.1), batch


def _test_training_step(answer) -> None:
    calls: list[str] = []
    model, optimizer, batch = _toy(calls)
    first = answer(model, optimizer, batch)
    if first is None:
        raise Mistake(
            "the function returned None: return the loss, so that we can watch it fall.",
            "None が返りました。下がっていく様子を見られるように、損失を返してください。",
        )
    if "backward" not in calls:
        raise Mistake(
            "loss.backward() is never called: without it no weight has a gradient.",
            "loss.backward() が呼ばれていません。呼ばなければ、どの重みにも勾配がありません。",
        )
    if "step" not in calls:
        raise Mistake(
            "optimizer.step() is never called: the gradients are there, and no weight has moved.",
            "optimizer.step() が呼ばれていません。勾配はあるのに、重みが動いていません。",
        )
    if calls.index("step") < calls.index("backward"):
        raise Mistake(
            "the update comes before the gradients: call backward() first, then step().",
            "勾配を求める前に更新しています。先に backward()、そのあとに step() を呼んでください。",
        )
    if "zero_grad" in calls[calls.index("backward") : calls.index("step")]:
        raise Mistake(
            "zero_grad() wipes the gradients out before step() has used them.",
            "step() が使う前に、zero_grad() が勾配を消しています。",
        )
    if float(model.w.detach()) > 1.0:
        raise Mistake(
            "the loss goes up: backward() belongs to the loss itself, the optimizer already goes downhill.",
            "損失が上がっています。backward() は損失そのものに対して呼びます。下る向きに進むのはオプティマイザーの役目です。",
        )
    second = answer(model, optimizer, batch)
    if abs(float(model.w.detach()) - 0.64) > 1e-4:
        raise Mistake(
            "the second step is too large: the first one's gradient is still there, and backward() adds to it. Call optimizer.zero_grad().",
            "2 回目の更新が大きすぎます。1 回目の勾配が残っていて、backward() がそこに足しています。optimizer.zero_grad() を呼んでください。",
        )
    if not isinstance(second, float):
        raise Mistake(
            "return a plain number, loss.item(): a tensor keeps the whole computation in memory.",
            "loss.item() で、ただの数として返してください。テンソルのままだと、計算の履歴がすべてメモリに残ります。",
        )


EXERCISE = Exercise(
    name="training_step",
    prompt=Text(
        "One step of training: the loss of `batch`, its gradients, one update, gradients back to zero; return the loss as a number.",
        "学習の 1 ステップを書いてください。`batch` の損失を計算し、勾配を求め、重みを 1 回更新し、勾配を 0 に戻し、損失を数値で返します。",
    ),
    reference=training_step,
    test=_test_training_step,
    hints=(
        Text(
            "Four calls in this order: the model, backward, step, zero_grad.",
            "4 つの呼び出しを、モデル、backward、step、zero_grad の順に並べます。",
        ),
        Text(
            "model(**batch).loss is the loss; loss.backward() fills .grad of every weight.",
            "損失は model(**batch).loss です。loss.backward() が、すべての重みの .grad を埋めます。",
        ),
        Text(
            "loss = model(**batch).loss; loss.backward(); optimizer.step(); optimizer.zero_grad(); return loss.item()",
            "loss = model(**batch).loss; loss.backward(); optimizer.step(); optimizer.zero_grad(); return loss.item()",
        ),
    ),
    wrong_answers=(
        WrongAnswer(_gradients_pile_up, "second step is too large"),
        WrongAnswer(_nothing_flows_back, "backward() is never called"),
        WrongAnswer(_step_before_backward, "before the gradients"),
        WrongAnswer(_gradient_thrown_away, "wipes the gradients out"),
        WrongAnswer(_no_number, "returned None"),
        WrongAnswer(_uphill, "loss goes up"),
    ),
)
