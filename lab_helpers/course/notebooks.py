"""From one source to two notebooks: ``labs/source/NN_name.py`` → English and Japanese editions.

The source is jupytext's percent format. Prose cells carry ``lang="en"`` or ``lang="ja"``; each
Japanese cell carries in ``of="…"`` a hash of the English cell it translates, so that a changed
English cell is noticed. Code cells exist once, with the Japanese words of what they print below them
(:mod:`lab_helpers.course.code_words`); each edition is executed in its own language. Before them every
notebook has the two cells of :mod:`lab_helpers.course.colab_cells`, and below each exercise its
solution, folded.
"""

import copy
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from lab_helpers.course.code_words import translate_code
from lab_helpers.course.colab_cells import is_opening, opening_cells
from lab_helpers.course.solutions import is_solution, with_solutions
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.files import write_text
from lab_helpers.runtime.language import LANGUAGES, say
from lab_helpers.runtime.paths import labs_folder

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
SOURCE_HASH = "source_hash"


@dataclass(frozen=True)
class Edition:
    """One notebook to be written: its language, path and content without outputs."""

    language: str
    path: Path
    notebook: NotebookNode


def sources() -> list[Path]:
    return sorted((labs_folder() / "source").glob("[0-9][0-9]_*.py"))


def read_source(path: Path, translated: bool = True):
    """The source as a notebook node. A source that cannot be read is a :class:`BadInput`.

    ``translated``: every prose cell must say its language; a learner's own file need not.
    """
    import jupytext

    try:
        notebook = jupytext.read(path, fmt="py:percent")
    except (OSError, ValueError, SyntaxError) as error:
        raise BadInput(
            say(f"cannot read {path.name}: {error}", f"{path.name} を読み込めません: {error}"),
            say(
                "Mend the cell markers of the source.",
                "ソースのセルの区切り（# %%）を直してください。",
            ),
        ) from None
    _fold_in_words(notebook, path)
    for number, cell in enumerate(notebook.cells, 1):
        if not translated:
            continue
        if cell.cell_type == "markdown" and cell.metadata.get("lang") not in LANGUAGES:
            raise BadInput(
                say(
                    f"{path.name} cell {number}: a prose cell without lang",
                    f"{path.name} セル {number}: 文章のセルに lang がありません",
                ),
                say('Add lang="en" or lang="ja".', 'lang="en" か lang="ja" を付けてください。'),
            )
        if cell.cell_type == "code":
            _must_compile(cell.source, f"{path.name} cell {number}")
    return notebook


def _fold_in_words(notebook, path: Path) -> None:
    """Take the cells of words out; the code cell above each keeps its Japanese text as metadata."""
    kept: list = []
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "raw" or cell.metadata.get("lang") != "ja":
            kept.append(cell)
            continue
        where = f"{path.name} cell {number}"
        if not kept or kept[-1].cell_type != "code":
            raise BadInput(
                say(
                    f"{where}: words without a code cell above",
                    f"{where}: 訳語の上にコードセルがありません",
                ),
                say("Move them below theirs.", "対応するコードセルのすぐ下に移してください。"),
            )
        kept[-1].metadata["ja"] = translate_code(kept[-1].source, cell.source, where)
    notebook.cells = kept


def _must_compile(source: str, where: str) -> None:
    plain = "\n".join(
        "pass" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()
    )
    try:
        compile(plain, where, "exec")
    except SyntaxError as error:
        raise BadInput(
            say(
                f"{where} is broken Python: {error.msg} (line {error.lineno})",
                f"{where} は Python として正しくありません: {error.msg}（{error.lineno} 行目）",
            ),
            say("Mend the cell.", "セルを直してください。"),
        ) from None


def cell_hash(text: str) -> str:
    """Eight hex digits that identify an English cell, whatever its trailing spaces."""
    tidy = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return hashlib.sha256(tidy.encode()).hexdigest()[:8]


