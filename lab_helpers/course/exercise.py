"""An exercise: prompt, reference, hints, and the wrong answers its check must refuse.

``check`` runs the learner's function against :attr:`Exercise.test`. The test raises
:class:`Mistake` with a message that names the mistake. Every planted wrong answer carries a piece
of the message it must be refused with; a test of the course runs them all.
"""

import dis
import inspect
from collections.abc import Callable
from dataclasses import dataclass

from lab_helpers.runtime.language import Text, say

_TRIVIAL = {"RESUME", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "NOP"}


class Mistake(Exception):
    """Raised by an exercise's test: what is wrong with the answer, in both languages."""

    def __init__(self, en: str, ja: str):
        self.text = Text(en, ja)
        super().__init__(en)


@dataclass(frozen=True)
class WrongAnswer:
    """A planted mistake: its code, and a piece of the English message that must name it."""

    answer: Callable
    message_contains: str


@dataclass(frozen=True)
class Result:
    """What a check found. ``status``: ``passed``, ``wrong`` or ``unanswered``."""

    status: str
    message: str

    @property
    def passed(self) -> bool:
        return self.status == "passed"


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lab.

    ``test(fn)`` returns ``None`` when ``fn`` is right and raises :class:`Mistake` otherwise. The stub
    that the learner fills in stands in the notebook alone.
    """

    name: str
    prompt: Text
    reference: Callable
    test: Callable[[Callable], None]
    hints: tuple[Text, Text, Text]
    wrong_answers: tuple[WrongAnswer, ...]

    def check(self, answer: Callable) -> Result:
        """Judge ``answer``. Never raises: an exception inside it becomes a message."""
        if not callable(answer):
            return Result(
                "wrong",
                say(f"{self.name} is not a function.", f"{self.name} が関数になっていません。"),
            )
        if is_unanswered(answer):
            return Result(
                "unanswered",
                say(
                    f"{self.name}: {self.prompt.en}\n   Not answered yet; the lab goes on with the reference.",
                    f"{self.name}: {self.prompt.ja}\n   未回答です。模範解答を使って先へ進みます。",
                ),
            )
        try:
            self.test(answer)
        except Mistake as mistake:
            return Result("wrong", f"{self.name}: {mistake.text}")
        except Exception as error:  # the learner's code may raise anything
            return Result("wrong", f"{self.name}: {_where(error)}")
        return Result("passed", say(f"{self.name}: correct.", f"{self.name}: 正解です。"))

    def hint(self, step: int) -> str:
        """Hint 1, 2 or 3: from a nudge to almost the answer."""
        return str(self.hints[min(max(step, 1), len(self.hints)) - 1])

    def solution(self) -> str:
        """The reference's source code, after that of the functions beside it which it calls."""
        names = self.reference.__code__.co_names
        beside = [self.reference.__globals__.get(name) for name in names]
        called: list[Callable] = [
            f for f in beside if inspect.isfunction(f) and f.__module__ == self.reference.__module__
        ]
        return "\n\n".join(inspect.getsource(f) for f in (*called, self.reference))


def is_unanswered(function: Callable) -> bool:
    """True while the body of ``function`` is still ``...`` (with or without a docstring)."""
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    return all(step.opname in _TRIVIAL for step in dis.get_instructions(code)) and all(
        constant is None or constant is Ellipsis or isinstance(constant, str)
        for constant in code.co_consts
    )


def _where(error: Exception) -> str:
    kind = type(error).__name__
    trace = error.__traceback__
    line = 0
    while trace:
        if trace.tb_frame.f_code.co_filename.startswith(("<ipython", "/tmp/ipykernel", "<")):
            line = trace.tb_lineno
        trace = trace.tb_next
    at = say(f" (line {line} of your cell)", f"（セルの {line} 行目）") if line else ""
    return say(
        f"your code stopped with {kind}: {error}{at}",
        f"コードが {kind} で止まりました: {error}{at}",
    )


def expect_close(got, wanted, en: str, ja: str, tolerance: float = 1e-5) -> None:
    """Raise :class:`Mistake` unless two tensors (or numbers) agree in shape and value."""
    import torch

    if got is None:
        raise Mistake(
            "the function returned None: is a `return` missing?",
            "None が返りました。`return` を忘れていませんか。",
        )
    got = torch.as_tensor(got, dtype=torch.float64)
    wanted = torch.as_tensor(wanted, dtype=torch.float64)
    if got.shape != wanted.shape:
        raise Mistake(
            f"the shape is {tuple(got.shape)}, expected {tuple(wanted.shape)}. {en}",
            f"形が {tuple(got.shape)} です。{tuple(wanted.shape)} のはずです。{ja}",
        )
    if not torch.allclose(got, wanted, atol=tolerance, rtol=tolerance):
        raise Mistake(en, ja)


def same(got, wanted, tolerance: float = 1e-5) -> bool:
    """True where two tensors or numbers agree in shape and value: the fingerprint test for a mistake."""
    import torch

    try:
        got = torch.as_tensor(got, dtype=torch.float64)
        wanted = torch.as_tensor(wanted, dtype=torch.float64)
    except (TypeError, ValueError):
        return False
    return got.shape == wanted.shape and torch.allclose(got, wanted, atol=tolerance, rtol=tolerance)
