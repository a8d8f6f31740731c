"""Kotori's files: only the published weights are handed out, and they are read once a process."""

import hashlib

import pytest

from lab_helpers.models import sources
from lab_helpers.models.kotori import shipped
from lab_helpers.runtime.errors import EXIT_MISSING, MissingDependency

CONTENT = b"the weights" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder in the place of the shipped one, with "weights" whose hash is the published one."""
    (tmp_path / "model.safetensors").write_bytes(CONTENT)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    monkeypatch.setattr(shipped, "SHA256", SHA256)
    shipped.kotori_folder.cache_clear()
    yield tmp_path
    shipped.kotori_folder.cache_clear()


def test_the_published_weights_are_handed_out(folder):
    assert shipped.kotori_folder() == folder


def test_they_are_verified_once_a_process(folder, monkeypatch):
    read = []
    real = sources.sha256_of
    monkeypatch.setattr(sources, "sha256_of", lambda path: read.append(path) or real(path))
    for _ in range(3):
        shipped.kotori_folder()
    assert read == [folder / "model.safetensors"]


def test_missing_weights_are_refused_with_the_way_out(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(MissingDependency, match=r"missing \(model\.safetensors\)") as caught:
        shipped.kotori_folder()
    assert caught.value.exit_code == EXIT_MISSING
    assert "git checkout -- lab_helpers/models/kotori/weights" in caught.value.fix
    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_refused(folder, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", folder / "none")
    with pytest.raises(MissingDependency, match="missing"):
        shipped.kotori_folder()


def test_a_folder_in_the_weights_place_is_refused(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()
    with pytest.raises(MissingDependency, match="missing"):
        shipped.kotori_folder()


@pytest.mark.parametrize("position", [0, 5500, len(CONTENT) - 1])
def test_one_flipped_bit_is_refused_with_the_way_out(folder, position):
    content = bytearray(CONTENT)
    content[position] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(MissingDependency, match=r"altered.*not loaded") as caught:
        shipped.kotori_folder()
    assert SHA256[:12] in caught.value.what
    assert hashlib.sha256(content).hexdigest()[:12] in caught.value.what
    assert caught.value.exit_code == EXIT_MISSING
    assert "git checkout" in caught.value.fix


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"\0"])
def test_a_file_of_another_length_is_refused(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(MissingDependency, match="altered"):
        shipped.kotori_folder()


def test_a_refusal_is_not_remembered(folder):
    (folder / "model.safetensors").write_bytes(b"altered")
    for _ in range(2):
        with pytest.raises(MissingDependency):
            shipped.kotori_folder()
    (folder / "model.safetensors").write_bytes(CONTENT)
    assert shipped.kotori_folder() == folder


def test_a_hash_can_be_given(folder, monkeypatch):
    monkeypatch.setattr(shipped, "SHA256", "0" * 64)
    shipped.verify(folder / "model.safetensors", SHA256)
    with pytest.raises(MissingDependency, match="altered"):
        shipped.verify(folder / "model.safetensors")


def test_nothing_passes_while_no_hash_is_published(folder, monkeypatch):
    monkeypatch.setattr(shipped, "SHA256", "")
    with pytest.raises(MissingDependency, match="altered"):
        shipped.kotori_folder()


def test_the_published_hash_is_one_or_not_yet_there():
    assert len(shipped.SHA256) in (0, 64)
    assert shipped.FOLDER.name == "weights"
    if shipped.SHA256:
        shipped.verify(shipped.FOLDER / "model.safetensors")
