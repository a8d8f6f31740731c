"""The first cell of a notebook on a pretended Colab machine: first session, after a restart, and all that fails."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from colab_machine import ON_COLAB, ColabMachine
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lab_helpers import __version__
from lab_helpers.course import colab
from lab_helpers.course.colab_cells import opening_cells, repository

ROOT = Path(__file__).parents[2]
FREEZE = Path(__file__).with_name("colab_freeze.txt")
MODELS = [one.partition("==")[0] for one in colab.MODEL_PACKAGES]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Colab is Linux, and so is its stand-in")


def first_cell(language: str = "en", drive: bool = False) -> str:
    cell = opening_cells("04_sft", language)[1].source
    return cell.replace("DRIVE = False", "DRIVE = True", 1) if drive else cell


@pytest.fixture
def machine(tmp_path):
    return ColabMachine(tmp_path / "colab")


# --- elsewhere ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_elsewhere_the_cell_does_nothing(machine, language):
    [told] = machine.run(first_cell(language, drive=True), modules=())
    assert told["names"] == ["DRIVE", "sys"]
    assert (told["printed"], told["failed"], told["imported"]) == ("", None, [])
    assert told["lang"] is told["home"] is None
    assert machine.calls() == []
    assert list(machine.content.iterdir()) == []


def test_a_process_that_labs_starts_on_colab_is_elsewhere(machine):
    """``!labs run my_04.ipynb``: google.colab can be imported there, and is not."""
    [told] = machine.run(first_cell(), modules=("json",))
    assert told["failed"] is None
    assert machine.calls() == []


# --- the first session and those after a restart ------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_first_session_fetches_installs_and_keeps_the_edition(machine, language):
    [told] = machine.run(first_cell(language))
    assert told["failed"] is None
    assert told["lang"] == language
    assert told["home"] is None
    assert told["path"] == str(machine.content / "course")
    assert {"en": "Ready.", "ja": "準備ができました"}[language] in told["printed"]
    (_, release, prompt), (_, newest, _), *pips = machine.calls()
    assert release[release.index("--branch") + 1] == f"v{__version__}"
    assert newest[newest.index("--branch") + 1] == "main"
    assert newest[-2:] == [repository(), str(machine.content / "course")]
    assert prompt == "0", "git must not ask for a password"
    assert [call[1][0] for call in pips] == ["uninstall", "install", "install", "install"]
    course = pips[1][1]
    assert course[course.index("--editable") + 1] == str(machine.content / "course")
    alone = [call[1][1:4] for call in pips[2:]]
    assert alone == [["--no-deps", "--only-binary=:all:", one] for one in colab.MODEL_PACKAGES]


def test_the_release_of_the_notebooks_version_is_taken_where_there_is_one(machine):
    machine.run(first_cell(), branches=["main", f"v{__version__}"])
    [(_, asked, _)] = machine.calls("git")
    assert f"v{__version__}" in asked


def test_what_colab_brings_is_held_and_the_rest_may_be_renewed(machine):
    machine.run(first_cell())
    held = set(machine.calls("pip")[1][2].split())
    kept = {f"{name}=={v}" for name, v in ON_COLAB.items() if name in colab.KEPT}
    assert held == kept
    assert {"torch==2.11.0+cu128", "transformers==5.15.0", "peft==0.20.0"} <= held
    assert not any(one.startswith(("datasets", "pyarrow")) for one in held)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_after_a_restart_it_sets_the_variables_again_and_installs_nothing(machine, language):
    machine.run(first_cell(language, drive=True))
    machine.calls()
    [told] = machine.run(first_cell(language, drive=True))
    assert told["failed"] is None
    assert told["lang"] == language
    assert told["home"] == str(machine.content / "drive/MyDrive/llm-finetuning-labs")
    assert told["path"] == str(machine.content / "course")
    assert machine.calls() == [], "no git, no pip, and Drive is still open"


def test_it_may_be_run_twice_in_one_session(machine):
    first, second = machine.run(first_cell(), first_cell())
    assert first["failed"] is second["failed"] is None
    assert [call[0] for call in machine.calls()] == ["git", "git", *["pip"] * 4]


def test_a_renewed_package_that_is_loaded_asks_for_a_restart_until_there_is_one(machine):
    again = machine.run(
        first_cell(), first_cell(), modules=("google.colab", "pyarrow"), renewed={"pyarrow": "26.0.1", "datasets": "5.2.0"}
    )  # fmt: skip
    for told in again:
        assert told["failed"].startswith(
            "✋ Installed, but this session has loaded older versions of pyarrow."
        )
        assert "Restart session" in told["failed"]
        assert "\n" not in told["failed"]
        assert "datasets" not in told["failed"], "renewed, but not loaded"
        assert "Ready" not in told["printed"]
    [after] = machine.run(first_cell(), modules=("google.colab", "pyarrow"))
    assert after["failed"] is None
    assert "Ready." in after["printed"]


def test_a_renewed_package_that_nobody_loaded_asks_for_nothing(machine):
    [told] = machine.run(first_cell(), renewed={"pyarrow": "26.0.1"})
    assert told["failed"] is None
    assert machine.version_of("pyarrow") == "26.0.1"


@pytest.mark.parametrize(("version", "stays"), [("0.10.0", False), ("0.15.0+cu128", False), ("0.16.0", True), ("1.0.0", True)])  # fmt: skip
def test_an_old_torchao_goes(tmp_path, version, stays):
    machine = ColabMachine(tmp_path / "colab", ON_COLAB | {"torchao": version})
    machine.run(first_cell())
    assert (machine.version_of("torchao") is not None) == stays


def test_a_notebook_of_another_version_says_so_and_goes_on(machine):
    [told] = machine.run(first_cell().replace(f'"{__version__}"', '"9.9"'))
    assert told["failed"] is None
    assert f"made for version 9.9 of the course, and {__version__} is installed" in told["printed"]


# --- Google Drive ---------------------------------------------------------------------------------


def test_drive_is_asked_only_where_it_is_wanted(machine):
    machine.run(first_cell())
    assert machine.calls("drive") == []
    [told] = machine.run(first_cell(drive=True))
    assert machine.calls("drive") == [["drive", str(machine.content / "drive"), {}]]
    assert told["home"] == str(machine.content / "drive/MyDrive/llm-finetuning-labs")
    assert told["home"] in told["printed"]


def test_drive_that_is_switched_off_again_is_left(machine):
    wanted, left = machine.run(first_cell(drive=True), first_cell())
    assert wanted["home"]
    assert left["home"] is None


@pytest.mark.parametrize(("language", "said"), [("en", "set DRIVE = False"), ("ja", "DRIVE = False にして")])  # fmt: skip
def test_drive_that_is_refused_is_one_sentence_with_the_way_out(machine, language, said):
    [told] = machine.run(first_cell(language, drive=True), drive="refused")
    assert said in told["failed"]
    assert "mount failed" in told["failed"]
    assert "\n" not in told["failed"]
    assert machine.calls("pip") == [], "what needs a person comes first"
    [again] = machine.run(first_cell(language), drive="refused")
    assert again["failed"] is None


# --- what fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "said"), [("en", "cannot be reached: check"), ("ja", "に接続できません")])  # fmt: skip
def test_without_network_it_is_one_sentence_and_later_it_works(machine, language, said):
    [told] = machine.run(first_cell(language), branches=[])
    assert told["failed"].startswith(f"✋ {repository()}")
    assert said in told["failed"]
    assert "\n" not in told["failed"]
    assert machine.calls("pip") == []
    [later] = machine.run(first_cell(language), branches=["main"])
    assert later["failed"] is None


@pytest.mark.parametrize(("language", "said"), [("en", "Check the connection"), ("ja", "接続を確かめて")])  # fmt: skip
def test_pip_that_fails_is_its_own_words_with_the_way_out(machine, language, said):
    [told] = machine.run(first_cell(language), failing=["course"])
    assert "ERROR: No matching distribution found for it" in told["failed"]
    assert said in told["failed"]
    assert "\n" not in told["failed"]
    [later] = machine.run(first_cell(language), failing=[])
    assert later["failed"] is None
    assert machine.version_of("llm-finetuning-labs") == __version__


def test_half_an_installation_that_renewed_what_is_loaded_asks_for_a_restart_too(machine):
    """pip renews pyarrow and then fails; the second try in the same session finds nothing more to renew."""
    mend = "import json; s = json.load(open('../setting.json')); s['failing'] = []; json.dump(s, open('../setting.json', 'w'))"
    told = machine.run(
        first_cell(),
        mend,
        first_cell(),
        modules=("google.colab", "pyarrow"),
        failing=["course"],
        renewed={"pyarrow": "26.0.1"},
    )
    assert "No matching distribution" in told[0]["failed"]
    assert "Restart session" in told[2]["failed"]


def test_a_model_that_is_not_to_be_had_stops_nothing_and_is_tried_again(machine):
    [told] = machine.run(first_cell(), failing=[colab.MODEL_PACKAGES[1]])
    assert told["failed"] is None
    assert f"{colab.MODEL_PACKAGES[1]} is missing (pip: ERROR: No matching" in told["printed"]
    assert colab.MODEL_PACKAGES[0] not in told["printed"]
    assert "Ready." in told["printed"]
    machine.calls()
    machine.run(first_cell(), failing=[])
    assert [call[1][3] for call in machine.calls("pip")] == [colab.MODEL_PACKAGES[1]]
    assert machine.version_of(colab.MODEL_PACKAGES[1].partition("==")[0])


def test_ipython_shows_the_sentence_alone_and_stops(tmp_path):
    """In a real IPython: what the pretended session takes for IPython's way of showing an error is that."""
    code = """
import sys, types
from IPython.core.interactiveshell import InteractiveShell
sys.modules["google.colab"] = types.ModuleType("google.colab")
done = InteractiveShell.instance().run_cell(sys.argv[1])
print("ERROR" if done.error_in_exec else "NONE")
"""
    machine = ColabMachine(tmp_path / "colab")
    (machine.folder / "setting.json").write_text(json.dumps({"branches": []}))
    cell = first_cell().replace('"/content', f'"{machine.content}')
    path = f"{machine.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-c", code, cell], capture_output=True, text=True, check=True,
        env={**os.environ, "PATH": path, "IPYTHONDIR": str(tmp_path)},
    )  # fmt: skip
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert len(lines) == 2
    assert lines[0].startswith(f"✋ {repository()} cannot be reached")
    assert lines[1] == "ERROR", "a cell that fails stops Run all"


