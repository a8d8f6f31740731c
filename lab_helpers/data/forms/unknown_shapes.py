"""Forms that are well known and that no training here can take as they are: what they are, what to do."""

from lab_helpers.data.forms.cells import is_printed_by_python, says_nothing
from lab_helpers.data.forms.columns import SHAPES, named_shapes, unfit_columns


def explain_row(values: dict) -> tuple[str, str] | None:
    """What kind of row this is, and the way to one that can be learned; None for an unknown one."""
    names = {str(name).strip().lower(): value for name, value in values.items()}
    for explain in (_turn, _many_answers, _two_outputs, _labelled, _tagged, _plain_text):
        if found := explain(names):
            return found
    return None


def explain_values(values: dict) -> tuple[str, str] | None:
    """The shape whose columns are all there and in which of them nothing fits; None where none is."""
    shapes = named_shapes(values)
    if not shapes:
        return None
    shape = "preference" if "preference" in shapes else shapes[0]
    columns = unfit_columns(values, shape)
    if any(is_printed_by_python(values[name]) for name in columns):
        return (
            f"'{columns[0]}' holds turns as Python prints them, in single quotes, and not as JSON",
            "Write the cells with json.dumps, or export the file as JSONL.",
        )
    kinds = ", ".join(f"'{name}' {_kind(values[name])}" for name in columns)
    return (
        f"the columns are those of {shape}, but most rows do not fit it: {kinds}",
        f"Mend the column ({SHAPES[shape]}), or take those rows out; --shape {shape} (shape='{shape}') lists "
        "them by line.",
    )


def _kind(value: object) -> str:
    if says_nothing(value):
        return "is empty"
    names = {list: "a list of another form", dict: "an object", str: "a text", bool: "true or false", int: "a number", float: "a number"}  # fmt: skip
    return f"is {names.get(type(value), f'of type {type(value).__name__}')}"


def _turn(row: dict) -> tuple[str, str] | None:
    if {"role", "content"} <= row.keys() or {"from", "value"} <= row.keys():
        return (
            "each row is a single turn, and nothing says where a conversation begins",
            'Write one conversation a row: {"messages": [{"role": …, "content": …}, …]}.',
        )
    return None


def _many_answers(row: dict) -> tuple[str, str] | None:
    for name in ("completions", "responses", "generations", "answers", "candidates"):
        value = row.get(name)
        if isinstance(value, list) and value and row.keys() & {"prompt", "instruction", "question"}:
            return (
                f"each row holds several answers to a prompt ('{name}')",
                "Make pairs of them: prompt, chosen (a better answer) and rejected (a worse one).",
            )
    return None


def _two_outputs(row: dict) -> tuple[str, str] | None:
    if isinstance(row.get("output"), list) and "instruction" in row:
        return (
            "'output' is a list, and nothing in the file says which of its answers is the better one",
            "Name them chosen and rejected (in LLaMA-Factory's old form the first one is chosen).",
        )
    return None


def _labelled(row: dict) -> tuple[str, str] | None:
    if row.keys() & {"text", "sentence", "review", "body"} and row.keys() & {"label", "sentiment", "class", "intent"}:  # fmt: skip
        return (
            "these are labelled texts: they train a classifier, not a chat model",
            "labs list shows the lab that takes labelled texts (--data). Check them: labs data check FILE.",
        )
    return None


def _tagged(row: dict) -> tuple[str, str] | None:
    if {"tokens", "ner_tags"} <= row.keys() or {"text", "entities"} <= row.keys():
        return (
            "these are texts with marked entities: they train a tagger, not a chat model",
            "labs list shows the lab that trains and measures one.",
        )
    return None


def _plain_text(row: dict) -> tuple[str, str] | None:
    if isinstance(row.get("text"), str) and not row.keys() & {"prompt", "question", "instruction"}:
        return (
            "each row is a plain text, without a question and an answer to it",
            "Make pairs of question and answer from it, or search it: labs rag index FOLDER.",
        )
    return None
