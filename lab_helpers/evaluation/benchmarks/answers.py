"""Which choice is the right one? What a multiple-choice file's answers mean, decided over the whole file.

Publishers write the place counted from 0 (MMLU on the hub), from 1, a letter (MMLU's CSV, MMLU-Pro), or the
choice itself. A single "3" may be any of them. A reading must fit every row of the file, and where
several fit they must name the same choices; else the file is refused, never scored against a wrong answer.
"""

from collections.abc import Sequence
from itertools import combinations

from lab_helpers.evaluation.benchmarks.answer_places import (
    LETTERS,
    Answers,
    ChoiceRow,
    is_letter,
    is_number,
    place_of,
)
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import Text, say

READINGS: tuple[Answers, ...] = ("0-based", "1-based", "letters", "texts")
_COUNTS: tuple[Answers, ...] = ("0-based", "1-based")
COLUMNS = ("answer", "label", "answer_index", "answer_idx", "answerKey")
"""Where the answer stands. A file may have several of them: then they must agree."""

_SAY = Text(
    "Say which: --answers=0-based, 1-based, letters or texts in labs eval (answers=… in Python), "
    "or write the answers as letters.",
    "labs eval の --answers=0-based、1-based、letters、texts のいずれか（Python では answers=…）で指定するか、答えを文字（A、B、…）で書いてください。",
)


class UnclearAnswer(Exception):
    """An answer that names no choice; ``row`` is its place in the file's rows, None where it is all of them."""

    def __init__(self, row: int | None, problem: str, way_out: str = ""):
        self.row = row
        self.way_out = way_out or say(
            "Mend this line or take it out.", "この行を直すか、取り除いてください。"
        )
        super().__init__(problem)


class Ambiguous(UnclearAnswer):
    """Several readings fit every row and name different choices."""


def right_places(questions: Sequence[ChoiceRow], given: Answers | None = None) -> list[int]:
    """For every question the place (from 0) of its right choice.

    The whole file decides how its answers are to be read; ``given`` counts where it does not. Raises
    :class:`UnclearAnswer` for a row that fits no reading, for columns that disagree, where two readings fit,
    and where ``given`` counts from another number than the file does.
    """
    try:
        column, readings = _told_by_the_file(questions)
    except UnclearAnswer as problem:
        if given is None:
            raise
        return _as_told(questions, given, problem)
    if given in _COUNTS and given not in readings and set(readings) <= set(_COUNTS):
        raise _counted_otherwise(questions, column, readings, given)
    return next(iter(readings.values()))


def _told_by_the_file(questions: Sequence[ChoiceRow]) -> tuple[str, dict[Answers, list[int]]]:
    """The first column of answers and its readings that fit, all of which name the same places."""
    columns = _columns(questions)
    allowed = _allowed(questions)
    options = {column: _readings(questions, column, allowed) for column in columns}
    for column in columns:
        if not options[column]:
            raise _misfit(questions, column, allowed)
    if len(columns) > 1:
        options = _agreeing(questions, options)
    readings = options[columns[0]]
    if len(set(map(tuple, readings.values()))) > 1:
        raise _ambiguous(questions, columns[0], readings)
    return columns[0], readings


def _as_told(questions: Sequence[ChoiceRow], given: Answers, problem: UnclearAnswer) -> list[int]:
    """The places when answers are read as ``given``; ``problem`` is why the file alone tells none."""
    columns = _columns(questions)
    options = {column: _readings(questions, column, READINGS) for column in columns}
    main = next((column for column in columns if given in options[column]), columns[0])
    if given not in options[main]:
        raise _misfit(questions, main, (given,)) if isinstance(problem, Ambiguous) else problem
    options[main] = {given: options[main][given]}
    if not all(options.values()):
        raise problem
    if len(columns) > 1:
        options = _agreeing(questions, options)
    return options[main][given]


def check_reading(name: str | None) -> Answers | None:
    """``name`` as a reading, None as it is; raises :class:`BadInput` for any other."""
    for reading in READINGS:
        if name == reading:
            return reading
    if name is None:
        return None
    raise BadInput(
        say(f"unknown kind of answers '{name}'", f"答えの書き方に「{name}」は指定できません"),
        say(
            f"Use one of: {', '.join(READINGS)}.",
            f"次のいずれかを指定してください: {', '.join(READINGS)}。",
        ),
    )


