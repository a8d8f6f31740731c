"""What a chat template leaves out: turns, tools and thoughts that a model would never see."""

from collections import Counter

from lab_helpers.data.forms.turns import Message
from lab_helpers.runtime.language import Text, say
from lab_helpers.tuning.masks import read_tools

_WHOLE = Text("the whole conversation", "会話全体")


def select_rendered_rows(rows: list[dict], tokenizer) -> tuple[list[dict], Counter]:
    """The rows whose turns the template writes whole, and why the others are left out, with how many.

    Rows are ``{"prompt", "completion"}`` or ``{"prompt", "chosen", "rejected"}`` in turns, with ``tools``
    as TRL takes them. Reasons are ``"system"``, ``"tool"`` and other roles, ``"tool_calls"``, or
    ``"the whole conversation"``.
    """
    kept: list[dict] = []
    reasons: Counter[str] = Counter()
    for row in rows:
        lost = find_lost_turns(row, tokenizer)
        reasons.update(lost)
        if not lost:
            kept.append(row)
    return kept, reasons


def find_lost_turns(row: dict, tokenizer) -> list[str]:
    """What of the turns the template does not write; all of them where it refuses to.

    A turn is written if its words stand in the text; a call of tools, if the text is another without it:
    the tool's name may well stand in the question.
    """
    tools = read_tools(row)
    lost: list[str] = []
    for answer in _answers(row):
        turns = [*row["prompt"], *answer]
        try:
            text = _render(tokenizer, turns, tools)
            lost += [turn["role"] for turn in turns if turn["content"].strip() not in text]
            called = any(turn.get("tool_calls") for turn in turns)
            if called and text == _render(tokenizer, _without(turns, "tool_calls"), tools):
                lost.append("tool_calls")
        except Exception:  # jinja has many
            return [_WHOLE.en]
    return list(dict.fromkeys(lost))


def count_unused_parts(rows: list[dict], tokenizer) -> Counter:
    """In how many rows the template leaves out ``"tools"`` or ``"reasoning_content"``; such rows stay."""
    found: Counter[str] = Counter()
    for row in rows:
        tools, turns = read_tools(row), [*row["prompt"], *_answers(row)[0]]
        thoughts = any(turn.get("reasoning_content") for turn in turns)
        if not tools and not thoughts:
            continue
        text = _render(tokenizer, turns, tools)
        if tools and text == _render(tokenizer, turns, None):
            found["tools"] += 1
        if thoughts and text == _render(tokenizer, _without(turns, "reasoning_content"), tools):
            found["reasoning_content"] += 1
    return found


def template_lines(lost: Counter, unused: Counter) -> list[str]:
    """Why rows are left out, and what of the others the model never sees, in the reader's language."""
    return [
        *(
            say(
                f"{count} rows are left out: the model's chat template does not write their '{part}'",
                f"{count} 行は使いません。このモデルのチャットテンプレートが{_shown(part)}を書き出さないためです",
            )
            for part, count in lost.items()
        ),
        *(
            say(
                f"the '{part}' of {count} rows is not used: the model's chat template does not write it",
                f"{count} 行の「{part}」は使いません。このモデルのチャットテンプレートが書き出さないためです",
            )
            for part, count in unused.items()
        ),
    ]


def _shown(part: str) -> str:
    """What was lost, in Japanese."""
    return _WHOLE.ja if part == _WHOLE.en else f"「{part}」"


def _answers(row: dict) -> list[list[Message]]:
    return [row[name] for name in ("completion", "chosen", "rejected") if name in row]


def _render(tokenizer, turns: list[Message], tools: list[dict] | None) -> str:
    return tokenizer.apply_chat_template(turns, tools=tools, tokenize=False)


def _without(turns: list[Message], part: str) -> list[Message]:
    return [{key: value for key, value in turn.items() if key != part} for turn in turns]
