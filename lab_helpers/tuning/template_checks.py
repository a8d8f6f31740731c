"""What a chat template leaves out: turns, tools and thoughts that a model would never see."""

from collections import Counter

from lab_helpers.data.forms.turns import Message
from lab_helpers.runtime.language import say
from lab_helpers.tuning.masks import read_tools


def select_rendered_rows(rows: list[dict], tokenizer) -> tuple[list[dict], Counter]:
    """The rows that the template writes whole, and why the others are left out, with how many.

    Rows are ``{"prompt", "completion"}`` or ``{"prompt", "chosen", "rejected"}`` in turns, with ``tools``
    as TRL takes them. Reasons are ``"system"``, ``"tool"`` and other roles, ``"tools"``, ``"tool_calls"``.
    """
    kept: list[dict] = []
    reasons: Counter[str] = Counter()
    for row in rows:
        lost = find_lost_parts(row, tokenizer)
        reasons.update(lost)
        if not lost:
            kept.append(row)
    return kept, reasons


def template_lines(reasons: Counter) -> list[str]:
    """Why rows were left out, for whoever starts a training, in the reader's language."""
    return [
        say(
            f"{count} rows are left out: the model's chat template does not write their '{part}'",
            f"{count} 行は使いません。このモデルのチャットテンプレートは「{part}」を書き出せないためです",
        )
        for part, count in reasons.items()
    ]


def find_lost_parts(row: dict, tokenizer) -> list[str]:
    """What of ``row`` is not in the text that the template makes; a template that refuses loses all roles."""
    answers = [row[name] for name in ("completion", "chosen", "rejected") if name in row]
    tools = read_tools(row)
    lost: list[str] = []
    for answer in answers:
        turns = [*row["prompt"], *answer]
        try:
            text = tokenizer.apply_chat_template(turns, tools=tools, tokenize=False)
        except Exception:  # jinja has many
            return ["the whole conversation"]
        lost += [name for turn in turns for name in _lost_of(turn, text)]
    lost += ["tools" for tool in tools or [] if _name_of(tool) not in text]
    return list(dict.fromkeys(lost))


def _lost_of(turn: Message, text: str) -> list[str]:
    lost = [turn["role"]] if turn["content"].strip() not in text else []
    calls = turn.get("tool_calls") or []
    return lost + ["tool_calls" for call in calls if _name_of(call) not in text]


def _name_of(tool: dict) -> str:
    """The name of a tool or of a call, in OpenAI's form or plain."""
    return str((tool.get("function") or tool).get("name", "\0"))
