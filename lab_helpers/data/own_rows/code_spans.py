"""Where a text is code: fenced blocks and what stands between backticks, as Markdown writes them."""

import re

# A fence ends with its own kind, or with the text (an answer that was cut off).
_CODE = re.compile(
    r"^[ \t]*(?P<fence>```+|~~~+)[^\n]*\n.*?(?:^[ \t]*(?P=fence)[^\n]*$|\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)


def code_spans(text: str) -> list[tuple[int, int]]:
    """``(start, end)`` of each fenced block and each inline code of ``text``, in order."""
    if "`" not in text and "~~~" not in text:
        return []
    return [match.span() for match in _CODE.finditer(text)]


def split_code(text: str) -> list[str]:
    """``text`` in pieces: prose at even places, code at odd ones; joined they are ``text``."""
    pieces, position = [], 0
    for start, end in code_spans(text):
        pieces += [text[position:start], text[start:end]]
        position = end
    return [*pieces, text[position:]]


def in_spans(position: int, spans: list[tuple[int, int]]) -> bool:
    """Whether ``position`` lies in one of ``spans``."""
    return any(start <= position < end for start, end in spans)
