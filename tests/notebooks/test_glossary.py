"""The glossary: the same words in both languages, and no link of a lab that leads nowhere."""

import re

import pytest

from lab_helpers.course import notebooks
from lab_helpers.runtime.paths import labs_folder

FILES = {"en": labs_folder() / "glossary.md", "ja": labs_folder() / "ja" / "glossary.md"}


def anchors(language: str) -> list[str]:
    return re.findall(r'<a id="([^"]+)"></a>', FILES[language].read_text(encoding="utf-8"))


def test_both_languages_explain_the_same_words_once():
    assert anchors("en") == anchors("ja")
    assert len(set(anchors("en"))) == len(anchors("en")) >= 30


@pytest.mark.parametrize("source", notebooks.sources(), ids=lambda path: path.stem)
def test_every_link_of_a_lab_meets_a_word(source):
    for edition in notebooks.editions(source):
        text = "\n".join(c.source for c in edition.notebook.cells if c.cell_type == "markdown")
        assert set(re.findall(r"\(glossary\.md#([^)]+)\)", text)) <= set(anchors("en"))
