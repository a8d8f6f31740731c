"""The ``lab`` object of a notebook: setup, predictions, exercises, quiz, measurements, verdict."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab_helpers.course import progress
from lab_helpers.course.claims import verdict_table
from lab_helpers.course.exercise import Exercise
from lab_helpers.course.live import LiveReporter
from lab_helpers.course.mistakes import hide_tracebacks_of_mistakes
from lab_helpers.course.quiz import Prediction, Question
from lab_helpers.course.record import Run, versions
from lab_helpers.course.registry import Lab, get_lab
from lab_helpers.course.runs import finish_run, start_run
from lab_helpers.course.witnesses import metric_rows, provenance, verdict_rows, witness_record
from lab_helpers.data.forms.reading_options import AS_FOUND, ReadingOptions
from lab_helpers.figures.display import markdown_table, show_figure, show_markdown
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say, set_language
from lab_helpers.runtime.memory import PeakMemory
from lab_helpers.runtime.profiles import Profile, choose_profile
from lab_helpers.runtime.progress import install_reporter
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.trainers import Tuned


@dataclass
class Request:
    """What the command line asks of the lab that a program opens; ``opened`` is that lab."""

    profile: Profile
    seed: int = 0
    out: Path | None = None
    model: str | None = None
    copy: Path | None = None
    fresh: bool = False
    options: ReadingOptions = AS_FOUND
    opened: "LabSession | None" = None


_request: Request | None = None


@contextmanager
def requested(request: Request) -> Iterator[Request]:
    """While inside, :func:`open_lab` opens what ``request`` asks, without a notebook's front end."""
    global _request
    before, _request = _request, request
    try:
        yield request
    finally:
        _request = before


def open_lab(
    number: str,
    *,
    profile: str | None = None,
    seed: int = 0,
    lang: str | None = None,
    fresh: bool = False,
) -> "LabSession":
    """Open a lab, in a notebook or under ``labs run``, whose options win.

    ``profile`` is ``"tiny"`` (without a wish), ``"small"``, ``"t4"`` or ``"gpu"``; ``lang`` is
    ``"en"``, ``"ja"`` or the edition that is open; ``fresh`` trains anew what is remembered.
    """
    lab = get_lab(number)
    if _request is None:
        hide_tracebacks_of_mistakes()
        install_reporter(LiveReporter())
        if lang:
            set_language(lang)
        run, final = start_run(
            lab.number, choose_profile(profile), seed, source="notebook", fresh=fresh
        )
        return LabSession(lab, run, final)
    asked = _request
    run, final = start_run(
        lab.number,
        asked.profile,
        asked.seed,
        asked.out,
        model=asked.model,
        copy=asked.copy,
        fresh=asked.fresh,
    )
    asked.opened = LabSession(lab, run, final)
    return asked.opened


