"""What every notebook begins with: the badge and the cell for Colab, written by the build, once for all."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lab_helpers.course import colab_cells, notebooks
from lab_helpers.course.colab_cells import is_opening, opening_cells, repository, set_repository
from lab_helpers.course.program import read_program
from lab_helpers.course.registry import LABS, get_lab
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import LANGUAGES
from lab_helpers.runtime.paths import labs_folder

ROOT = Path(__file__).parents[2]
OPEN = 'from lab_helpers import open_lab\nlab = open_lab("04")'


def place(lab, language: str, folder: Path | None = None) -> Path:
    return (folder or labs_folder()) / ("ja" if language == "ja" else "") / f"{lab.name}.ipynb"


def read(path: Path):
    return nbformat.read(path, as_version=4)


def texts(cells) -> list[str]:
    return [cell.source for cell in cells]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
class TestEveryNotebook:
    def test_it_begins_with_both_exactly_once(self, lab, language):
        cells = read(place(lab, language)).cells
        assert texts(cells[:2]) == texts(opening_cells(lab.name, language))
        assert [is_opening(cell) for cell in cells] == [True, True, *[False] * (len(cells) - 2)]
        assert cells[1].outputs == []

    def test_its_badge_opens_itself_on_colab(self, lab, language):
        badge = opening_cells(lab.name, language)[0].source
        owner_and_name = repository().removeprefix("https://github.com/")
        path = place(lab, language).relative_to(ROOT).as_posix()
        address = f"https://colab.research.google.com/github/{owner_and_name}/blob/main/{path}"
        assert f"({address})" in badge
        assert {"en": "[![Open in Colab]", "ja": "[![Colab で開く]"}[language] in badge

    def test_its_minutes_are_the_measured_ones_and_those_of_the_labs_own_words(self, lab, language):
        badge = opening_cells(lab.name, language)[0].source
        [minutes] = re.findall(r"about (\d+) minute|約 (\d+) 分", badge)
        assert int("".join(minutes)) == -(-lab.cpu_seconds // 60)
        head = next(c.source for c in notebooks.read_source(lab.source).cells if "所要時間" in c.source)  # fmt: skip
        assert re.search(r"CPU で約 (\d+) 分", head)[1] == "".join(minutes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_cell_is_short_and_does_nothing_before_its_one_if(language):
    source = opening_cells("04_sft", language)[1].source
    lines = source.splitlines()
    assert len(lines) <= 22
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("DRIVE = False  # ")
    variable, module, condition = ast.parse(source).body
    assert isinstance(variable, ast.Assign)
    assert isinstance(module, ast.Import)
    assert isinstance(condition, ast.If)
    assert ast.unparse(condition.test) == "'google.colab' in sys.modules"
    assert condition.orelse == []


def test_both_editions_have_the_same_program():
    english, japanese = (opening_cells("04_sft", one)[1].source for one in LANGUAGES)
    assert english != japanese
    kinds = [[type(node) for node in ast.walk(ast.parse(one))] for one in (english, japanese)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(("seconds", "said"), [(1, "1 minute,"), (60, "1 minute,"), (61, "2 minutes,")])  # fmt: skip
def test_minutes_are_rounded_up(monkeypatch, seconds, said):
    import dataclasses

    lab = dataclasses.replace(get_lab("04"), cpu_seconds=seconds)
    monkeypatch.setattr(colab_cells, "get_lab", lambda name: lab)
    assert said in opening_cells("04_sft", "en")[0].source


# --- another repository ---------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the project's sources and executed notebooks, which the build takes for the project."""
    shutil.copytree(labs_folder(), tmp_path / "labs")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(notebooks, "labs_folder", lambda: tmp_path / "labs")
    monkeypatch.setattr(colab_cells, "PACKAGE", tmp_path / "lab_helpers")

    def execute(edition):
        raise AssertionError("executed")

    monkeypatch.setattr(notebooks, "_execute", execute)
    return tmp_path


def test_a_repository_reaches_every_notebook_without_executing_one(project, labs):
    before = {path: read(path) for path in (project / "labs").rglob("*.ipynb")}
    code, out, error = labs("build", "--repository", "kotori/course.jp")
    assert code == 0, error
    assert out.splitlines()[0] == "https://github.com/kotori/course.jp"
    assert len(out.splitlines()) == 1 + len(before) == 1 + 2 * len(LABS)
    for path, was in before.items():
        now = read(path)
        assert "github/kotori/course.jp/blob/main/labs/" in now.cells[0].source
        assert '"https://github.com/kotori/course.jp"' in now.cells[1].source
        own = [cell for cell in was.cells if not is_opening(cell)]
        assert now.cells[2:] == own, "outputs and all"
        assert now.metadata == was.metadata
    assert labs("build", "--repository", "kotori/course.jp")[1].splitlines()[1:] == []


