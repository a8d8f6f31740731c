"""A course of three files that needs three packages, which lie in a folder instead of on an index."""

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from lab_helpers.course.classroom import bundle, course_wheel

# A build backend in the project itself: pip builds it without looking anything up.
BACKEND = """
import zipfile
from pathlib import Path

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "{wheel}-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder) / name, "w") as archive:
        for path, content in {files!r}.items():
            archive.writestr(path, content)
    return name
"""
PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def wheel_files(name: str, version: str, needs=()) -> dict[str, str]:
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    about += "".join(f"Requires-Dist: {one}\n" for one in needs)
    module, info = name.replace("-", "_"), f"{name.replace('-', '_')}-{version}.dist-info"
    return {
        f"{module}/__init__.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": about,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }


def write_wheel(folder: Path, name: str, version: str, needs=()) -> Path:
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for place, content in wheel_files(name, version, needs).items():
            archive.writestr(place, content)
    return path


def sources(name: str, version: str, needs=()) -> dict[str, str]:
    """A project that pip can build."""
    module = name.replace("-", "_")
    files = wheel_files(name, version, needs)
    return {
        "pyproject.toml": PYPROJECT,
        "backend.py": BACKEND.format(wheel=f"{module}-{version}", files=files),
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }


def write_sources(folder: Path, name: str, version: str) -> None:
    """What an index holds of a package that has no wheel."""
    with tarfile.open(folder / f"{name}-{version}.tar.gz", "w:gz") as archive:
        for place, content in sources(name, version).items():
            entry = tarfile.TarInfo(f"{name}-{version}/{place}")
            entry.size = len(content.encode())
            archive.addfile(entry, io.BytesIO(content.encode()))


def write_course(root: Path, index: Path) -> None:
    """A checkout, and what lies on the index: alpha 1 and 2, beta-lib, gamma as sources only, a model's data."""
    for folder in (root / "lab_helpers", root / "labs/ja", root / "datasets_small", index):
        folder.mkdir(parents=True)
    needed = ["alpha", "beta-lib", "gamma"]
    for place, content in sources("llm-finetuning-labs", "0.1.0", needed).items():
        (root / place).write_text(content)
    (root / "lab_helpers/__init__.py").write_text("")
    (root / "labs/00.ipynb").write_text("{}")
    (root / "labs/ja/00.ipynb").write_text("{}")
    (root / "datasets_small/reviews.jsonl").write_text("{}")
    (root / "constraints.txt").write_text("alpha==1.0\nbeta-lib==1.0\ngamma==1.0\n")
    for name, version in (("alpha", "1.0"), ("alpha", "2.0"), ("beta-lib", "1.0")):
        write_wheel(index, name, version)
    write_sources(index, "gamma", "1.0")
    write_wheel(index, "model-data", "1.0", ["nobody-has-this"])


def use_course(monkeypatch, root: Path, index: Path) -> None:
    """Everything takes ``root`` for the course, and ``index`` for all that there is."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setattr(course_wheel, "PACKAGE", root / "lab_helpers")
    monkeypatch.setattr(bundle, "PACKAGE", root / "lab_helpers")
    monkeypatch.setattr(bundle, "data_packages", lambda: ["model-data==1.0"])
    for module in (course_wheel, bundle):
        monkeypatch.setattr(module, "labs_folder", lambda: root / "labs")
        monkeypatch.setattr(module, "data_folder", lambda: root / "datasets_small")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A course, its index and its finished bundle, made once: pip takes seconds."""
    place = tmp_path_factory.mktemp("classroom")
    write_course(place / "checkout", place / "index")
    with pytest.MonkeyPatch.context() as patch:
        use_course(patch, place / "checkout", place / "index")
        bundle.make_bundle(place / "bundle", bundle.BundleOrder())
    return place


@pytest.fixture
def tiny_course(finished, tmp_path, monkeypatch):
    """A copy of the course's root that a test may change."""
    root = shutil.copytree(finished / "checkout", tmp_path / "checkout")
    use_course(monkeypatch, root, finished / "index")
    return root


@pytest.fixture
def made(finished, tiny_course, tmp_path):
    """A copy of the finished bundle."""
    return shutil.copytree(finished / "bundle", tmp_path / "bundle")


@pytest.fixture
def pip_calls(monkeypatch):
    """What pip is asked for, while it still answers."""
    from lab_helpers.course.classroom import wheels

    calls, real = [], wheels.run_pip

    def run(*arguments):
        wanted = [a for a in arguments if str(a).endswith("wanted.txt")]
        names = Path(wanted[0]).read_text().split() if wanted else []
        calls.append((arguments[0], tuple(name for name in names[::3])))
        return real(*arguments)

    for module in (wheels, course_wheel):
        monkeypatch.setattr(module, "run_pip", run)
    return calls
