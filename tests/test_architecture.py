"""The house: which room may import which, what stays cheap to import, and that nothing escapes the linter.

The arrows themselves are import-linter's contracts in ``pyproject.toml``; a planted violation shows
that each of them can break.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from importlinter.api import read_configuration

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lab_helpers"
LIBRARY = ("tuning", "evaluation", "rag", "data", "models", "figures", "runtime")
LONGEST = 330
HEAVY = {"torch", "transformers", "trl", "peft", "tensorflow", "lancedb", "datasets"}
A_LAB = re.compile(r"\blab[ _]?\d\d\b", re.IGNORECASE)


def modules(*folders: str) -> list[Path]:
    """Every Python file below these folders of the package, or of all of it."""
    return sorted(path for name in folders or (".",) for path in (PACKAGE / name).rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- the arrows -----------------------------------------------------------------------------------


def check_contract(root: Path, contract: str) -> subprocess.CompletedProcess:
    """import-linter's verdict on one contract of the project in ``root``, which need not be this one."""
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache", "--contract", contract],
        capture_output=True, text=True, cwd=root, check=False,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONUTF8": "1"},
    )  # fmt: skip


def broken_contracts(root: Path) -> list[str]:
    """The ids of the contracts that ``root/pyproject.toml`` has and the package there breaks; prints why."""
    options = read_configuration(str(root / "pyproject.toml"))["contracts_options"]
    assert len(options) >= 5, "the contracts are gone"
    checks = {option["id"]: check_contract(root, option["id"]) for option in options}
    broken = {name: done for name, done in checks.items() if done.returncode}
    for name, done in broken.items():
        print(f"{name}:\n{done.stdout}{done.stderr}")
    return list(broken)


def test_every_contract_is_kept():
    assert broken_contracts(ROOT) == []


@pytest.fixture(scope="module")
def copied_package(tmp_path_factory) -> Path:
    """The Python files of the package beside ``pyproject.toml``, to break."""
    root = tmp_path_factory.mktemp("house")
    for path in modules():
        target = root / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.mark.parametrize(
    ("contract", "files"),
    [
        ("arrows", {"runtime/planted.py": "from lab_helpers.course import claims"}),
        ("arrows", {"models/planted.py": "def f():\n    from lab_helpers.tuning.lora import x"}),
        ("arrows", {"rag/planted.py": "from lab_helpers.evaluation import similarity"}),
        ("arrows", {"attic/__init__.py": ""}),
        ("labs", {"labs/lab01/planted.py": "from lab_helpers.labs.lab02 import questions"}),
        ("labs", {"labs/shared/planted.py": "from lab_helpers.labs.lab02 import questions"}),
        (
            "labs",
            {
                "labs/lab99/__init__.py": "",
                "labs/lab99/rows.py": "from lab_helpers.labs.lab00.questions import x",
            },
        ),
        (
            "circles",
            {
                "data/planted.py": "from lab_helpers.data import planted_too",
                "data/planted_too.py": "def f():\n    from lab_helpers.data.planted import g",
            },
        ),
        ("figures", {"tuning/planted.py": "import lab_helpers.figures.style"}),
        ("profiles", {"models/planted.py": "from lab_helpers.runtime.profiles import Profile"}),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_a_planted_violation_breaks_its_contract(copied_package, contract, files):
    package = copied_package / "lab_helpers"
    rooms = {package / "attic", package / "labs" / "lab99"}
    try:
        for name, code in files.items():
            (package / name).parent.mkdir(exist_ok=True)
            (package / name).write_text(code + "\n", encoding="utf-8")
        done = check_contract(copied_package, contract)
    finally:
        for name in files:
            (package / name).unlink()
        for room in rooms:
            shutil.rmtree(room, ignore_errors=True)
    assert done.returncode == 1, done.stdout
    assert "planted" in done.stdout or "attic" in done.stdout or "lab99" in done.stdout


# --- what a room does not know --------------------------------------------------------------------


def words_of_code(path: Path) -> set[str]:
    """Names, attributes and strings of a module, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    scopes = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, scopes) and ast.get_docstring(node, clean=False) is not None
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.update(node.name.split("."))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:  # fmt: skip
            found.add(node.value)
    return found


def test_the_course_names_no_single_lab_outside_the_registry():
    """Its tables (claims, bands) do, in TOML: what a new lab needs is data there, not code."""
    naming = [
        f"{place(path)}:{number}: {line.strip()}"
        for path in modules("course")
        if path.name != "registry.py"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if A_LAB.search(line)
    ]
    assert naming == []


def test_the_library_names_no_lab_no_run_and_no_profile():
    """Imports are the contracts' matter; this is about duck-typed arguments and words to the user."""
    knowing = [
        f"{place(path)}: {word}"
        for path in modules(*LIBRARY)
        if path != PACKAGE / "runtime" / "profiles.py"
        for word in words_of_code(path)
        if A_LAB.search(word) or word in {"Run", "Profile", "load_profile", "profile", "profiles"}
    ]
    assert knowing == []


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("def train(run: Run): ...", "Run"),
        ('raise BadInput("lab 05 needs preferences")', "lab 05 needs preferences"),
        ("rate = run.profile.lab", "profile"),
        ("from lab_helpers.course.record import Run", "Run"),
    ],
)
def test_what_code_says_is_found_and_what_docstrings_say_is_not(tmp_path, code, word):
    module = tmp_path / "module.py"
    module.write_text(f'"""Figures of lab 06; a Run."""\n{code}\n', encoding="utf-8")
    found = words_of_code(module)
    assert word in found
    assert not any("Figures" in other for other in found)


@pytest.mark.parametrize(
    "source", sorted((ROOT / "labs/source").glob("*.py")), ids=lambda p: p.stem
)
def test_a_labs_cells_import_from_no_other_labs_folder(source):
    folders = set(re.findall(r"lab_helpers\.labs\.(\w+)", source.read_text(encoding="utf-8")))
    assert folders <= {f"lab{source.stem[:2]}", "shared", "base"}


# --- cheap, short, and unmistakable ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["lab_helpers", "lab_helpers.cli.main"])
def test_no_heavy_library_is_imported_with(name):
    code = f"import sys, importlib; importlib.import_module({name!r}); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = done.stdout.split()
    assert name in loaded
    assert HEAVY.isdisjoint(loaded)


def test_no_module_is_too_long_to_read():
    lengths = {place(path): len(path.read_bytes().splitlines()) for path in modules()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_no_two_classes_share_a_name():
    names = Counter(
        node.name
        for path in modules()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_the_linter_sees_every_module():
    """An unanchored ``exclude = ["labs"]`` would pass over ``lab_helpers/labs`` without a word."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--show-files", str(PACKAGE)],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    listed = {Path(line) for line in done.stdout.splitlines()}
    assert len(modules("labs")) > 50
    assert [place(path) for path in modules() if path not in listed] == []
