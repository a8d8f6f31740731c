"""A lab as a program: the code cells of a percent source or a notebook, by section, as plain Python.

Magics and shell lines belong to Jupyter. What can be left out is left out and named; a cell that
cannot run without Jupyter is left out whole, and so is the cell that installs the course on Colab.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

from lab_helpers.course.colab_cells import is_opening
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import language, say

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_PYTHON_INSIDE = {"time", "timeit", "capture", "prun"}  # cell magics that run their cell as Python


@dataclass(frozen=True)
class Cell:
    """One code cell: its number among all cells of the file, counted from 1, and its plain Python."""

    number: int
    source: str


@dataclass
class Section:
    """The code cells under one heading, and what of them was left out."""

    title: str
    cells: list[Cell] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def read_program(path: Path) -> list[Section]:
    """The sections that hold code, in order, with the headings of the current language.

    Raises :class:`BadInput` for a file that is no notebook, is saved half-way, has no code, or opens no lab.
    """
    sections = [Section(path.stem)]
    for number, cell in enumerate(_read_cells(path), 1):
        if cell.cell_type == "markdown":
            heading = _HEADING.search(cell.source)
            if heading and cell.metadata.get("lang") in (None, language()):
                sections.append(Section(_plain_heading(heading[1])))
        elif cell.cell_type == "code" and cell.source.strip() and not is_opening(cell):
            written = cell.metadata.get("ja") if language() == "ja" else None
            source, left_out = without_magics(written or cell.source)
            sections[-1].left_out += [f"{_cell_name(number)}: {line}" for line in left_out]
            if source.strip():
                sections[-1].cells.append(Cell(number, source))
    sections = [section for section in sections if section.cells or section.left_out]
    if not any(section.cells for section in sections):
        raise BadInput(
            say(
                f"{path.name} has no code cells to run",
                f"{path.name} に実行できるコードセルがありません",
            ),
            say("Give a copy of one of the labs.", "いずれかのラボのコピーを指定してください。"),
        )
    if not any(_opens_lab(cell.source) for section in sections for cell in section.cells):
        raise BadInput(
            say(
                f"{path.name} opens no lab", f"{path.name} に open_lab(...) の呼び出しがありません"
            ),
            say(
                'Give a copy of one of the labs: it begins with lab = open_lab("04").',
                'ラボのコピーを指定してください。先頭に lab = open_lab("04") のような行があるものです。',
            ),
        )
    return sections


def _read_cells(path: Path) -> list:
    if not path.is_file():
        raise BadInput(
            say(f"no such file: {path}", f"ファイルがありません: {path}"),
            say(
                "Give a notebook or a .py source.",
                "ノートブックか .py のソースを指定してください。",
            ),
        )
    if path.suffix == ".py":
        from lab_helpers.course.notebooks import read_source

        return read_source(path, translated=False).cells
    import nbformat

    try:
        return nbformat.read(path, as_version=4).cells
    except Exception as error:  # nbformat has a kind of error for each way to be broken
        reason = str(error).strip().splitlines()
        raise BadInput(
            say(
                f"{path.name} is no whole notebook ({reason[0][:120] if reason else type(error).__name__})",
                f"{path.name} はノートブックとして読めません（{reason[0][:120] if reason else type(error).__name__}）",
            ),
            say("Open it in Jupyter and save it again.", "Jupyter で開いて保存し直してください。"),
        ) from None


def _cell_name(number: int) -> str:
    return say(f"cell {number}", f"セル {number}")


def _plain_heading(text: str) -> str:
    return text.replace("**", "").replace("`", "").strip()


def _opens_lab(source: str) -> bool:
    """Whether a cell calls ``open_lab``; one that is broken Python may, and fails in its turn."""
    try:
        calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except SyntaxError:
        return "open_lab(" in source
    return any("open_lab" in (getattr(c, "id", ""), getattr(c, "attr", "")) for c in calls)


# --- magics and shell lines -----------------------------------------------------------------------


def without_magics(source: str) -> tuple[str, list[str]]:
    """A cell as plain Python, and the lines of it that only Jupyter can run.

    IPython itself says what a magic is. A line of its own is left out. Where its result is used, or
    the whole cell is a program in another language, the cell cannot run: the text is empty.
    """
    if not any(line.lstrip().startswith(("%", "!", "?")) or _uses_result(line) or line.rstrip().endswith("?") for line in source.splitlines()):  # fmt: skip
        return source, []
    magic = re.match(r"\s*%%(\w+)[^\n]*\n?", source)
    if magic:
        head = magic[0].strip()
        if magic[1] not in _PYTHON_INSIDE:
            return "", [head]
        rest, more = without_magics(source[magic.end() :])
        return rest, [head, *more]
    from IPython.core.inputtransformer2 import TransformerManager

    plain = TransformerManager().transform_cell(source)
    try:
        tree = ast.parse(plain)
    except SyntaxError:
        return source, []  # broken Python: the run names the cell
    lines, kept, left_out = plain.splitlines(), plain.splitlines(), []
    for statement in tree.body:
        if not _asks_jupyter(statement):
            continue
        written = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        if not isinstance(statement, ast.Expr):
            return "", [_as_typed(written)]
        left_out.append(_as_typed(written))
        for place in range(statement.lineno - 1, statement.end_lineno or statement.lineno):
            kept[place] = ""
    return "\n".join(kept), left_out


def _uses_result(line: str) -> bool:
    return re.search(r"=\s*[%!]", line) is not None


def _asks_jupyter(statement: ast.stmt) -> bool:
    """Whether the statement holds one of the calls that IPython writes in place of a magic."""
    written = {"run_line_magic", "run_cell_magic", "system", "getoutput"}
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in written
        and isinstance(node.func.value, ast.Call)
        and getattr(node.func.value.func, "id", "") == "get_ipython"
        for node in ast.walk(statement)
    )


def _as_typed(written: str) -> str:
    """``get_ipython().system('pip list')`` as ``!pip list``; anything else as it stands."""
    call = re.search(r"get_ipython\(\)\.(\w+)\((.*)\)\s*$", written, re.DOTALL)
    if not call:
        return written
    try:
        given = ast.literal_eval(f"({call[2]},)")
    except (ValueError, SyntaxError):
        return written
    name, before = call[1], written[: call.start()]
    text = " ".join(str(part) for part in given).strip()
    return before + {"system": "!", "getoutput": "!"}.get(name, "%") + text
