"""A whole conversation in one text, as Anthropic's hh-rlhf writes it."""

import re

from lab_helpers.data.forms.turns import Message, make_turn

_SPEAKER = re.compile(r"\n\n(Human|Assistant):")
_ROLES = {"Human": "user", "Assistant": "assistant"}


def parse_transcript(text: str, is_prompt: bool = False) -> list[Message] | None:
    r"""The turns of ``"\n\nHuman: …\n\nAssistant: …"``; None for any other text.

    A prompt ends with ``"\n\nAssistant:"``, where the answer is to begin: that is no turn.
    """
    if not text.startswith("\n\nHuman:"):
        return None
    _, *pieces = _SPEAKER.split(text)
    turns = [
        make_turn(_ROLES[who], words.strip())
        for who, words in zip(pieces[::2], pieces[1::2], strict=True)
    ]
    return turns[:-1] if is_prompt and turns[-1] == make_turn("assistant", "") else turns
