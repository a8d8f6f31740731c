"""CONTRIBUTING's "Add a lab", followed to the letter in a copy of the project: the new lab runs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"


def blocks(heading: str) -> dict[str, str]:
    """The code blocks below a heading of CONTRIBUTING, by the file that stands in their first line."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    part = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"```\w*\n# (?:in )?([^\s,;]+)[^\n]*\n(.*?)```", part, re.DOTALL)
    return dict(found)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of what a lab touches, with the example's files in it: one folder, one source, one entry, its tables."""
    copy = tmp_path_factory.mktemp("copy")
    leave = shutil.ignore_patterns("__pycache__", "*.ipynb")
    for name in ("lab_helpers", "labs", "datasets_small"):
        shutil.copytree(ROOT / name, copy / name, ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for name, content in blocks("Add a lab").items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("registry.py"):
            before = path.read_text(encoding="utf-8")
            end = before.index("\n)\n", before.index("LABS = ("))
            content = before[:end] + "\n" + content.rstrip() + before[end:]
        elif name.endswith(".toml"):
            content = path.read_text(encoding="utf-8") + "\n" + content
        path.write_text(content, encoding="utf-8")
    (copy / "lab_helpers/labs/lab12/__init__.py").write_text("", encoding="utf-8")
    return copy


@pytest.fixture
def labs(project, tmp_path):
    def run(*arguments: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(project), "LAB_HOME": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-m", "lab_helpers.cli", *arguments],
            capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
        )  # fmt: skip

    return run


def test_the_example_touches_one_folder_one_source_one_entry_and_tables():
    names = set(blocks("Add a lab"))
    ours = {name for name in names if name.startswith("lab_helpers/labs/lab12/")}
    assert names - ours == {
        "labs/source/12_temperature.py",
        "lab_helpers/course/registry.py",
        "lab_helpers/runtime/profiles.toml",
        "lab_helpers/course/bands.toml",
    }


def test_it_runs_headless_and_is_judged(labs):
    done = labs("run", "12", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["lab"] == "12"
    assert record["metrics"]["entropy_hot"] > record["metrics"]["entropy_cold"] > 0
    assert [section["title"] for section in record["sections"]][-1] == "Verdict"
    assert record["outside"] == []


def test_it_is_listed_with_its_exercise(labs):
    done = labs("list", "--lang", "ja")
    assert done.returncode == 0, done.stderr
    assert "12" in done.stdout
    assert "0/1" in done.stdout


def test_its_translations_are_stamped_and_both_notebooks_built(labs, project):
    stale = labs("build", "12", "--no-execute")
    assert stale.returncode == 2
    assert "stale translation" in stale.stderr
    done = labs("build", "12", "--stamp", "--no-execute")
    assert done.returncode == 0, done.stderr
    for folder in ("labs", "labs/ja"):
        cells = nbformat.read(project / folder / "12_temperature.ipynb", as_version=4).cells
        assert any("lab.verdict()" in cell.source for cell in cells)


def test_the_house_still_stands(project):
    from tests.test_architecture import broken_contracts

    assert broken_contracts(project) == []