def test_only_that_line_of_pyproject_changes(project):
    before = (project / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert (
        set_repository("https://github.com/kotori/course.git") == "https://github.com/kotori/course"
    )
    after = (project / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new for _, new in changed] == ['Repository = "https://github.com/kotori/course"']


def test_notebooks_without_the_cells_get_them_and_keep_the_learners_own(project):
    path = project / "labs" / f"{LABS[0].name}.ipynb"
    notebook = read(path)
    own = [cell for cell in notebook.cells if not is_opening(cell)]
    notebook.cells = [*own[:3], nbformat.v4.new_code_cell("mine = 1"), *own[3:]]
    nbformat.write(notebook, path)
    assert path in notebooks.refresh_generated(get_lab("00").source)
    texts_now = texts(read(path).cells)
    assert texts_now[:2] == texts(opening_cells(LABS[0].name, "en"))
    assert texts_now[2:] == [*texts(own[:3]), "mine = 1", *texts(own[3:])]
    assert notebooks.refresh_generated(get_lab("00").source) == []


def test_a_changed_cell_is_a_difference_that_the_build_mends_without_executing(
    project, monkeypatch
):
    source = get_lab("00").source
    notebooks.refresh_generated(source)
    monkeypatch.setattr(colab_cells, "__version__", "9.9")
    assert any("differs" in line for line in notebooks.differences(source))
    assert len(notebooks.refresh_generated(source)) == 2


@pytest.mark.parametrize("given", ["", "kotori", "a/b/c", "https://gitlab.com/a/b", 'a/b"', "a b/c", "a/b\nc"])  # fmt: skip
def test_what_is_no_repository_on_github_is_refused(project, given):
    before = (project / "pyproject.toml").read_bytes()
    with pytest.raises(BadInput, match="no repository on GitHub") as refused:
        set_repository(given)
    assert "owner/name" in refused.value.fix
    assert (project / "pyproject.toml").read_bytes() == before


def test_a_project_without_the_entry_says_how_to_add_it(project):
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    (project / "pyproject.toml").write_text(re.sub(r"(?m)^Repository = .*$", "", text))
    with pytest.raises(BadInput, match="names no repository"):
        repository()
    with pytest.raises(BadInput) as refused:
        set_repository("kotori/course")
    assert 'Repository = "https://github.com/kotori/course"' in refused.value.fix


# --- other ways to run a notebook -----------------------------------------------------------------


def learners_copy(folder: Path, tags: bool = True):
    cells = opening_cells("04_sft", "en")
    for cell in [] if tags else cells:
        cell.metadata.pop("tags")
    cells += [nbformat.v4.new_markdown_cell("# Mine"), nbformat.v4.new_code_cell(OPEN)]
    metadata = {"kernelspec": notebooks.KERNEL}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / "my_04.ipynb")
    return folder / "my_04.ipynb"


def test_a_headless_run_of_a_learners_copy_leaves_the_cell_out(tmp_path):
    sections = read_program(learners_copy(tmp_path))
    assert [(s.title, [c.source for c in s.cells], s.left_out) for s in sections] == [("Mine", [OPEN], [])]  # fmt: skip
    import jupytext

    jupytext.write(read(tmp_path / "my_04.ipynb"), tmp_path / "my_04.py", fmt="py:percent")
    [section] = read_program(tmp_path / "my_04.py")
    assert [cell.source for cell in section.cells] == [OPEN]


def test_where_the_tags_are_lost_the_cell_runs_and_does_nothing(tmp_path):
    """Colab's own exports keep tags; an editor may not."""
    first, second = read_program(learners_copy(tmp_path, tags=False))
    names: dict = {}
    exec(first.cells[0].source, names)
    assert set(names) == {"__builtins__", "DRIVE", "sys"}
    assert [cell.source for cell in second.cells] == [OPEN]


def test_nbval_passes_on_the_cell(tmp_path):
    path = learners_copy(tmp_path)
    notebook = read(path)
    notebook.cells[-1].source = "print(DRIVE)"
    nbformat.write(notebook, path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--nbval-lax", "-p", "no:cacheprovider", path.name],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout + done.stderr