def editions(path: Path) -> list[Edition]:
    """Both editions of a source, without outputs. Other-language cells go by nbconvert's tag removal."""
    from nbconvert.preprocessors import TagRemovePreprocessor

    source = read_source(path)
    japanese: dict[str, str] = {}
    for number, cell in enumerate(source.cells):
        cell.id = f"cell-{number:03d}"
        lang = cell.metadata.get("lang")
        tags = list(cell.metadata.get("tags", []))
        japanese[cell.id] = cell.metadata.get("ja", cell.source)
        cell.metadata = {"tags": tags + ([f"lang-{lang}"] if lang else [])}
    result = []
    for language in LANGUAGES:
        others = {f"lang-{other}" for other in LANGUAGES if other != language}
        remover = TagRemovePreprocessor(remove_cell_tags=others, enabled=True)
        notebook, _ = remover.preprocess(copy.deepcopy(source), {})
        if language == "ja":
            for cell in notebook.cells:
                cell.source = japanese[cell.id]
        notebook.cells = with_solutions(notebook.cells, path.stem, language)
        notebook.cells[:0] = opening_cells(path.stem, language)
        notebook.metadata = {
            "kernelspec": KERNEL,
            "language_info": {"name": "python"},
            "lab": {"language": language, SOURCE_HASH: cell_hash(path.read_text(encoding="utf-8"))},
        }
        folder = labs_folder() / ("ja" if language == "ja" else "")
        result.append(Edition(language, folder / f"{path.stem}.ipynb", notebook))
    return result


def differences(path: Path) -> list[str]:
    """How the committed notebooks differ from what the source builds, outputs aside."""
    import nbformat

    problems = []
    for edition in editions(path):
        name = f"{edition.path.name} ({edition.language})"
        if not edition.path.is_file():
            problems.append(say(f"{name} is missing", f"{name} がありません"))
            continue
        committed = nbformat.read(edition.path, as_version=4)
        if _without_outputs(committed) != _without_outputs(edition.notebook):
            problems.append(
                say(f"{name} differs from {path.name}", f"{name} が {path.name} と異なります")
            )
    return problems


def _without_outputs(notebook) -> list[tuple]:
    return [(c.cell_type, c.source, tuple(c.metadata.get("tags", []))) for c in notebook.cells]


def build(path: Path, execute: bool = True, languages: tuple[str, ...] = LANGUAGES) -> list[Path]:
    """Write the notebooks of a source, each executed in its own language; the paths written."""
    import nbformat

    written = []
    for edition in editions(path):
        if edition.language not in languages:
            continue
        if execute:
            _execute(edition)
        edition.notebook.metadata.pop("widgets", None)
        write_text(edition.path, nbformat.writes(edition.notebook) + "\n")
        written.append(edition.path)
    return written


def refresh_generated(path: Path) -> list[Path]:
    """Give the committed notebooks of a source their generated cells anew, without executing anything.

    These are the first two cells and the folded solutions. The paths of those that have changed; every
    other cell stays as it is, outputs and all.
    """
    import nbformat

    written = []
    for edition in editions(path):
        if not edition.path.is_file():
            continue
        committed = nbformat.read(edition.path, as_version=4)
        opening = [cell for cell in edition.notebook.cells if is_opening(cell)]
        own = [cell for cell in committed.cells if not is_opening(cell) and not is_solution(cell)]
        before = _without_outputs(committed)
        committed.cells = [*opening, *with_solutions(own, path.stem, edition.language)]
        if _without_outputs(committed) != before:
            write_text(edition.path, nbformat.writes(committed) + "\n")
            written.append(edition.path)
    return written


def _execute(edition: Edition) -> None:
    """Run the notebook in its own folder with a fresh learner's home; a failing cell is a :class:`BadInput`."""
    import tempfile

    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    edition.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as learner_home:
        environment = {**os.environ, "LAB_HOME": learner_home, "LAB_LANG": edition.language}
        client = NotebookClient(
            edition.notebook,
            timeout=900,
            resources={"metadata": {"path": str(edition.path.parent)}},
        )
        try:
            client.execute(env=environment)
        except CellExecutionError as error:
            raise BadInput(
                say(
                    f"{edition.path.name} stopped: {error.ename}: {error.evalue}",
                    f"{edition.path.name} の実行が止まりました: {error.ename}: {error.evalue}",
                ),
                say("Mend the source.", "ソースを直してください。"),
            ) from None
    _tidy(edition.notebook)


def _tidy(notebook) -> None:
    """Drop what differs from run to run and tells the reader nothing: timings, progress, widget views."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _worth_keeping(output)]


def _worth_keeping(output) -> bool:
    if output.output_type == "stream" and output.name == "stderr":
        return False
    data = output.get("data", {})
    if "application/vnd.jupyter.widget-view+json" in data:
        return False
    html = data.get("text/html")
    return not (html is not None and (html == "" or html.startswith("<progress")))


def needs_build(path: Path) -> bool:
    """True where a notebook is missing or was built from another text of the source."""
    import nbformat

    due = cell_hash(path.read_text(encoding="utf-8"))
    for edition in editions(path):
        if not edition.path.is_file():
            return True
        if (
            nbformat.read(edition.path, as_version=4).metadata.get("lab", {}).get(SOURCE_HASH)
            != due
        ):
            return True
    return False
