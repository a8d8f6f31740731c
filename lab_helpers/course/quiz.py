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
        if guess is None:
            return say(
                f"Measured: {value:.3g} {self.unit}. You made no prediction; next time, guess first.",
                f"実測値は {value:.3g} {self.unit} でした。今回は予想なしです。次は先に予想してみましょう。",
            )
        return say(
            f"You predicted {guess:g} {self.unit}; measured: {value:.3g} {self.unit} (off by {abs(guess - value):.3g}).",
            f"予想 {guess:g} {self.unit} に対して、実測は {value:.3g} {self.unit}(差 {abs(guess - value):.3g})でした。",
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
