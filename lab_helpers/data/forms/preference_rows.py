"""Prompt, chosen and rejected answer out of one row, in the forms that preference sets come in."""

from lab_helpers.data.forms.cells import decode_request
from lab_helpers.data.forms.columns import columns_of
from lab_helpers.data.forms.conversations import join_instruction, parse_side, with_beside
from lab_helpers.data.forms.transcripts import parse_transcript
from lab_helpers.data.forms.turns import Message, NotMessages, make_turn, parse_text, parse_turns


def preference_parts(row: dict) -> dict[str, list[Message]]:
    """Prompt, chosen and rejected turns of a preference row. Raises :class:`NotMessages`.

    The turns that both answers begin with are the prompt, as in TRL's ``extract_prompt``. A prompt column
    goes in front of answers that do not repeat it; a system message or turns that stand there only are
    kept; if it says something else than the answers' own beginning, the row is refused.
    """
    columns = columns_of(row, "preference")
    chosen, rejected = (
        parse_side(row[columns[name]], columns[name], "assistant", "preference")
        for name in ("chosen", "rejected")
    )
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    prompt = _join_prompt(_given_prompt(row, columns, chosen), chosen[:shared])
    if not prompt:
        apart = any(turns and turns[0]["role"] != "assistant" for turns in (chosen, rejected))
        raise NotMessages(*(("other-beginning", "") if apart else ("missing-column", "prompt")))
    return {
        "prompt": with_beside(row, "preference", prompt),
        "chosen": chosen[shared:],
        "rejected": rejected[shared:],
    }


def _given_prompt(row: dict, columns: dict[str, str], chosen: list[Message]) -> list[Message]:
    """The turns of whichever column holds the prompt; without a chosen answer that it repeats."""
    name = columns.get("prompt")
    if name is None or row[name] is None:
        return []
    value = decode_request(row[name])
    if name.strip().lower() == "instruction":
        extra = row.get(columns["input"]) if "input" in columns else None
        return [make_turn("user", join_instruction(value, extra))]
    if isinstance(value, dict) and "messages" in value:  # OpenAI's {"input": {"messages": …}}
        value = value["messages"]
    if not isinstance(value, list):
        text = parse_text(value, name)
        return parse_transcript(text, is_prompt=True) or [make_turn("user", text)]
    turns = parse_turns(value, name)
    return turns[:-1] if turns and chosen and turns[-1] == chosen[-1] else turns


def _join_prompt(given: list[Message], shared: list[Message]) -> list[Message]:
    """One prompt out of the column's and of the turns that both answers begin with."""
    if not shared or shared[0]["role"] == "assistant":
        return [*given, *shared]
    words = [_words(turn) for turn in shared]
    if [_words(turn) for turn in given[-len(shared) :]] == words:
        return given
    rest = [turn for turn in given if _words(turn) not in words]
    if any(turn["role"] != "system" for turn in rest):
        raise NotMessages("other-prompt", "prompt")
    return [*rest, *shared]


def _words(turn: Message) -> tuple[str, str]:
    return turn["role"], turn["content"].strip()
