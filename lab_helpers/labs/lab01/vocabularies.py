"""Lab 01: how many tokens the same texts cost in the vocabularies of the course's models."""

from lab_helpers.models.encoders import load_tokenizer
from lab_helpers.models.language_models import load_chat_tokenizer
from lab_helpers.models.smollm2 import load_packaged_tokenizer
from lab_helpers.runtime.errors import LabError


def load_vocabularies() -> dict:
    """The tokenizers at hand: encoders and language models; one whose package is missing is left out."""
    loaders = {
        "MiniLM": lambda: load_tokenizer("minilm"),
        "multilingual E5": lambda: load_tokenizer("e5"),
        "Kotori": lambda: load_chat_tokenizer("kotori"),
        "SmolLM2": load_packaged_tokenizer,
    }
    found = {}
    for name, load in loaders.items():
        try:
            found[name] = load()
        except LabError:
            continue
    return found


def vocabulary_rows(tokenizers: dict, texts_of: dict[str, list[str]]) -> list[dict]:
    """A row a vocabulary: its size, and for each language tokens a character and the share of ``[UNK]``."""
    rows = []
    for name, tokenizer in tokenizers.items():
        row = {"vocabulary": name, "entries": len(tokenizer)}
        for language, texts in texts_of.items():
            ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
            count = sum(map(len, ids))
            unknown = sum(one.count(tokenizer.unk_token_id) for one in ids)
            row[f"tokens per character {language}"] = count / sum(map(len, texts))
            row[f"unknown {language}"] = (
                unknown / count if tokenizer.unk_token_id is not None else 0.0
            )
        rows.append(row)
    return rows
