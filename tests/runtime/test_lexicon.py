"""The lexicon: a name once in the whole list, Japanese on the right, exchanged only where Japanese is read."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import lab_helpers.runtime.lexicon as lexicon
from lab_helpers.figures.display import markdown_table
from lab_helpers.runtime.language import speaking


def tables() -> dict[str, dict[str, str]]:
    path = Path(lexicon.__file__).with_name("lexicon.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_a_name_stands_once_in_the_whole_list():
    names = Counter(name for table in tables().values() for name in table)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_translation_is_japanese_or_an_abbreviation():
    japanese = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
    others = {name: text for name, text in lexicon.entries().items() if not japanese.search(text)}
    assert {name: text for name, text in others.items() if text.lower() != name} == {}


def test_tables_speak_the_learners_language_and_records_do_not():
    rows = [{"model": "base", "no such name": 1.0}]
    with speaking("ja"):
        assert markdown_table(rows).splitlines() == ["| モデル | no such name |", "|---|---|", "| ベース | 1.000 |"]  # fmt: skip
    assert markdown_table(rows).splitlines()[2] == "| base | 1.000 |"
    assert rows == [{"model": "base", "no such name": 1.0}]