class LabSession:
    """What a learner calls ``lab``. ``lab.settings`` are the profile's numbers, ``lab.run`` the run."""

    def __init__(self, lab: Lab, run: Run, final: Path):
        self.lab, self.run, self._final = lab, run, final
        self.exercises: dict[str, Exercise] = {e.name: e for e in lab.exercises()}
        asked = lab.questions()
        self.predictions: dict[str, Prediction] = {p.name: p for p in asked.PREDICTIONS}
        self.questions: tuple[Question, ...] = asked.QUIZ
        self._guesses: dict[str, float | None] = {}
        self._hints: dict[str, int] = {}
        self._started = time.perf_counter()
        self._memory = PeakMemory().__enter__()
        self.settings = run.settings
        self.seed = run.seed
        seed_everything(run.seed)
        found = versions()
        print(
            say(f"Lab {lab.number}: {lab.title.en}", f"ラボ {lab.number}: {lab.title.ja}"),
            say(
                f"profile {run.profile.name}, seed {run.seed}",
                f"プロファイル {run.profile.name}、シード {run.seed}",
            ),
            ", ".join(f"{name} {found[name]}" for name in ("torch", "transformers", "peft")),
            sep=" | ",
        )

    @property
    def language(self) -> str:
        """The language of the main experiment, ``"en"`` or ``"ja"``: this edition's, if the model reads it."""
        return self.run.language

    @property
    def other_language(self) -> str | None:
        """The language of the experiment beside the main one; None where the profile has no time for it."""
        if not self.settings["second_language"]:
            return None
        return next((one for one in self.run.profile.languages if one != self.language), None)

    def pick(self, **by_profile):
        """The value for this run's profile, ``lab.pick(tiny=3e-3, small=1e-3, t4=2e-4)``.

        Without a value of its own, gpu takes t4's, and t4 and small take tiny's.
        """
        name = self.run.profile.name
        for one in {"gpu": ("gpu", "t4", "tiny"), "tiny": ("tiny",)}.get(name, (name, "tiny")):
            if one in by_profile:
                return by_profile[one]
        raise BadInput(
            say(f"no value for profile '{name}'", f"プロファイル {name} の値がありません"),
            say(f"Add {name}=… to lab.pick(…).", f"lab.pick(…) に {name}=… を加えてください。"),
        )

    @property
    def machine(self) -> dict:
        """What any ``SFTConfig`` or ``DPOConfig`` needs on this machine: precision, folder, seed, quiet."""
        return self.run.machine

    def train(self, trainer, label: str | None = None, *, diverged: str = "raise") -> Tuned:
        """``trainer.train()`` with progress, a live loss curve, a clean stop, and a memory.

        Run again with the same base, rows, settings, seed and versions, it loads what was trained, and
        goes on with what was not finished. ``diverged="return"`` hands back a training that blew up.
        """
        return self.run.train(trainer, label, diverged=diverged)

    def predict(self, name: str, guess=...) -> None:
        """Note a guess before anything runs. ``...`` means no guess; the lab goes on."""
        prediction = self._known(self.predictions, name)
        if guess is ... or guess is None:
            self._guesses[name] = None
            print(
                say(
                    "No prediction yet: replace ... by your number.",
                    "まだ予想がありません。... を自分の数字に置き換えてください。",
                )
            )
            return
        try:
            self._guesses[name] = float(guess)
        except (TypeError, ValueError):
            raise BadInput(
                say(
                    f"the prediction '{guess}' is not a number",
                    f"予想「{guess}」は数値ではありません",
                ),
                say("Write a number.", "数値を書いてください。"),
            ) from None
        progress.note(self.lab.number, "predictions", name, self._guesses[name])
        print(
            say(
                f"Noted: {guess} {prediction.unit.en}.",
                f"予想を記録しました: {guess} {prediction.unit.ja}",
            )
        )

    def compare(self, name: str) -> None:
        """Set the guess beside the measurement."""
        prediction = self._known(self.predictions, name)
        if prediction.metric not in self.run.metrics:
            raise BadInput(
                say(
                    f"'{prediction.metric}' is not measured yet",
                    f"「{prediction.metric}」はまだ測定されていません",
                ),
                say("Run the cells above first.", "先に上のセルを実行してください。"),
            )
        print(prediction.compare(self._guesses.get(name), self.run.metrics[prediction.metric]))

    def check(self, name: str, answer):
        """Judge an answer, and return the function to go on with: yours if right, else the reference."""
        exercise = self._known(self.exercises, name)
        result = exercise.check(answer)
        print({"passed": "✅", "wrong": "❌", "unanswered": "⏭️"}[result.status], result.message)
        if result.status == "wrong":
            print(
                say(
                    f"   lab.hint('{name}') helps.",
                    f"   ヒントは lab.hint('{name}') で見られます。",
                )
            )
        progress.note(self.lab.number, "exercises", name, result.status)
        return answer if result.passed else exercise.reference

    def hint(self, name: str) -> None:
        """The next hint: from a nudge to almost the answer."""
        exercise = self._known(self.exercises, name)
        step = self._hints[name] = min(self._hints.get(name, 0) + 1, len(exercise.hints))
        print(
            say(f"Hint {step} of {len(exercise.hints)}: ", f"ヒント {step}/{len(exercise.hints)}: ")
            + exercise.hint(step)
        )

    def solution(self, name: str) -> None:
        """The reference solution."""
        print(self._known(self.exercises, name).solution())

    def measured(self, **metrics) -> None:
        """Put measurements into this run's record."""
        self.run.measured(**metrics)

    def table(
        self, rows: list[dict], name: str | None = None, columns: list[str] | None = None
    ) -> None:
        """Show rows as a table, and keep them for the report under ``name``."""
        if name:
            self.run.table(name, rows)
        show_markdown(markdown_table(rows, columns))

    def figure(self, figure, name: str | None = None) -> None:
        """Show a figure, and keep it for the report under ``name``."""
        if name:
            self.run.figure(name, figure)
        show_figure(figure)

    def quiz(self) -> None:
        """The closing questions: buttons where there is a front end, and always as text."""
        from lab_helpers.figures.widgets import quiz_widget

        for number, question in enumerate(self.questions, 1):
            print(question.as_text(number))
        print(
            say(
                "Answer with the buttons, or with lab.answer(1, 'b').",
                "下のボタン、または lab.answer(1, 'b') で答えます。",
            )
        )
        quiz_widget(self.questions, self._note_quiz)

    def answer(self, number: int, letter: str) -> None:
        """Answer question ``number`` with a letter."""
        question = self.questions[number - 1] if 1 <= number <= len(self.questions) else None
        choice = "abcdef".find(letter.lower()) if len(letter) == 1 else -1
        if question is None or not 0 <= choice < len(question.choices):
            raise BadInput(
                say(
                    f"no answer '{letter}' to question {number}",
                    f"問 {number} に「{letter}」という選択肢はありません",
                ),
                say("For example: lab.answer(1, 'b').", "例: lab.answer(1, 'b')"),
            )
        right, why = question.feedback(choice)
        self._note_quiz(number, right)
        print("✅" if right else "❌", why)

    def _note_quiz(self, number: int, right: bool) -> None:
        progress.note(self.lab.number, "quiz", str(number), right)

    def finish(self) -> dict:
        """Write the record; once more, with what has come since, where it was written before."""
        self.run.seconds = time.perf_counter() - self._started
        self.run.peak_rss_mb = self._memory.megabytes
        return finish_run(self.run, self._final)

    def verdict(self) -> None:
        """Judge the lab's claims by what was measured, write the record, and show the table."""
        record = self.finish()
        show_markdown(verdict_table(record))
        for outside in record["outside"]:
            print(
                say("Outside its band:", "想定の範囲外:"),
                outside["metric"],
                outside["value"],
                "-",
                outside["why"],
            )
        progress.note(self.lab.number, "runs", "notebook", record["finished"])

    def real_model(self, *metrics: str) -> None:
        """The same numbers from a real language model: ``metrics`` and the lab's verdicts, side by side."""
        kept = witness_record(self.lab.number, "small")
        if kept is None:
            print(
                say(
                    f"Nothing is kept yet. Measure it: labs run {self.lab.number} --profile small",
                    f"まだ記録がありません。labs run {self.lab.number} --profile small で測れます。",
                )
            )
            return
        print(provenance(kept))
        own = self.run.metrics
        show_markdown(markdown_table(metric_rows(metrics, own, kept["metrics"])))
        show_markdown(markdown_table(verdict_rows(self.lab.number, own, kept["metrics"])))

    def _known(self, table: dict, name: str):
        if name not in table:
            raise BadInput(
                say(
                    f"lab {self.lab.number} has no '{name}'",
                    f"ラボ {self.lab.number} に「{name}」はありません",
                ),
                say(f"Known: {', '.join(table)}.", f"使える名前: {'、'.join(table)}"),
            )
        return table[name]
