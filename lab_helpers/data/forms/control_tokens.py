"""Characters inside a text that a chat model reads as the end of a turn, not as words."""

import re

# The special tokens of the well-known templates: ChatML and Llama 3, Llama 2 and Mistral, Gemma, T5.
_TOKENS = re.compile(
    r"<\|[a-zA-Z][\w ]{0,30}\|>"
    r"|<｜[^<>｜]{1,40}｜>"  # DeepSeek's, with full-width bars
    r"|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\]"
    r"|<</?SYS>>"
    r"|</?(?:start|end)_of_turn>"
    r"|<(?:bos|eos|pad|unk)>"
    r"|</?s>"
)
# HTML's struck-out text is <s>…</s>; as a token, one of the two stands alone.
_STRUCK_OUT = re.compile(r"<s>[^<>]*</s>(?!\s*$)")
# Zero-width and direction marks: a text of nothing else is empty to whoever reads it.
_INVISIBLE = re.compile("[\\s\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufe00-\ufe0f\ufeff]*")  # fmt: skip


def find_control_token(text: str) -> str | None:
    """The first special token of a known chat template in ``text``, or None."""
    if not any(mark in text for mark in "<["):
        return None
    found = _TOKENS.search(_STRUCK_OUT.sub("", text))
    return found[0] if found else None


def is_blank(text: str) -> bool:
    """Whether nothing of ``text`` can be seen: white space, zero-width and direction marks only."""
    return _INVISIBLE.fullmatch(text) is not None