def _columns(questions: Sequence[ChoiceRow]) -> list[str]:
    """The columns that hold answers: all of :data:`COLUMNS` that name a choice in most rows."""
    there = [column for column in COLUMNS if any(column in one.answers for one in questions)]
    useful = [
        column
        for column in there
        if max(map(sum, _fitting(questions, column, READINGS).values())) * 2 > len(questions)
    ]
    return useful or there[:1] or ["answer"]


def _fitting(
    questions: Sequence[ChoiceRow], column: str, readings: Sequence[Answers]
) -> dict[Answers, list[bool]]:
    """Of each reading, for which rows ``column`` names a choice in it."""
    return {
        reading: [
            place_of(question.answers.get(column), question, reading) is not None
            for question in questions
        ]
        for reading in readings
    }


def _allowed(questions: Sequence[ChoiceRow]) -> tuple[Answers, ...]:
    """The readings that the names of the choices leave: ``choice0`` says that the first is number 0."""
    if all(question.first == 0 for question in questions):
        return ("0-based", "letters", "texts")
    return READINGS


def _readings(
    questions: Sequence[ChoiceRow], column: str, allowed: Sequence[Answers]
) -> dict[Answers, list[int]]:
    """Each of the ``allowed`` readings of ``column`` that fits every row, with the places it names."""
    found: dict[Answers, list[int]] = {}
    for reading in allowed:
        places = []
        for question in questions:
            place = place_of(question.answers.get(column), question, reading)
            if place is None:
                break
            places.append(place)
        else:
            found[reading] = places
    # Where the names of the choices count, a number means that name before anything else.
    first = {question.first for question in questions}
    by_name: Answers = "1-based" if first == {1} else "0-based"
    if len(allowed) > 1 and first in ({0}, {1}) and by_name in found:
        return {by_name: found[by_name]}
    return found


def _agreeing(
    questions: Sequence[ChoiceRow], options: dict[str, dict[Answers, list[int]]]
) -> dict[str, dict[Answers, list[int]]]:
    """Of each column the readings with which some reading of every other column agrees on all rows."""
    kept = {
        column: {
            reading: places
            for reading, places in readings.items()
            if all(places in other.values() for other in options.values())
        }
        for column, readings in options.items()
    }
    if all(kept.values()):
        return kept
    first, *others = options
    for column in others:
        pairs = [
            (mine, theirs)
            for mine in options[first].values()
            for theirs in options[column].values()
        ]
        if any(mine == theirs for mine, theirs in pairs):
            continue
        mine, theirs = max(pairs, key=lambda pair: sum(map(int.__eq__, *pair)))
        row = next(row for row, place in enumerate(mine) if place != theirs[row])
        answers = questions[row].answers
        raise UnclearAnswer(
            row,
            say(
                f"names two choices: {first} is {answers[first]!r} and {column} is {answers[column]!r}",
                f"選択肢を 2 つ指しています（{first} は {answers[first]!r}、{column} は {answers[column]!r}）",
            ),
            say(
                "Mend this line, or take one of the two columns out.",
                "この行を直すか、どちらかの列を取り除いてください。",
            ),
        )
    raise UnclearAnswer(
        None,
        say(
            f"has answers in {len(options)} columns ({', '.join(options)}) that do not agree",
            f"答えの列が {len(options)} つ（{', '.join(options)}）あり、内容が食い違っています",
        ),
        say("Keep only the column that is right.", "正しい列だけを残してください。"),
    )


