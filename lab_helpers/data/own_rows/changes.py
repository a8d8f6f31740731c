"""What a step changed in a text, short enough for a table."""

import re

SHOWN_CHARACTERS = 60
_AROUND = 12
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\u0300-\u036f\u3099\u309a\ufeff]")  # fmt: skip


def show_change(before: str, after: str, width: int = SHOWN_CHARACTERS) -> tuple[str, str]:
    """``before`` and ``after``, cut to what differs and a few characters around it.

    Characters that cannot be seen are written out (⏎, ⟨U+200B⟩). A change longer than ``width``
    loses its middle.
    """
    start = _shared(before, after)
    end = _shared(before[start:][::-1], after[start:][::-1])
    return _window(before, start, end, width), _window(after, start, end, width)


def shorten(text: str, width: int = SHOWN_CHARACTERS) -> str:
    """The end of the last line of ``text``: before it stands what rows share, such as a context."""
    lines = [line for line in text.splitlines() if line.strip()] or [""]
    line = " ".join(lines[-1].split())
    return line if len(line) <= width else f"…{line[1 - width :]}"


def _window(text: str, start: int, end: int, width: int) -> str:
    first, last = max(0, start - _AROUND), min(len(text), len(text) - end + _AROUND)
    shown = text[first:last]
    if len(shown) > width:
        shown = f"{shown[: width // 2]} … {shown[-width // 2 :]}"
    shown = _UNSEEN.sub(_write_out, shown)
    return f"{'…' if first else ''}{shown}{'…' if last < len(text) else ''}"


def _shared(left: str, right: str) -> int:
    """How many characters both begin with."""
    longest = min(len(left), len(right))
    if left[:longest] == right[:longest]:
        return longest
    low, high = 0, longest  # The first difference lies between; halving compares in C.
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if left[:middle] == right[:middle] else (low, middle)
    return low


def _write_out(match: re.Match) -> str:
    return {"\n": "⏎", "\t": "⇥"}.get(match[0], f"⟨U+{ord(match[0]):04X}⟩")