# --- what stands elsewhere and must agree -------------------------------------------------------


def colab_versions() -> dict[str, str]:
    lines = FREEZE.read_text(encoding="utf-8").splitlines()
    named = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in named}


def test_the_course_takes_what_colab_brings_as_it_is():
    """Without a registry: no range of ours excludes what is held, and Colab gets no JupyterLab."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {one.name: one for one in map(Requirement, project["dependencies"])}
    versions = colab_versions()
    held = needed.keys() & versions.keys() & set(colab.KEPT)
    named = {"torch", "transformers", "peft", "accelerate", "ipywidgets", "ipython", "psutil"}
    assert named <= held
    assert [name for name in held if not needed[name].specifier.contains(versions[name])] == []
    assert "jupyterlab" not in needed
    assert set(colab.KEPT) - versions.keys() == {"torchvision", "torchaudio"}


@pytest.mark.parametrize("file", ["Makefile", "README.md", "README.ja.md", "lab_helpers/models/smollm2.py", "lab_helpers/models/e5.py"])  # fmt: skip
def test_the_models_packages_have_one_version_everywhere(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    named = re.findall(rf"(?:{'|'.join(map(re.escape, MODELS))})==[\w.]+\w", text)
    assert named
    assert set(named) <= set(colab.MODEL_PACKAGES)
