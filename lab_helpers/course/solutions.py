"""Below each exercise of a notebook: its reference solution, folded, for readers without a kernel too."""

import re
from typing import TYPE_CHECKING

from lab_helpers.course.registry import get_lab
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say, speaking

if TYPE_CHECKING:
    from nbformat import NotebookNode

TAG = "solution"
_CHECKED = re.compile(r'lab\.check\("(\w+)"')


def with_solutions(cells: "list[NotebookNode]", lab: str, language: str) -> "list[NotebookNode]":
    """``cells`` with a prose cell after each cell in which ``lab.check("name", …)`` is called."""
    exercises = {exercise.name: exercise for exercise in get_lab(lab).exercises()}
    result = []
    for cell in cells:
        result.append(cell)
        for name in _CHECKED.findall(cell.source) if cell.cell_type == "code" else ():
            if name not in exercises:
                raise BadInput(
                    say(
                        f"lab {lab} has no exercise '{name}'",
                        f"ラボ {lab} に演習「{name}」はありません",
                    ),
                    say(f"Known: {', '.join(exercises)}.", f"使える名前: {'、'.join(exercises)}"),
                )
            result.append(_folded(exercises[name], cell.id, language))
    return result


def is_solution(cell: "NotebookNode") -> bool:
    """Whether a notebook's cell is one of them."""
    return TAG in cell.metadata.get("tags", ())


def _folded(exercise, after: str, language: str) -> "NotebookNode":
    from nbformat import v4

    with speaking(language):
        title = say(
            f"Solution of <code>{exercise.name}</code> (try it first)",
            f"<code>{exercise.name}</code> の解答（まず自分で考えてから）",
        )
    text = f"<details><summary>{title}</summary>\n\n```python\n{exercise.solution().strip()}\n```\n\n</details>"
    return v4.new_markdown_cell(text, id=f"{after}-{exercise.name}"[:64], metadata={"tags": [TAG]})
