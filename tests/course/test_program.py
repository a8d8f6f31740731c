"""A notebook or source as sections of plain Python: headings, magics, and files that are no lab."""

import nbformat
import pytest

from lab_helpers.course.program import read_program, without_magics
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import speaking

OPEN = 'from lab_helpers import open_lab\nlab = open_lab("02")'
SOURCE = f"""# %% [markdown] lang="en"
# # The lab
# %% [markdown] lang="ja" of="x"
# # ラボ
# %%
{OPEN}
# %% [markdown] lang="en"
# ## Build: *one* `thing`
# text
# %% [markdown] lang="ja" of="x"
# ## つくる
# %%
x = 1
# %%
y = x + 1
# %% [markdown] lang="en"
# ## Only prose
# %% [markdown] lang="ja" of="x"
# ## 文章だけ
"""


def write_notebook(path, *cells):
    """``cells``: code, or Markdown where the text begins with "#"."""
    new = nbformat.v4
    made = [
        (new.new_markdown_cell if text.startswith("#") else new.new_code_cell)(text)
        for text in cells
    ]
    nbformat.write(new.new_notebook(cells=made), path)
    return path


def test_sections_carry_the_headings_of_the_current_language(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(SOURCE, encoding="utf-8")
    with speaking("en"):
        english = read_program(path)
    with speaking("ja"):
        japanese = read_program(path)
    assert [section.title for section in english] == ["The lab", "Build: *one* thing"]
    assert [section.title for section in japanese] == ["ラボ", "つくる"]
    assert [[cell.source for cell in s.cells] for s in english] == [[OPEN], ["x = 1", "y = x + 1"]]
    assert [cell.number for cell in english[1].cells] == [6, 7]


def test_a_notebook_gives_the_same(tmp_path):
    path = write_notebook(
        tmp_path / "mine.ipynb", "# The lab", OPEN, "## Next", "x = 1", "", "y = 2"
    )
    sections = read_program(path)
    assert [(s.title, [c.number for c in s.cells]) for s in sections] == [
        ("The lab", [2]),
        ("Next", [4, 6]),
    ]


def test_a_copy_without_headings_is_named_by_its_file(tmp_path):
    assert read_program(write_notebook(tmp_path / "mine.ipynb", OPEN))[0].title == "mine"


MAGICS = {
    "plain": ("x = 5 % 3\ny = not x\n", "x = 5 % 3\ny = not x\n", []),
    "line magic": ("%matplotlib inline\nx = 1", "\nx = 1", ["%matplotlib inline"]),
    "shell": ("!pip install -q peft\nx = 1", "\nx = 1", ["!pip install -q peft"]),
    "help": ("x = 1\nprint?", "x = 1\n", ["%pinfo print"]),
    "timed cell": ("%%time\nx = 1", "x = 1", ["%%time"]),
    "captured cell": ("%%capture out\n%pip list\nx = 1", "\nx = 1", ["%%capture out", "%pip list"]),
    "another language": ("%%bash\nls\n", "", ["%%bash"]),
    "result used": ("files = !ls\nprint(files)", "", ["files = !ls"]),
    "magic result": ("x = 1\nt = %timeit -o x", "", ["t = %timeit -o x"]),
    "inside a string": ('s = """\n!not a command\n"""\n', 's = """\n!not a command\n"""\n', []),
}


@pytest.mark.parametrize(("cell", "plain", "left_out"), MAGICS.values(), ids=MAGICS.keys())
def test_what_only_jupyter_can_run_is_left_out_and_named(cell, plain, left_out):
    found, named = without_magics(cell)
    assert (found.strip(), named) == (plain.strip(), left_out)
    compile(found, "cell", "exec")


def test_lines_keep_their_places(tmp_path):
    found, _ = without_magics("%matplotlib inline\n!ls\nx = 1")
    assert found.splitlines().index("x = 1") == 2


def test_an_indented_shell_line_leaves_out_its_whole_statement():
    found, named = without_magics("x = 1\nif x:\n    !ls\ny = 2")
    assert (found, len(named)) == ("", 1)


REFUSED = {
    "no code": (("# Only prose", "# More"), "has no code cells"),
    "nothing but magics": (("%%bash\nls",), "has no code cells"),
    "no lab": (("x = 1", "print(x)"), "opens no lab"),
    "a mention is no call": (("x = 'open_lab'",), "opens no lab"),
}


@pytest.mark.parametrize(("cells", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_lab_is_refused_in_one_sentence(tmp_path, cells, message):
    with pytest.raises(BadInput, match=message) as refused:
        read_program(write_notebook(tmp_path / "mine.ipynb", *cells))
    assert "\n" not in str(refused.value)
    assert refused.value.fix


def test_a_notebook_saved_half_way_is_refused(tmp_path):
    path = write_notebook(tmp_path / "mine.ipynb", OPEN)
    text = path.read_text()
    for content in (text[: len(text) // 2], "", "[]", "\x00\x01"):
        path.write_text(content)
        with pytest.raises(BadInput, match="no whole notebook") as refused:
            read_program(path)
        assert "save it again" in refused.value.fix
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["none.ipynb", "none.py"])
def test_a_missing_file_is_refused(tmp_path, name):
    with pytest.raises(BadInput):
        read_program(tmp_path / name)


def test_the_tail_of_a_source_that_is_no_python_is_left_to_its_cell(tmp_path):
    path = write_notebook(tmp_path / "mine.ipynb", OPEN, "x = (")
    assert read_program(path)[0].cells[1].source == "x = ("
