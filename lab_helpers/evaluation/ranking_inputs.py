"""What can be wrong with rankings and their right items, said before anything is scored."""

from collections.abc import Mapping, Sequence

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


def check_rankings(ranked: Sequence, gold: Sequence[Mapping], k: int = 1) -> None:
    """:class:`BadInput` unless there is one ranking a question, and each question has right items (``gold``: item → grade)."""
    if len(ranked) != len(gold):
        raise BadInput(
            say(
                f"{len(ranked)} rankings and {len(gold)} gold answers",
                f"順位が {len(ranked)} 件、正解が {len(gold)} 件あり、一致しません",
            ),
            say("Give one of each a question.", "質問ごとに 1 つずつ渡してください。"),
        )
    if k < 1:
        raise BadInput(
            say(f"k = {k} is below 1", f"k = {k} は 1 未満です"),
            say("recall@5 is usual.", "recall@5 がよく使われます。"),
        )
    for position, grades in enumerate(gold):
        if not grades or None in grades or min(grades.values()) <= 0:
            raise BadInput(
                say(
                    f"question {position} has no right item",
                    f"質問 {position}（0 から数えた番号）に正解がありません",
                ),
                say(
                    "Leave questions without an answer out of ranking scores; they test abstaining.",
                    "答えのない質問は順位の評価に含めないでください。それは回答を控えられるかを調べるための質問です。",
                ),
            )
