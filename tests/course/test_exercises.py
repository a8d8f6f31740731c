"""Every exercise: the reference passes, the notebook's stub is unanswered, each planted mistake is named."""

import inspect

import pytest

from lab_helpers.course.exercise import is_unanswered
from lab_helpers.course.notebooks import read_source
from lab_helpers.course.registry import LABS
from lab_helpers.runtime.language import set_language

EXERCISES = [(lab.number, exercise) for lab in LABS for exercise in lab.exercises()]
WRONG = [
    pytest.param(exercise, wrong, id=f"{number}-{exercise.name}-{i}")
    for number, exercise in EXERCISES
    for i, wrong in enumerate(exercise.wrong_answers)
]


class Checks:
    """Stands for ``lab`` in a stub cell: what is handed to ``lab.check``, by name."""

    language = "en"

    def __init__(self):
        self.answers: dict = {}

    def check(self, name, answer):
        self.answers[name] = answer
        return answer


def stubs(lab) -> dict:
    """The functions that the lab's own exercise cells leave to the learner."""
    checks = Checks()
    for cell in read_source(lab.source).cells:
        if "exercise" in cell.metadata.get("tags", []):
            exec(compile(cell.source, "<stub>", "exec"), {"lab": checks})
    return checks.answers


STUBS = {lab.number: stubs(lab) for lab in LABS}


@pytest.mark.parametrize(("number", "exercise"), EXERCISES, ids=lambda v: getattr(v, "name", v))
class TestEveryExercise:
    def test_reference_passes_in_both_languages(self, number, exercise):
        for language in ("en", "ja"):
            set_language(language)
            assert exercise.check(exercise.reference).status == "passed"

    def test_the_notebooks_stub_is_unanswered(self, number, exercise):
        stub = STUBS[number][exercise.name]
        assert is_unanswered(stub)
        assert exercise.check(stub).status == "unanswered"

    def test_the_notebooks_stub_takes_what_the_reference_takes(self, number, exercise):
        asked, given = (
            inspect.signature(f).parameters
            for f in (STUBS[number][exercise.name], exercise.reference)
        )
        assert list(asked) == list(given)[: len(asked)]
        assert all(p.default is not p.empty for p in list(given.values())[len(asked) :])

    def test_the_reference_is_the_packages_own_function(self, number, exercise):
        assert ".exercises." not in exercise.reference.__module__

    def test_has_three_hints_and_three_planted_mistakes(self, number, exercise):
        assert len(exercise.hints) == 3
        assert len(exercise.wrong_answers) >= 3

    def test_texts_are_in_both_languages(self, number, exercise):
        for text in (exercise.prompt, *exercise.hints):
            assert text.en
            assert text.ja

    def test_solution_is_runnable_source(self, number, exercise):
        assert f"def {exercise.name}(" in exercise.solution()

    def test_code_that_raises_is_reported_not_raised(self, number, exercise):
        def broken(*_):
            raise KeyError("learner")

        result = exercise.check(broken)
        assert result.status == "wrong"
        assert "KeyError" in result.message

    def test_returning_none_is_refused(self, number, exercise):
        assert exercise.check(lambda *args: print("", end="")).status == "wrong"


@pytest.mark.parametrize(("exercise", "wrong"), WRONG)
def test_planted_mistake_is_refused_by_its_own_message(exercise, wrong):
    result = exercise.check(wrong.answer)
    assert result.status == "wrong"
    assert wrong.message_contains in result.message
    others = [w.message_contains for w in exercise.wrong_answers if w is not wrong]
    assert not any(other in result.message for other in others)


@pytest.mark.parametrize(("exercise", "wrong"), WRONG)
def test_planted_mistake_is_named_in_japanese_too(exercise, wrong):
    set_language("ja")
    message = exercise.check(wrong.answer).message
    assert any("぀" <= character <= "ヿ" for character in message)


def test_every_lab_has_three_exercises_a_prediction_and_three_questions():
    for lab in LABS:
        content = lab.questions()
        assert set(STUBS[lab.number]) == {exercise.name for exercise in lab.exercises()}
        assert len(lab.exercises()) >= 3
        assert content.PREDICTIONS
        assert len(content.QUIZ) >= 3
        for question in content.QUIZ:
            assert len(question.why) == len(question.choices)
            assert question.feedback(question.answer)[0]
