"""What a model reads of a benchmark: the prompts of the papers, in English and Japanese."""

from collections.abc import Sequence
from typing import TypeVar

from lab_helpers.evaluation.benchmarks.answers import LETTERS
from lab_helpers.evaluation.benchmarks.formats import MultipleChoice, WordProblem
from lab_helpers.models.kotori.facts import LABELS
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

Text = tuple[str, str]  # a prompt, and an answer as it would follow it
Item = TypeVar("Item")

STOP = {"en": ("Question:", "</s>", "<|im_end|>"), "ja": ("質問:", "</s>", "<|im_end|>")}
"""What ends a continuation: the next question, which base models go on to invent, or a turn's end."""

PROGRAM_STOP = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
"""Where a function ends: what Chen et al. 2021 (§3.2) stop HumanEval's completions at."""

_HEADING = {
    "en": "The following are multiple choice questions (with answers){about}.\n\n",
    "ja": "以下は{about}選択式の問題と答えです。\n\n",
}
_ABOUT = {"en": " about {}", "ja": "{}についての"}


def render_answer(answer: str, language: str) -> str:
    """``answer`` as it follows "Answer:" (after a space) or "答え:" on the line."""
    return f" {answer}" if language == "en" else answer


def lettered(item: MultipleChoice, language: str) -> Text:
    """Hendrycks et al. 2021 (arXiv:2009.03300, fig. 1a): the question, its choices by letter, "Answer:"."""
    lines = [item.question.strip()]
    lines += [f"{letter}. {choice}" for letter, choice in zip(LETTERS, item.choices, strict=False)]
    prompt = "\n".join([*lines, LABELS[language][1]])
    return prompt, render_answer(LETTERS[item.answer], language)


def cloze(item: MultipleChoice, language: str) -> Text:
    """Brown et al. 2020 (§2.4): only the question, so that each choice can be read as its answer."""
    return render_question(item.question.strip(), language), render_answer(
        item.choices[item.answer], language
    )


def problem(item: WordProblem, language: str) -> Text:
    """A word problem and its worked solution, which ends in "#### " and the number."""
    return render_question(item.question, language), render_answer(item.solution, language)


def render_question(question: str, language: str) -> str:
    """ "Question: … Answer:" on two lines, the form that GPT-3 and the field's harness use."""
    ask, reply = LABELS[language]
    return f"{ask}{question}\n{reply}"


def heading(subject: str, language: str) -> str:
    """MMLU's first line, with the subject where there is one."""
    named = subject.replace("_", " ")
    about = _ABOUT[language].format(named) if named else ""
    return _HEADING[language].format(about=about)


def after_examples(prompt: str, examples: Sequence[Text]) -> str:
    """``prompt`` after answered examples, an empty line between them."""
    return "".join(f"{question}{answer}\n\n" for question, answer in examples) + prompt


def examples_apart(
    items: Sequence[Item], few_shot: int, what: str
) -> tuple[list[Item], list[Item]]:
    """The first ``few_shot`` items, as examples, and the others, to be asked: never one in both."""
    if not 0 <= few_shot < len(items):
        raise BadInput(
            say(
                f"{few_shot} examples asked for, and {what} has {len(items)} items",
                f"例示 {few_shot} 件が指定されましたが、{what} には {len(items)} 件しかありません",
            ),
            say(
                "Ask for fewer; the examples are the first items of the file and are not asked.",
                "例示の数を減らしてください。ファイルの先頭から例示に使い、その分は出題しません。",
            ),
        )
    return list(items[:few_shot]), list(items[few_shot:])


def check_room(model, lengths: Sequence[int], what: str) -> None:
    """Raise :class:`BadInput` where a text of so many tokens does not fit into what the model reads.

    Harnesses cut such a prompt at its beginning and go on; the item would be asked without its question.
    """
    room = getattr(model.config, "max_position_embeddings", None)
    longest = max(lengths, default=0)
    if room and longest > room:
        number = list(lengths).index(longest) + 1
        raise BadInput(
            say(
                f"{what} {number} needs {longest} tokens, and the model reads {room}",
                f"{number} 番目の{what}には {longest} トークン必要ですが、モデルが読めるのは {room} トークンまでです",
            ),
            say(
                "Give fewer examples (few_shot), a smaller max_new_tokens, or a model that reads more.",
                "例示（few_shot）を減らすか、max_new_tokens を小さくするか、より長く読めるモデルを使ってください。",
            ),
        )
