"""Lab 04: how many tokens a character costs in the vocabularies that lie on this machine."""

from lab_helpers.models.e5 import E5, make_tokenizer
from lab_helpers.models.e5_file import read_e5_file
from lab_helpers.models.encoders import load_tokenizer
from lab_helpers.models.language_models import load_chat_tokenizer
from lab_helpers.models.smollm2 import SMOLLM2
from lab_helpers.runtime.errors import LabError
from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import note


def _read_smollm2():
    """From the package's file itself: the vocabulary is wanted, and not half a gigabyte of weights."""
    from transformers import AutoTokenizer

    file = SMOLLM2.find()
    return AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)


VOCABULARIES = {
    "Kotori": lambda: load_chat_tokenizer("kotori"),
    "SmolLM2": _read_smollm2,
    "MiniLM": lambda: load_tokenizer("minilm"),
    "multilingual E5": lambda: make_tokenizer(read_e5_file(E5.find())),
}
"""Two of the course's language models, two of its encoders."""


def measure_vocabularies(texts: dict[str, list[str]]) -> list[dict]:
    """A row a vocabulary: its size, tokens a character of the ``texts`` of each language, and how much is unknown.

    A vocabulary whose package is not installed is left out, which one line says.
    """
    rows = []
    for name, load in VOCABULARIES.items():
        try:
            tokenizer = load()
        except LabError as error:
            note(say(f"{name} is left out: {error}", f"{name} は省きます。{error}"))
            continue
        row = {"vocabulary": name, "entries": len(tokenizer)}
        for language, some in texts.items():
            ids = [
                i for text in some for i in tokenizer(text, add_special_tokens=False)["input_ids"]
            ]
            row[f"tokens per character {language}"] = len(ids) / sum(map(len, some))
            unknown = tokenizer.unk_token_id if tokenizer.unk_token_id is not None else -1
            row[f"unknown {language}"] = ids.count(unknown) / len(ids)
        rows.append(row)
    return rows
