"""Predict-first questions and the closing quiz: small objects with a plain-text form."""

from dataclasses import dataclass

from lab_helpers.runtime.language import Text, say


@dataclass(frozen=True)
class Prediction:
    """A number the learner guesses before anything runs; ``metric`` is what it is compared with."""

    name: str
    question: Text
    metric: str
    unit: Text
    scale: float = 1.0

    def compare(self, guess: float | None, measured: float) -> str:
        """One sentence: the guess, the measurement, the distance."""
        value = measured * self.scale
        shown = _written(value)
        if guess is None:
            return say(
                f"Measured: {shown} {self.unit}. Your own guess would stand beside it: fill it in above.",
                f"実測値は {shown} {self.unit} でした。上のセルに予想を書いておくと、ここに並べて表示されます。",
            )
        return say(
            f"You predicted {guess:g} {self.unit}; measured: {shown} {self.unit} (off by {_written(abs(guess - value))}).",
            f"予想 {guess:g} {self.unit} に対して、実測は {shown} {self.unit}（差 {_written(abs(guess - value))}）でした。",
        )


@dataclass(frozen=True)
class Question:
    """A multiple-choice question. ``why`` explains each choice, the right one and the wrong ones."""

    text: Text
    choices: tuple[Text, ...]
    answer: int
    why: tuple[Text, ...]

    def feedback(self, choice: int) -> tuple[bool, str]:
        """Whether ``choice`` (0-based) is right, and why."""
        return choice == self.answer, str(self.why[choice])

    def as_text(self, number: int) -> str:
        lines = [f"{number}. {self.text}"]
        lines += [f"   {'abcdef'[i]}) {choice}" for i, choice in enumerate(self.choices)]
        return "\n".join(lines)


def _written(number: float) -> str:
    """Three digits, and no powers of ten for thousands."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"
