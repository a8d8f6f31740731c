"""From each shape into TRL's conversational format: ``{"messages": [{"role", "content"}, …]}``."""

from typing import Any

from lab_helpers.data.columns import columns_of

Message = dict[str, str]

ROLES = ("system", "user", "assistant")
_SHAREGPT_ROLES = {"human": "user", "gpt": "assistant", "system": "system"}


class NotMessages(ValueError):
    """A value that cannot become messages; ``code`` is a problem's code, ``detail`` the place."""

    def __init__(self, code: str, detail: str):
        self.code, self.detail = code, detail
        super().__init__(f"{code}: {detail}")


def conversation(row: dict, shape: str) -> list[Message]:
    """All turns of a row whose columns are there. Raises :class:`NotMessages`."""
    columns = columns_of(row, shape)
    value = {meaning: row[name] for meaning, name in columns.items()}
    if shape == "openai-chat":
        return turns(value["messages"], "messages")
    if shape == "sharegpt":
        return turns(value["conversations"], "conversations", "from", "value")
    if shape == "alpaca":
        question = text(value["instruction"], "instruction")
        extra = text(value.get("input") or "", "input")
        asked = f"{question}\n\n{extra}" if extra.strip() else question
        return [_turn("user", asked), _turn("assistant", text(value["output"], "output"))]
    first, second = (
        ("prompt", "completion") if shape == "prompt-completion" else ("question", "answer")
    )
    return [
        *_side(value[first], columns[first], "user", shape),
        *_side(value[second], columns[second], "assistant", shape),
    ]


def preference_parts(row: dict) -> dict[str, list[Message]]:
    """Prompt, chosen and rejected turns of a preference row. Raises :class:`NotMessages`.

    Without a prompt column, or when both answers repeat it, the turns that both begin with are the
    prompt, as in TRL's ``extract_prompt``.
    """
    columns = columns_of(row, "preference")
    chosen, rejected = (
        _side(row[columns[name]], columns[name], "assistant", "preference")
        for name in ("chosen", "rejected")
    )
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    prompt = chosen[:shared]
    if not prompt or prompt[0]["role"] == "assistant":
        given = row[columns["prompt"]] if "prompt" in columns else None
        if given is None:
            raise NotMessages("missing-column", "prompt")
        prompt = [*_side(given, columns["prompt"], "user", "preference"), *prompt]
    return {"prompt": prompt, "chosen": chosen[shared:], "rejected": rejected[shared:]}


def turns(value: Any, name: str, who: str = "role", what: str = "content") -> list[Message]:
    """A list of ``{who, what}`` as messages. Raises :class:`NotMessages`."""
    if not isinstance(value, list):
        raise NotMessages("not-messages", name)
    found = []
    for number, turn in enumerate(value, 1):
        place = f"{name}, turn {number}"
        if not isinstance(turn, dict) or turn.get(who) is None or turn.get(what) is None:
            raise NotMessages("bad-turn", place)
        role = turn[who] if who == "role" else _SHAREGPT_ROLES.get(str(turn[who]))
        if role not in ROLES:
            raise NotMessages("unknown-role", f"{place}: {turn[who]}")
        found.append(_turn(role, text(turn[what], place)))
    return found


def text(value: Any, name: str) -> str:
    """``value`` if it is a string. Raises :class:`NotMessages`."""
    if not isinstance(value, str):
        raise NotMessages("not-a-string", name)
    return value


def _side(value: Any, name: str, role: str, shape: str) -> list[Message]:
    """One side of a pair: a text is one turn of ``role``, a list is turns."""
    if isinstance(value, list) and shape != "question-answer":
        return turns(value, name)
    return [_turn(role, text(value, name))]


def _turn(role: str, content: str) -> Message:
    return {"role": role, "content": content}
