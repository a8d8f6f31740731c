"""One source, two editions: equal code, fresh translations, notebooks that are what sources build."""

import re

import nbformat
import pytest

from lab_helpers.course import notebooks, translations
from lab_helpers.course.code_words import without_words
from lab_helpers.course.colab_cells import is_opening
from lab_helpers.course.registry import LABS, get_lab
from lab_helpers.course.solutions import is_solution
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.paths import labs_folder

SOURCES = notebooks.sources()


JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")


def code_cells(path) -> list:
    """A notebook's own code cells; its first cell names the language, and differs."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if not is_opening(cell)]
    return [cell for cell in cells if cell.cell_type == "code"]


def shown_texts(cell) -> list[str]:
    """What an output cell shows as text: printed lines and tables, without code and addresses."""
    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        found.append(output.get("text") or data.get("text/markdown") or "")
    return found


def is_without_japanese(text: str) -> bool:
    """Words, but no Japanese one: what a Japanese reader must not meet. Numbers and identifiers are no words."""
    words = re.findall(r"[A-Za-z]{3,} [A-Za-z]{2,} [A-Za-z]{2,}", text)
    return bool(words) and not JAPANESE.search(text)


def test_every_lab_has_a_source_and_nothing_else_does():
    assert [path.stem for path in SOURCES] == [lab.name for lab in LABS]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
class TestEverySource:
    def test_translations_are_fresh(self, source):
        assert translations.stale_translations(source) == []

    def test_notebooks_are_what_the_source_builds(self, source):
        assert notebooks.differences(source) == []
        assert not notebooks.needs_build(source)

    def test_editions_are_the_same_program_but_for_its_words(self, source):
        english = code_cells(labs_folder() / f"{source.stem}.ipynb")
        japanese = code_cells(labs_folder() / "ja" / f"{source.stem}.ipynb")
        assert english
        assert [without_words(cell.source) for cell in english] == [
            without_words(cell.source) for cell in japanese
        ]

    def test_the_japanese_edition_speaks_japanese(self, source):
        for cell in code_cells(labs_folder() / "ja" / f"{source.stem}.ipynb"):
            assert not [text for text in shown_texts(cell) if is_without_japanese(text)], (
                cell.source
            )

    def test_a_folded_solution_follows_each_exercise(self, source):
        lab = get_lab(source.stem)
        for folder in ("", "ja"):
            cells = nbformat.read(labs_folder() / folder / source.name.replace(".py", ".ipynb"), as_version=4).cells  # fmt: skip
            solved = [cell.source for cell in cells if is_solution(cell)]
            assert len(solved) == len(lab.exercises())
            for exercise in lab.exercises():
                assert any(exercise.solution().strip() in text for text in solved), exercise.name

    def test_notebooks_have_outputs_but_no_errors_and_no_widget_state(self, source):
        for folder in ("", "ja"):
            notebook = nbformat.read(labs_folder() / folder / f"{source.stem}.ipynb", as_version=4)
            outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
            assert any("image/png" in out.get("data", {}) for out in outputs)
            assert not any(out.output_type == "error" for out in outputs)
            assert "widgets" not in notebook.metadata

    def test_prose_is_in_its_language(self, source):
        for edition in notebooks.editions(source):
            prose = "".join(c.source for c in edition.notebook.cells if c.cell_type == "markdown")
            kana = sum("぀" <= character <= "ヿ" for character in prose)
            assert (kana > 200) == (edition.language == "ja")

    def test_code_cells_stay_short(self, source):
        for cell in notebooks.read_source(source).cells:
            if cell.cell_type == "code":
                lines = cell.source.splitlines()
                assert len(lines) <= 22, cell.source
                assert max(map(len, lines), default=0) <= 100, cell.source


def write(tmp_path, text):
    path = tmp_path / "00_trial.py"
    path.write_text(text, encoding="utf-8")
    return path


PAIR = '# %% [markdown] lang="en"\n# One\n# %% [markdown] lang="ja" of="{}"\n# いち\n# %%\nx = 1\n'


def test_a_changed_english_cell_makes_its_translation_stale(tmp_path):
    path = write(tmp_path, PAIR.format(notebooks.cell_hash("One")))
    assert translations.stale_translations(path) == []
    path.write_text(
        path.read_text(encoding="utf-8").replace("# One", "# One more"), encoding="utf-8"
    )
    assert "stale translation" in translations.stale_translations(path)[0]


def test_stamping_accepts_the_translations_as_they_are(tmp_path):
    path = write(tmp_path, PAIR.format("00000000"))
    assert translations.stamp_translations(path) == 1
    assert translations.stale_translations(path) == []
    assert translations.stamp_translations(path) == 0


def test_a_missing_translation_is_named(tmp_path):
    path = write(tmp_path, '# %% [markdown] lang="en"\n# One\n# %%\nx = 1\n')
    assert "no Japanese cell" in translations.stale_translations(path)[0]


def test_prose_without_a_language_is_refused(tmp_path):
    with pytest.raises(BadInput, match="without lang"):
        notebooks.read_source(write(tmp_path, "# %% [markdown]\n# One\n"))


def test_a_broken_source_cell_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"00_trial\.py cell 3 is broken Python.*line 2"):
        notebooks.read_source(write(tmp_path, PAIR.format("x").replace("x = 1", "x = 1\ny = (")))


def test_a_cell_that_raises_stops_the_build_with_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "labs_folder", lambda: tmp_path)
    path = write(tmp_path, PAIR.format("x").replace("x = 1", "1 / 0"))
    with pytest.raises(BadInput, match="ZeroDivisionError"):
        notebooks.build(path)
    assert not (tmp_path / "00_trial.ipynb").exists()


def test_each_edition_is_executed_in_its_language_with_its_words(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "labs_folder", lambda: tmp_path)
    cells = PAIR.format("x").replace(
        "x = 1",
        'import os\n\nprint("rows:", 6 * 7, os.environ["LAB_LANG"])  # a count\n'
        '# %% [raw] lang="ja"\n# rows: → 件数:\n# a count → 数',
    )
    path = write(tmp_path, cells)
    english, japanese = (nbformat.read(p, as_version=4) for p in notebooks.build(path))
    assert [c.source for c in english.cells[2:]] == ["One", 'import os\n\nprint("rows:", 6 * 7, os.environ["LAB_LANG"])  # a count']  # fmt: skip
    assert [c.source for c in japanese.cells[2:]] == ["いち", 'import os\n\nprint("件数:", 6 * 7, os.environ["LAB_LANG"])  # 数']  # fmt: skip
    assert english.cells[3].outputs[0].text == "rows: 42 en\n"
    assert japanese.cells[3].outputs[0].text == "件数: 42 ja\n"
    assert all(is_opening(c) for c in english.cells[:2] + japanese.cells[:2])
    assert english.cells[1].outputs == []
    assert not notebooks.needs_build(path)


def test_words_without_a_code_cell_are_refused(tmp_path):
    text = PAIR.format("x").replace("# %%\nx = 1\n", '# %% [raw] lang="ja"\n# a → あ\n')
    with pytest.raises(BadInput, match="words without a code cell above"):
        notebooks.read_source(write(tmp_path, text))