def _misfit(
    questions: Sequence[ChoiceRow], column: str, readings: Sequence[Answers]
) -> UnclearAnswer:
    """No reading fits all rows: the rows that the most fitting one leaves out, or two kinds mixed."""
    fitting = _fitting(questions, column, readings)
    for row, question in enumerate(questions):
        if not any(rows[row] for rows in fitting.values()):
            return _no_choice(row, question, column, readings)
    best = max(readings, key=lambda reading: sum(fitting[reading]))
    row = fitting[best].index(False)
    answer = questions[row].answers.get(column)
    if best in ("0-based", "1-based") and is_number(answer):
        count = len(questions[row].choices)
        return UnclearAnswer(
            row,
            say(
                f"has an answer outside its {count} choices: {answer!r}, and most answers count from {best[0]}",
                f"答え {answer!r} が {count} 個の選択肢の範囲外です。ほかの答えの大半は {best[0]} から数えています",
            ),
            say("Mend this line or take it out.", "この行を直すか、取り除いてください。"),
        )
    return UnclearAnswer(
        row,
        say(
            f"has the answer {answer!r}, and most answers of the file are read as {best}",
            f"答えが {answer!r} になっていますが、ほかの答えの大半は {best} として読めます",
        ),
        say(
            "Write all answers in one way: as letters, as texts, or as numbers counted from 0 or from 1.",
            "すべての答えを同じ書き方（文字、選択肢の文、0 から数えた番号、1 から数えた番号のいずれか）にそろえてください。",
        ),
    )


def _counted_otherwise(
    questions: Sequence[ChoiceRow],
    column: str,
    readings: dict[Answers, list[int]],
    given: Answers,
) -> UnclearAnswer:
    """The file's numbers say where they count from, and it is not what its reader was told."""
    fits = _fitting(questions, column, (given,))[given]
    row = fits.index(False) if False in fits else 0
    return UnclearAnswer(
        row,
        say(
            f"has the answer {questions[row].answers.get(column)!r}: this file counts from "
            f"{next(iter(readings))[0]}, and its answers were said to be {given}",
            f"答えが {questions[row].answers.get(column)!r} です。このファイルは {next(iter(readings))[0]} から数えていますが、{given} と指定されています",
        ),
        say(
            "Mend this line; or, if it is right, measure this file without --answers (answers=None in Python).",
            "この行を直してください。行が正しいなら、--answers を付けずに（Python では answers=None で）測定してください。",
        ),
    )


def _no_choice(
    row: int, question: ChoiceRow, column: str, readings: Sequence[Answers]
) -> UnclearAnswer:
    answer, count = question.answers.get(column), len(question.choices)
    if is_number(answer) or (isinstance(answer, str) and is_letter(answer)):
        given = (
            say(f" when read as {readings[0]}", f"（{readings[0]} として読んだ場合）")
            if len(readings) == 1
            else ""
        )
        return UnclearAnswer(
            row,
            say(
                f"has an answer outside its {count} choices{given}",
                f"答えが {count} 個の選択肢の範囲外です{given}",
            ),
            say(
                f"It must be 0 to {count - 1}, 1 to {count}, or A to {LETTERS[count - 1]}.",
                f"0 から {count - 1}、1 から {count}、A から {LETTERS[count - 1]} のいずれかで書いてください。",
            ),
        )
    return UnclearAnswer(
        row,
        say(f"has no answer: {answer!r}", f"答えがありません: {answer!r}"),
        say(
            "It is the right choice's number or letter, or its text.",
            "正しい選択肢の番号か文字、または選択肢の文を書いてください。",
        ),
    )


def _ambiguous(
    questions: Sequence[ChoiceRow], column: str, readings: dict[Answers, list[int]]
) -> UnclearAnswer:
    first, second = next(
        (one, other) for one, other in combinations(readings, 2) if readings[one] != readings[other]
    )
    row = next(r for r, place in enumerate(readings[first]) if place != readings[second][r])
    answer = questions[row].answers.get(column)
    choices = questions[row].choices
    one, other = (choices[readings[reading][row]] for reading in (first, second))
    return Ambiguous(
        row,
        say(
            f"has the answer {answer!r}, which is ambiguous: {one[:30]!r} when the file's answers are {first}, "
            f"{other[:30]!r} when they are {second}, and no line decides",
            f"答え {answer!r} を 1 通りに読めません。{first} なら {one[:30]!r}、{second} なら {other[:30]!r} を指し、どちらなのかを決められる行がありません",
        ),
        str(_SAY),
    )
